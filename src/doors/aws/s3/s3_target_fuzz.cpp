// Any method, host, target and headers, through the whole door to a real store, as root: it never falls over,
// never says that the fault is ours, and its errors are XML. And an address means the same when it is written again.
//
// Input: lines: method, host, target, then headers "name: value"; after an empty line the body.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include "access/base64.h"
#include "base/id.h"
#include "doors/aws/s3/continuation_token.h"
#include "doors/aws/s3/dispatch.h"
#include "doors/aws/s3/text.h"
#include "doors/http/url.h"

namespace {

using namespace tarn;
using namespace tarn::aws::s3;

struct Lines {
  std::string method;
  std::string host;
  std::string target;
  std::vector<http::Header> headers;
  std::string body;
};

std::string_view next_line(std::string_view& text) {
  size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

Lines read_lines(std::string_view text) {
  Lines out;
  out.method = next_line(text);
  out.host = next_line(text);
  out.target = next_line(text);
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (line.empty()) break;
    size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    std::string name = lower(line.substr(0, colon));
    if (name == "authorization" || name == "host") continue;
    out.headers.push_back({name, std::string(line.substr(colon + 2))});
  }
  out.body = text;
  return out;
}

class Request final : public http::Request {
 public:
  Request(Lines lines, const std::string& login) : lines_(std::move(lines)) {
    lines_.headers.push_back({"authorization", login});
    lines_.headers.push_back({"host", lines_.host});
  }
  std::string_view method() const override { return lines_.method; }
  std::string_view target() const override { return lines_.target; }
  std::string_view path() const override { return http::split_target(lines_.target).path; }
  std::optional<std::string> query(std::string_view name) const override {
    return http::query_value(http::split_target(lines_.target).query, name);
  }
  std::optional<std::string_view> header(std::string_view name) const override {
    for (const auto& h : lines_.headers) {
      if (h.name == lower(name)) return h.value;
    }
    return std::nullopt;
  }
  std::vector<std::pair<std::string_view, std::string_view>> headers() const override {
    std::vector<std::pair<std::string_view, std::string_view>> out;
    for (const auto& h : lines_.headers) out.emplace_back(h.name, h.value);
    return out;
  }
  std::optional<uint64_t> content_length() const override { return lines_.body.size(); }
  Result<size_t> read(std::span<char> out) override {
    size_t n = std::min(out.size(), lines_.body.size() - at_);
    if (n > 0) std::memcpy(out.data(), lines_.body.data() + at_, n);
    at_ += n;
    return n;
  }
  std::string remote() const override { return "127.0.0.1:5000"; }
  bool secure() const override { return false; }

 private:
  Lines lines_;
  size_t at_ = 0;
};

struct Responder final : http::Responder {
  int status = 0;
  std::string body;
  Status send(int code, std::vector<http::Header>, std::string_view text) override {
    TARN_CHECK(status == 0);
    status = code;
    body = text;
    return {};
  }
  Status begin(int code, std::vector<http::Header>) override {
    status = code;
    return {};
  }
  Status write(std::string_view) override { return {}; }
  Status end() override { return {}; }
  Status begin_sized(int code, std::vector<http::Header>, uint64_t) override {
    status = code;
    return {};
  }
  Status send_file(int, uint64_t, uint64_t) override { return {}; }
  bool begun() const override { return status != 0; }
  bool client_gone() const override { return false; }
};

// One lake for all inputs; what they write stays, and the next ones meet it.
struct Lake {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("tarn-fuzz-" + uuid_v4());
  ManualClock clock{Timestamp{1'790'000'000'000'000}};
  Metrics metrics;
  std::unique_ptr<meta::Metastore> metastore;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<lake::Catalog> catalog;
  std::unique_ptr<access::Sealer> sealer;
  std::unique_ptr<access::Identities> identities;
  std::unique_ptr<store::Objects> objects;
  std::unique_ptr<access::Audit> audit =
      access::Audit::start([](std::span<const std::string>) { return Status(); }, metrics);
  access::Guard guard{*audit, clock};
  std::unique_ptr<S3> s3;
  std::string login;

  Lake() {
    std::filesystem::create_directories(folder);
    metastore = meta::open_sqlite(folder / "meta.sqlite").value();
    store = store::open_directory_store(folder / "store").value();
    catalog = lake::Catalog::open(*metastore, *store, "lake", clock).value();
    sealer = access::Sealer::open(folder / "secret.key").value();
    identities = access::Identities::open(*metastore, *sealer, clock).value();
    objects = store::Objects::open({folder / "blobs", *metastore, clock, metrics, {}}).value();
    auto key = identities->take_new_root_key().value();
    login = "Basic " + access::base64(key.key.id + ":" + key.secret);
    s3 = std::make_unique<S3>(S3{.parts = {.identities = *identities,
                                           .guard = guard,
                                           .objects = *objects,
                                           .store = *store,
                                           .catalog = *catalog,
                                           .table_bucket = "lake",
                                           .metrics = metrics,
                                           .clock = clock}});
    store::Bucket bucket;
    bucket.name = "bucket";
    bucket.versioning = store::Versioning::kEnabled;
    objects->create_bucket(bucket).value();
    for (const char* target : {"/bucket/a", "/bucket/a/b", "/bucket/a/c", "/bucket/d"}) {
      ask({"PUT", "localhost", target, {}, "some bytes"});
    }
  }
  ~Lake() {
    objects.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  Responder ask(Lines lines) {
    Request request(std::move(lines), login);
    Responder responder;
    dispatch(*s3, request, responder);
    return responder;
  }
};

void check_address(const Lines& lines, std::span<const std::string> domains) {
  auto address = parse_address(lines.host, lines.target, domains);
  if (!address || address->bucket.empty()) return;
  std::string again = "/" + percent_encode(address->bucket) + "/" + percent_encode(address->key, true);
  auto second = parse_address("10.0.0.1", again, domains);
  TARN_CHECK(second && second->bucket == address->bucket && second->key == address->key);
  if (!address->key.empty()) TARN_CHECK(read_token(make_token(address->key)) == address->key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Lake lake;
  Lines lines = read_lines({reinterpret_cast<const char*>(data), size});
  check_address(lines, lake.s3->parts.domains);
  bool head = lines.method == "HEAD";
  Responder told = lake.ask(std::move(lines));
  TARN_CHECK(told.status >= 200 && told.status < 600 && told.status != 500);
  // No XML has a NUL, which S3 writes as a reference all the same.
  bool readable = !told.body.contains("&#x0;");
  if (told.status >= 400 && !head && readable) TARN_CHECK(aws::parse_xml(told.body, "Error"));
  return 0;
}
