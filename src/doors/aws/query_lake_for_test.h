// A lake's parts for tests of the query services: real identities and guard in a folder of its own, requests and
// answers in memory, and a caller who is whom the test says.
//
// Owns: the folder, removed at the end.
// Threads: one.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/thread.h"
#include "doors/aws/iam_parts.h"
#include "doors/aws/query_protocol.h"
#include "doors/http/url.h"

namespace tarn::aws {

class MemoryRequest final : public http::Request {
 public:
  MemoryRequest(std::string method, std::string target, std::vector<http::Header> headers, std::string body)
      : method_(std::move(method)),
        target_(std::move(target)),
        headers_(std::move(headers)),
        body_(std::move(body)) {}
  std::string_view method() const override { return method_; }
  std::string_view target() const override { return target_; }
  std::string_view path() const override { return http::split_target(target_).path; }
  std::optional<std::string> query(std::string_view name) const override {
    return http::query_value(http::split_target(target_).query, name);
  }
  std::optional<std::string_view> header(std::string_view name) const override {
    auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
    for (const http::Header& h : headers_)
      if (std::ranges::equal(h.name, name, same)) return h.value;
    return std::nullopt;
  }
  std::vector<std::pair<std::string_view, std::string_view>> headers() const override {
    std::vector<std::pair<std::string_view, std::string_view>> out;
    for (const http::Header& h : headers_) out.emplace_back(h.name, h.value);
    return out;
  }
  std::optional<uint64_t> content_length() const override { return body_.size(); }
  Result<size_t> read(std::span<char> out) override {
    const size_t n = std::min(out.size(), body_.size() - at_);
    std::copy_n(body_.data() + at_, n, out.data());
    at_ += n;
    return n;
  }
  std::string remote() const override { return "192.0.2.7:4711"; }
  bool secure() const override { return false; }

 private:
  const std::string method_;
  const std::string target_;
  const std::vector<http::Header> headers_;
  const std::string body_;
  size_t at_ = 0;
};

class MemoryResponder final : public http::Responder {
 public:
  Status send(int status, std::vector<http::Header> headers, std::string_view body) override {
    status_ = status;
    headers_ = std::move(headers);
    body_ = body;
    return {};
  }
  Status begin(int status, std::vector<http::Header> headers) override {
    return send(status, std::move(headers), "");
  }
  Status write(std::string_view bytes) override {
    body_ += bytes;
    return {};
  }
  Status end() override { return {}; }
  Status begin_sized(int status, std::vector<http::Header> headers, uint64_t) override {
    return send(status, std::move(headers), "");
  }
  Status send_file(int, uint64_t, uint64_t) override { return fail(Code::kUnsupported, "no files here"); }
  bool begun() const override { return status_ != 0; }
  bool client_gone() const override { return false; }

  int status() const { return status_; }
  const std::string& body() const { return body_; }
  std::string header(std::string_view name) const {
    for (const http::Header& h : headers_)
      if (h.name == name) return h.value;
    return {};
  }

 private:
  int status_ = 0;
  std::vector<http::Header> headers_;
  std::string body_;
};

// The body as it came, unchecked; or what a test wants to happen at its end.
class PlainPayload final : public Payload {
 public:
  PlainPayload(http::Request& request, Problem at_end) : request_(request), at_end_(at_end) {}
  Result<size_t> read(std::span<char> out) override {
    auto got = request_.read(out);
    if (got && *got == 0 && at_end_ != Problem::kNone)
      return fail(Code::kInvalid, "the payload is not what it was");
    return got;
  }
  std::optional<uint64_t> length() const override { return request_.content_length(); }
  const std::vector<http::Header>& trailers() const override { return trailers_; }
  Problem problem() const override { return at_end_; }
  std::string expected() const override { return {}; }
  std::string actual() const override { return {}; }

 private:
  http::Request& request_;
  const Problem at_end_;
  const std::vector<http::Header> trailers_;
};

struct Reply {
  int status = 0;
  std::string text;
  XmlNode body;
  std::string request_id;
  std::string type;
  std::string cache;

