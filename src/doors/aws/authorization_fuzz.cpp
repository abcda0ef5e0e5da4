// Signatures as a hostile client writes them: in the Authorization header, in the query, in a form. Nothing that
// wasn't signed with the key is taken, and what is taken says who it is.
//
// Input: a byte for the way, the method, target, headers and fields as lines: "GET /a?b", "Name: value"; after an
// empty line the body.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "doors/aws/auth.h"
#include "doors/aws/auth_for_test.h"

namespace {

using namespace tarn;
using namespace tarn::aws;
using namespace tarn::aws::testing_auth;

constexpr size_t kHeadersMax = 100;

std::string_view take_line(std::string_view& text) {
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

Headers take_headers(std::string_view& text) {
  Headers out;
  while (!text.empty() && out.size() < kHeadersMax) {
    std::string_view line = take_line(text);
    if (line.empty()) break;
    size_t colon = std::min(line.find(':'), line.size());
    out.emplace_back(std::string(line.substr(0, colon)),
                     std::string(line.substr(std::min(colon + 1, line.size()))));
  }
  return out;
}

void check_canonical(const SentRequest& request) {
  http::Target target = http::split_target(request.raw_target);
  std::string query = canonical_query(target.query, {});
  TARN_CHECK(canonical_query(query, {}) == query);
  std::string path = canonical_path(target.path, true);
  TARN_CHECK(canonical_path(path, true) == path);
  TARN_CHECK(canonical_path(target.path, false).starts_with('/'));
}

void check_request(const SentRequest& sent, bool s3) {
  KnownKeys keys;
  ManualClock clock(kNow);
  AuthOptions options{.identities = keys, .clock = clock, .region = {}};
  SentRequest request = sent;
  auto who = authenticate(request, s3, options);
  (void)service_of(sent);
  if (!who) {
    TARN_CHECK(!who.error().message.empty());
    return;
  }
  TARN_CHECK(who->payload != nullptr);
  bool is_signed = who->scheme == Scheme::kSigV4 || who->scheme == Scheme::kPresignedV4 ||
                   who->scheme == Scheme::kSigV2 || who->scheme == Scheme::kPresignedV2;
  TARN_CHECK((who->principal.kind == access::PrincipalKind::kAnonymous) == (who->scheme == Scheme::kNone));
  char space[512];
  for (auto got = who->payload->read(space); got && *got > 0;) got = who->payload->read(space);
  if (!is_signed) return;
  // What is signed is taken only with its secret.
  for (auto& [id, key] : keys.known) key.secret += "x";
  request = sent;
  TARN_CHECK(!authenticate(request, s3, options).has_value());
}

// Signed by us, then one byte changed: refused, unless the canonical request stays the same.
void check_signed(SentRequest request, bool in_query, bool v2) {
  request.fields.resize(std::min<size_t>(request.fields.size(), 5));
  std::erase_if(request.fields, [](const auto& f) {
    std::string name = lower_case(f.first);
    return name == "authorization" ||
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != std::string::npos || name.empty();
  });
  http::Target target = http::split_target(request.raw_target);
  request.raw_target = "/" + canonical_path(target.path, true);
  request.set("Host", "localhost");
  request.remove("x-amz-security-token");
  request.remove("x-amz-content-sha256");
  request.remove("x-amz-date");
  Signer signer;
  if (v2) {
    constexpr std::string_view kDate = "Sat, 21 Nov 2026 07:00:00 GMT";
    request.set("Date", std::string(kDate));
    request.set("Authorization", "AWS " + std::string(kKeyId) + ":" +
                                     signature_v2(kSecret, v2_header_to_sign(request, kDate, "")));
  } else if (in_query) {
    signer.presign(request);
  } else {
    signer.sign(request, std::string(kUnsignedPayload));
  }
  KnownKeys keys;
  ManualClock clock(kNow);
  AuthOptions options{.identities = keys, .clock = clock, .region = {}};
  SentRequest sent = request;
  auto who = authenticate(sent, true, options);
  // What may be wrong besides: the length of an aws-chunked body.
  if (!who) {
    TARN_CHECK(who.error().problem == Problem::kPayloadHash);
    return;
  }
  sent = request;
  sent.raw_target.insert(1, "x");
  TARN_CHECK(!authenticate(sent, true, options).has_value());
  sent = request;
  sent.verb += "X";
  TARN_CHECK(!authenticate(sent, true, options).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  uint8_t way = data[0];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (way % 4 == 3) {
    KnownKeys keys;
    ManualClock clock(kNow);
    auto who =
        authenticate_form(take_headers(text), AuthOptions{.identities = keys, .clock = clock, .region = {}});
    if (who) TARN_CHECK(who->name == kKeyId || who->name == kSuiteKeyId);
    return 0;
  }
  SentRequest request;
  std::string_view line = take_line(text);
  size_t blank = std::min(line.find(' '), line.size());
  request.verb = line.substr(0, blank);
  request.raw_target = line.substr(std::min(blank + 1, line.size()));
  request.fields = take_headers(text);
  request.body = text;
  if ((way & 4) != 0) request.peer = "127.0.0.1:1";
  check_canonical(request);
  if (way % 4 == 2) {
    check_signed(request, (way & 8) != 0, (way & 16) != 0);
  } else {
    check_request(request, way % 4 == 0);
  }
  return 0;
}
