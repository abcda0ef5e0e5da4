// aws-chunked bodies as a hostile client sends them. However the bytes arrive and are asked for, they are the same;
// and signed ones are taken only as they were signed.
//
// Input: a byte for the form (bit 0: signed; bit 1: a decoded length is announced; bit 2: a trailer is; bit 3: the
// rest is the content of a body signed here, which is changed in one place), one that seeds the sizes of the pieces,
// the body.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "doors/aws/auth_for_test.h"
#include "doors/aws/payload.h"

namespace {

using namespace tarn;
using namespace tarn::aws;
using namespace tarn::aws::testing_auth;

constexpr size_t kDecodedLength = 12;

struct Outcome {
  Payload::Problem problem = Payload::Problem::kNone;
  std::string bytes;
  std::vector<std::string> trailers;
};

Chunked form_of(uint8_t form, const Signer& signer, const std::string& seed) {
  Chunked out;
  if ((form & 2) != 0) out.decoded_length = kDecodedLength;
  if ((form & 4) != 0) out.announced = {"x-amz-checksum-crc32"};
  if ((form & 1) != 0) {
    out.signing = ChunkSigning{.key = signer.key(),
                               .time = amz_time(signer.at),
                               .scope = signer.scope,
                               .seed = seed,
                               .with_trailer = (form & 4) != 0};
  }
  return out;
}

Outcome take(std::string_view body, const Chunked& chunked, size_t arriving, size_t asked) {
  SentRequest request;
  request.body = body;
  request.piece = arriving;
  auto payload = chunked_payload(request, chunked);
  Outcome out;
  std::string space(asked, '\0');
  for (;;) {
    auto got = payload->read(space);
    if (!got) {
      out.problem = payload->problem();
      TARN_CHECK(out.problem != Payload::Problem::kNone);
      TARN_CHECK(!payload->read(space).has_value());
      return out;
    }
    if (*got == 0) break;
    TARN_CHECK(*got <= asked);
    out.bytes.append(space, 0, *got);
  }
  TARN_CHECK(payload->problem() == Payload::Problem::kNone);
  if (chunked.decoded_length) TARN_CHECK(out.bytes.size() == *chunked.decoded_length);
  for (const http::Header& h : payload->trailers()) out.trailers.push_back(h.name + ":" + h.value);
  TARN_CHECK(out.trailers.size() == chunked.announced.size());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  uint8_t form = data[0];
  uint8_t seed_byte = data[1];
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  Signer signer;
  signer.scope.date = "20261121";
  const std::string seed(64, '5');
  std::string body(rest);
  bool made_here = (form & 8) != 0;
  if (made_here) {
    form = static_cast<uint8_t>((form | 1) & ~2);
    bool with_trailer = (form & 4) != 0;
    Headers trailers;
    if (with_trailer) trailers = {{"x-amz-checksum-crc32", "abc="}};
    size_t cut = rest.empty() ? 0 : 1 + seed_byte % rest.size();
    std::vector<std::string> pieces;
    for (std::string_view piece : {rest.substr(0, cut), rest.substr(cut)})
      if (!piece.empty()) pieces.emplace_back(piece);
    body = chunked_text(pieces, &signer, seed, trailers, with_trailer);
    Outcome good = take(body, form_of(form, signer, seed), 1 << 20, 4096);
    TARN_CHECK(good.problem == Payload::Problem::kNone && good.bytes == rest);
    size_t at = (seed_byte * 131) % body.size();
    body[at] = static_cast<char>(body[at] ^ 1);
  }
  Chunked chunked = form_of(form, signer, seed);
  Outcome whole = take(body, chunked, 1 << 20, 1 << 16);
  Outcome pieces = take(body, chunked, 1 + seed_byte % 50, 1 + seed_byte % 97);
  TARN_CHECK(whole.problem == pieces.problem);
  // A failed one has given what came before, in larger or smaller pieces.
  if (whole.problem == Payload::Problem::kNone) {
    TARN_CHECK(whole.bytes == pieces.bytes && whole.trailers == pieces.trailers);
    TARN_CHECK(!made_here);
  }
  return 0;
}
