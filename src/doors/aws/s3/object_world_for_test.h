// Operations on objects without a server: a real store in a folder of its own, real identities and a real guard;
// request, payload and answer are fakes.
//
// Owns: all of it.
// Threads: the test's.
// Fails: the constructor throws, which gtest reports.
#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/id.h"
#include "doors/aws/s3/operations.h"
#include "doors/aws/s3/text.h"
#include "doors/http/url.h"

namespace tarn::aws::s3 {

using Headers = std::vector<std::pair<std::string, std::string>>;

class FakeRequest : public http::Request {
 public:
  FakeRequest(std::string method, std::string target, Headers headers)
      : method_(std::move(method)), target_(std::move(target)), headers_(std::move(headers)) {
    path_ = http::percent_decode(http::split_target(target_).path).value_or("");
  }
  std::string_view method() const override { return method_; }
  std::string_view target() const override { return target_; }
  std::string_view path() const override { return path_; }
  std::optional<std::string> query(std::string_view name) const override {
    return http::query_value(http::split_target(target_).query, name);
  }
  std::optional<std::string_view> header(std::string_view name) const override {
    for (const auto& [key, value] : headers_) {
      if (lower(key) == lower(name)) return value;
    }
    return std::nullopt;
  }
  std::vector<std::pair<std::string_view, std::string_view>> headers() const override {
    return {headers_.begin(), headers_.end()};
  }
  std::optional<uint64_t> content_length() const override { return std::nullopt; }
  Result<size_t> read(std::span<char>) override { return 0; }
  std::string remote() const override { return "127.0.0.1:5000"; }
  bool secure() const override { return false; }

 private:
  std::string method_, target_, path_;
  Headers headers_;
};

// Gives the body in pieces of at most `piece` bytes.
class FakePayload : public Payload {
 public:
  FakePayload(std::string body, std::optional<uint64_t> length, std::vector<http::Header> trailers,
              size_t piece)
      : body_(std::move(body)), length_(length), trailers_(std::move(trailers)), piece_(piece) {}
  Result<size_t> read(std::span<char> out) override {
    size_t n = std::min({out.size(), body_.size() - at_, piece_});
    std::memcpy(out.data(), body_.data() + at_, n);
    at_ += n;
    if (n == 0 && length_ && *length_ > at_) {
      problem_ = Problem::kShort;
      return fail(Code::kInvalid, "the body is shorter than announced");
    }
    return n;
  }
  std::optional<uint64_t> length() const override { return length_; }
  const std::vector<http::Header>& trailers() const override { return trailers_; }
  Problem problem() const override { return problem_; }
  std::string expected() const override { return {}; }
  std::string actual() const override { return {}; }

 private:
  std::string body_;
  std::optional<uint64_t> length_;
  std::vector<http::Header> trailers_;
  size_t piece_;
  size_t at_ = 0;
  Problem problem_ = Problem::kNone;
};

// An answer, or the error that dispatch would have sent.
struct Told {
  int status = 0;
  std::string code;     // of an error
  std::string message;  // of an error
  std::map<std::string, std::string> headers;
  std::map<std::string, std::string> fields;  // of an error
  std::string body;
  uint64_t length = 0;  // as the head said it
  bool whole = false;

  std::string header(const std::string& name) const { return headers.contains(name) ? headers.at(name) : ""; }
};

class FakeResponder : public http::Responder {
 public:
  explicit FakeResponder(bool head) : head_(head) {}
  Status send(int status, std::vector<http::Header> headers, std::string_view body) override {
    take(status, headers);
    told.length = body.size();
    if (!head_) told.body = body;
    told.whole = true;
    return {};
  }
  Status begin(int status, std::vector<http::Header> headers) override {
    take(status, headers);
    return {};
  }
  Status write(std::string_view bytes) override {
    told.body += bytes;
    return {};
  }
  Status end() override {
    told.whole = true;
    return {};
  }
  Status begin_sized(int status, std::vector<http::Header> headers, uint64_t length) override {
    take(status, headers);
    told.length = length;
    return {};
  }
  Status send_file(int descriptor, uint64_t offset, uint64_t length) override {
    std::string bytes(length, '\0');
    if (::pread(descriptor, bytes.data(), length, static_cast<off_t>(offset)) !=
        static_cast<ssize_t>(length)) {
      return fail(Code::kIo, "a short read");
    }
    told.body += bytes;
    return {};
  }
  bool begun() const override { return told.status != 0; }
  bool client_gone() const override { return false; }

  Told told;