  std::string code() const {
    return body.child("Error") == nullptr ? "" : body.child("Error")->value("Code");
  }
  std::string message() const {
    return body.child("Error") == nullptr ? "" : body.child("Error")->value("Message");
  }
  // "CreateUserResult/User/Arn"; fails the test when it isn't there.
  const XmlNode& at(std::string_view path) const {
    const XmlNode* node = &body;
    while (!path.empty()) {
      const size_t slash = std::min(path.find('/'), path.size());
      const XmlNode* next = node->child(path.substr(0, slash));
      if (next == nullptr) {
        ADD_FAILURE() << "no " << path << " in " << text;
        return *node;
      }
      node = next;
      path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return *node;
  }
  std::string value(std::string_view path) const { return at(path).text; }
  // One value of each member: all("ListUsersResult/Users", "UserName").
  std::vector<std::string> all(std::string_view list, std::string_view name = {}) const {
    std::vector<std::string> out;
    for (const XmlNode* member : at(list).all("member"))
      out.push_back(name.empty() ? member->text : member->value(name));
    return out;
  }
};

using Form = std::vector<std::pair<std::string, std::string>>;

inline std::string form_of(const Form& form) {
  std::string out;
  for (const auto& [name, value] : form)
    out += (out.empty() ? "" : "&") + iam::url_encoded(name) + "=" + iam::url_encoded(value);
  return out;
}

class QueryLake {
 public:
  QueryLake() : folder_(make_folder()) {
    metastore_ = must(meta::open_sqlite(folder_ / "meta.db"));
    sealer_ = must(access::Sealer::open(folder_ / "seal.key"));
    identities_ = must(access::Identities::open(*metastore_, *sealer_, clock_));
    audit_ = access::Audit::start(
        [this](std::span<const std::string> entries) -> Status {
          Lock lock(mu_);
          trail_.insert(trail_.end(), entries.begin(), entries.end());
          return {};
        },
        metrics_);
    guard_ = std::make_unique<access::Guard>(*audit_, clock_);
    store_ = must(store::open_directory_store(folder_ / "store"));
    catalog_ = must(lake::Catalog::open(*metastore_, *store_, "lake", clock_));
    objects_ = must(store::Objects::open({.folder = folder_ / "blobs",
                                          .metastore = *metastore_,
                                          .clock = clock_,
                                          .metrics = metrics_,
                                          .limits = {}}));
  }
  ~QueryLake() {
    audit_->stop(Deadline::never());
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  QueryLake(const QueryLake&) = delete;
  QueryLake& operator=(const QueryLake&) = delete;

  Parts parts() {
    return Parts{.identities = *identities_,
                 .guard = *guard_,
                 .objects = *objects_,
                 .store = *store_,
                 .catalog = *catalog_,
                 .table_bucket = "lake",
                 .metrics = metrics_,
                 .clock = clock_};
  }
  access::Identities& identities() { return *identities_; }
  ManualClock& clock() { return clock_; }
  const access::Guard& guard() const { return *guard_; }
  access::Principal root() { return must(identities_->principal("root")); }
  access::Principal user(std::string_view name) { return must(identities_->principal(name)); }
  std::vector<std::string> trail() {
    EXPECT_TRUE(audit_->flush(Deadline::after(std::chrono::seconds(10))));
    Lock lock(mu_);
    return trail_;
  }

  // A user with this inline policy (one statement's JSON).
  access::Principal make_user(const std::string& name, const std::string& statement = {}) {
    access::User user;
    user.name = name;
    if (!statement.empty())
      user.inline_policies.push_back({"own", R"({"Version":"2012-10-17","Statement":[)" + statement + "]}"});
    EXPECT_TRUE(identities_->create_user(user));
    return this->user(name);
  }

  Reply ask(const QueryService& service, const access::Principal& who, const Form& form) {
    return ask(service, form, [&who](http::Request& request) -> std::expected<Authenticated, Refusal> {
      Authenticated out;
      out.principal = who;
      out.scheme = Scheme::kSigV4;
      out.payload = std::make_unique<PlainPayload>(request, Payload::Problem::kNone);
      return out;
    });
  }
  Reply ask(const QueryService& service, const Form& form, const Authenticator& authenticator) {
    MemoryRequest request("POST", "/", {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                          form_of(form));
    return ask(service, request, authenticator);
  }
  Reply ask(const QueryService& service, http::Request& request, const Authenticator& authenticator) {
    MemoryResponder responder;
    const Parts p = parts();
    answer_query(std::array{&service}, p, authenticator, request, responder);
    Reply out{.status = responder.status(),
              .text = responder.body(),
              .body = {},
              .request_id = responder.header("x-amzn-RequestId"),
              .type = responder.header("Content-Type"),
              .cache = responder.header("Cache-Control")};
    auto body = parse_xml(out.text, "");
    EXPECT_TRUE(body) << out.text;
    if (body) out.body = *std::move(body);
    return out;
  }

 private:
  template <typename T>
  static T must(Result<T> result) {
    if (!result) ADD_FAILURE() << result.error().message;
    return *std::move(result);
  }
  static std::filesystem::path make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tarn-query-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }

  const std::filesystem::path folder_;
  ManualClock clock_{Timestamp{1'795'244'400'123'456}};  // 2026-11-21T07:00:00.123456Z
  Metrics metrics_;
  Mutex mu_;
  std::vector<std::string> trail_ TARN_GUARDED_BY(mu_);
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<access::Sealer> sealer_;
  std::unique_ptr<access::Identities> identities_;
  std::unique_ptr<access::Audit> audit_;
  std::unique_ptr<access::Guard> guard_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<lake::Catalog> catalog_;
  std::unique_ptr<store::Objects> objects_;
};

}  // namespace tarn::aws