 private:
  void take(int status, const std::vector<http::Header>& headers) {
    told.status = status;
    for (const auto& h : headers) told.headers[lower(h.name)] = h.value;
  }
  const bool head_;
};

struct Asked {
  std::string method = "GET";
  std::string bucket = "b";
  std::string key = {};
  Query query = {};
  Headers headers = {};
  std::string body = {};
  std::vector<http::Header> trailers = {};
  bool length_known = true;
  uint64_t missing_bytes = 0;                                 // announced and not sent
  bool chunked = false;                                       // aws-chunked
  size_t piece = 1 << 20;                                     // bytes of one read of the body
  std::optional<access::Principal> principal = std::nullopt;  // else root
  Scheme scheme = Scheme::kSigV4;
};

class ObjectWorld : public testing::Test {
 protected:
  ObjectWorld() : folder_(std::filesystem::temp_directory_path() / ("tarn-s3-" + uuid_v4())) {
    std::filesystem::create_directories(folder_);
    metastore_ = meta::open_sqlite(folder_ / "meta.db").value();
    store_ = store::open_directory_store(folder_ / "store").value();
    catalog_ = lake::Catalog::open(*metastore_, *store_, "lake").value();
    sealer_ = access::Sealer::open(folder_ / "secret.key").value();
    identities_ = access::Identities::open(*metastore_, *sealer_, clock_).value();
    objects_ = store::Objects::open({folder_ / "blobs", *metastore_, clock_, metrics_, {}}).value();
    for (const char* name : {"b", "b2"}) {
      store::Bucket bucket;
      bucket.name = std::string("bucket-") + name;
      bucket.created = clock_.now();
      objects_->create_bucket(bucket).value();
    }
    s3_ = std::make_unique<S3>(S3{Parts{.identities = *identities_,
                                        .guard = guard_,
                                        .objects = *objects_,
                                        .store = *store_,
                                        .catalog = *catalog_,
                                        .table_bucket = "lake",
                                        .metrics = metrics_,
                                        .clock = clock_}});
  }
  ~ObjectWorld() override {
    std::error_code ignored;
    objects_.reset();
    std::filesystem::remove_all(folder_, ignored);
  }

  // "b" and "b2" stand for the two buckets.
  static std::string bucket_name(const std::string& name) { return "bucket-" + name; }

  Told run(S3Status (*operation)(Call&), const Asked& asked) {
    FakeRequest request(asked.method, "/" + bucket_name(asked.bucket) + "/" + asked.key, asked.headers);
    FakeResponder responder(asked.method == "HEAD");
    std::optional<uint64_t> length;
    if (asked.length_known) length = asked.body.size() + asked.missing_bytes;
    Authenticated who;
    who.principal = asked.principal.value_or(root());
    who.scheme = asked.scheme;
    who.aws_chunked = asked.chunked;
    who.payload = std::make_unique<FakePayload>(asked.body, length, asked.trailers, asked.piece);
    Call call{*s3_,      request,     responder,      bucket_name(asked.bucket),
              asked.key, asked.query, std::move(who), "REQUEST",
              "HOST",    {}};
    S3Status done = operation(call);
    if (done || responder.begun()) return responder.told;
    Told told;
    told.status = done.error().status;
    told.code = done.error().code;
    told.message = done.error().message;
    for (const auto& [name, value] : done.error().fields) told.fields[name] = value;
    for (const auto& h : done.error().headers) told.headers[lower(h.name)] = h.value;
    return told;
  }
  Told put(const std::string& key, const std::string& body, Headers headers = {}) {
    return run(put_object, {.method = "PUT", .key = key, .headers = std::move(headers), .body = body});
  }
  Told get(const std::string& key, Headers headers = {}, Query query = {}) {
    return run(get_object, {.key = key, .query = std::move(query), .headers = std::move(headers)});
  }
  Told head(const std::string& key, Headers headers = {}, Query query = {}) {
    return run(get_object,
               {.method = "HEAD", .key = key, .query = std::move(query), .headers = std::move(headers)});
  }
  void version(const std::string& bucket, store::Versioning versioning) {
    objects_->change_bucket(bucket_name(bucket), [&](store::Bucket& b) { b.versioning = versioning; })
        .value();
  }

  static access::Principal root() {
    access::Principal principal;
    principal.kind = access::PrincipalKind::kRoot;
    principal.name = "root";
    principal.arn = "arn:aws:iam::000000000000:root";
    return principal;
  }
  // A user whose one policy has these statements.
  static access::Principal user(const std::string& statements) {
    access::Principal principal;
    principal.kind = access::PrincipalKind::kUser;
    principal.name = "alice";
    principal.arn = "arn:aws:iam::000000000000:user/alice";
    principal.policies.push_back(
        access::Policy::parse("{\"Version\": \"2012-10-17\", \"Statement\": [" + statements + "]}",
                              access::PolicyKind::kIdentity, "test")
            .value());
    return principal;
  }
  static std::string allows(const std::string& action, const std::string& resource,
                            const std::string& more = "") {
    return "{\"Effect\": \"Allow\", \"Action\": \"" + action +
           "\", \"Resource\": \"arn:aws:s3:::" + resource + "\"" + more + "}";
  }

  const std::filesystem::path folder_;
  ManualClock clock_{Timestamp{1'790'000'000'500'000}};  // 2026-09-21T14:13:20.5Z
  Metrics metrics_;
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<lake::Catalog> catalog_;
  std::unique_ptr<access::Sealer> sealer_;
  std::unique_ptr<access::Identities> identities_;
  std::unique_ptr<store::Objects> objects_;
  std::unique_ptr<access::Audit> audit_ =
      access::Audit::start([](std::span<const std::string>) { return Status(); }, metrics_);
  access::Guard guard_{*audit_, clock_};
  std::unique_ptr<S3> s3_;
};

}  // namespace tarn::aws::s3
