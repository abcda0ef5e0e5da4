// For tests of signatures: requests as a client sends them, signed or tampered with, and identities with a few keys.
//
// Owns: copies of everything.
// Threads: one.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doors/aws/auth.h"
#include "doors/aws/auth_time.h"
#include "doors/aws/signature.h"
#include "doors/http/url.h"

namespace tarn::aws::testing_auth {

inline constexpr std::string_view kKeyId = "AKIAIOSFODNN7EXAMPLE";
inline constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
inline constexpr std::string_view kSuiteKeyId = "AKIDEXAMPLE";
inline constexpr std::string_view kSuiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
inline constexpr std::string_view kSessionToken = "v1.session/token+==";

using Headers = std::vector<std::pair<std::string, std::string>>;

struct SentRequest final : public http::Request {
  std::string verb = "GET";
  std::string raw_target = "/";
  Headers fields;
  std::string body;
  std::optional<uint64_t> announced;  // Content-Length; nothing: the body's
  bool chunked = false;               // no Content-Length at all
  size_t piece = 1 << 20;             // of a read
  bool over_tls = false;
  std::string peer = "192.0.2.7:4711";
  size_t at = 0;

  std::string_view method() const override { return verb; }
  std::string_view target() const override { return raw_target; }
  std::string_view path() const override { return http::split_target(raw_target).path; }
  std::optional<std::string> query(std::string_view name) const override {
    return http::query_value(http::split_target(raw_target).query, name);
  }
  std::optional<std::string_view> header(std::string_view name) const override {
    for (const auto& [key, value] : fields) {
      if (lower_case(key) == lower_case(name)) return value;
    }
    return std::nullopt;
  }
  std::vector<std::pair<std::string_view, std::string_view>> headers() const override {
    return {fields.begin(), fields.end()};
  }
  std::optional<uint64_t> content_length() const override {
    if (chunked) return std::nullopt;
    return announced.value_or(body.size());
  }
  Result<size_t> read(std::span<char> out) override {
    size_t n = std::min({out.size(), body.size() - at, piece});
    if (n > 0) std::memcpy(out.data(), body.data() + at, n);
    at += n;
    return n;
  }
  std::string remote() const override { return peer; }
  bool secure() const override { return over_tls; }

  // Replaces the header, or adds it.
  void set(std::string_view name, std::string value) {
    for (auto& [key, old] : fields) {
      if (lower_case(key) != lower_case(name)) continue;
      old = std::move(value);
      return;
    }
    fields.emplace_back(std::string(name), std::move(value));
  }
  void remove(std::string_view name) {
    std::erase_if(fields, [&](const auto& f) { return lower_case(f.first) == lower_case(name); });
  }
};

struct Key {
  std::string secret;
  std::string token;  // not empty: the key needs it
  bool expired = false;
};

// Knows keys; everything else isn't there.
class KnownKeys final : public access::Identities {
 public:
  std::map<std::string, Key, std::less<>> known = {
      {std::string(kKeyId), {std::string(kSecret), "", false}},
      {std::string(kSuiteKeyId), {std::string(kSuiteSecret), "", false}}};
  bool let_anybody_in = false;
  std::vector<std::shared_ptr<const access::Policy>> anybodys_policies;

  Result<access::Credential> credential(std::string_view key_id, std::string_view token,
                                        access::CredentialProblem& problem) const override {
    problem = access::CredentialProblem::kNone;
    auto key = known.find(key_id);
    if (key == known.end()) problem = access::CredentialProblem::kUnknownKey;
    if (key != known.end() && key->second.token != token) problem = access::CredentialProblem::kWrongToken;
    if (key != known.end() && key->second.expired) problem = access::CredentialProblem::kExpired;
    if (problem != access::CredentialProblem::kNone) return fail(Code::kDenied, "no");
    return access::Credential{.secret = key->second.secret, .principal = who(key_id)};
  }
  Result<access::Principal> log_in(std::string_view name, std::string_view secret,
                                   access::CredentialProblem& problem) const override {
    problem = access::CredentialProblem::kNone;
    if (name == "alice" && secret == "pass:word") return who("alice");
    auto key = known.find(name);
    if (key != known.end() && key->second.secret == secret) return who(name);
    problem = access::CredentialProblem::kWrongPassword;
    return fail(Code::kDenied, "no");
  }
  Result<access::Principal> anonymous() const override {
    if (!let_anybody_in) return none();
    access::Principal out = access::Principal::anonymous();
    out.name = "declared";
    out.policies = anybodys_policies;
    return out;
  }

  Result<access::ScramVerifier> verifier(std::string_view) const override { return none(); }
  Result<access::Principal> principal(std::string_view) const override { return none(); }
  Result<access::Session> start_session(const access::Principal&, const access::SessionRequest&) override {
    return none();
  }
  Status may_assume(const access::Principal&, std::string_view, const access::Context&) const override {
    return none();
  }
  std::optional<access::NewAccessKey> take_new_root_key() override { return std::nullopt; }
  Result<bool> keep_new_root_key(const std::function<Status(const access::NewAccessKey&)>&) override {
    return none();
  }
  Status create_user(access::User) override { return none(); }
  Result<access::User> user(std::string_view) const override { return none(); }
  std::vector<access::User> users() const override { return {}; }
  Status remove_user(std::string_view, bool) override { return none(); }
  Status set_password(std::string_view, std::optional<std::string>) override { return none(); }
  Result<access::NewAccessKey> create_key(std::string_view, std::string) override { return none(); }
  Status set_key_active(std::string_view, bool) override { return none(); }
  Status remove_key(std::string_view) override { return none(); }
  std::vector<access::AccessKey> keys(std::optional<std::string_view>) const override { return {}; }
  Status create_role(access::Role) override { return none(); }
  Result<access::Role> role(std::string_view) const override { return none(); }
  std::vector<access::Role> roles() const override { return {}; }
  Status remove_role(std::string_view, bool) override { return none(); }
  Result<access::ManagedPolicy> create_policy(access::ManagedPolicy, std::string) override { return none(); }
  Result<access::ManagedPolicy> policy(std::string_view) const override { return none(); }
  std::vector<access::ManagedPolicy> policies() const override { return {}; }
  Result<access::ManagedPolicy> change_policy(std::string_view,
                                              const std::function<Status(access::ManagedPolicy&)>&) override {
    return none();
  }
  Status change_user(std::string_view, const std::function<Status(access::User&)>&) override {
    return none();
  }
  Status change_role(std::string_view, const std::function<Status(access::Role&)>&) override {
    return none();
  }
  Status remove_policy(std::string_view) override { return none(); }
  Status reseal() override { return {}; }
  Status flush_used() override { return {}; }

 private:
  static std::unexpected<Error> none() { return fail(Code::kNotFound, "not in this test"); }
  static access::Principal who(std::string_view name) {
    access::Principal out;
    out.kind = access::PrincipalKind::kUser;
    out.name = name;
    return out;
  }
};

inline constexpr Timestamp kNow{1'795'244'400'000'000};        // 2026-11-21T07:00:00Z
inline constexpr Timestamp kSuiteTime{1'440'938'160'000'000};  // 2015-08-30T12:36:00Z

// Signs as an SDK does: everything but what proxies change.
struct Signer {
  Scope scope = {.key_id = std::string(kKeyId), .date = {}, .region = "us-east-1", .service = "s3"};
  std::string secret = std::string(kSecret);
  std::string token;
  Timestamp at = kNow;
  std::vector<std::string> leave_out = {"user-agent", "authorization"};

  bool s3() const { return scope.service == "s3"; }
  std::string key() const { return signing_key(secret, scope); }

  std::vector<std::string> names(const CanonicalHeaders& headers) const {
    std::vector<std::string> out;
    for (const auto& [name, value] : headers)
      if (std::ranges::find(leave_out, name) == leave_out.end()) out.push_back(name);
    return out;
  }
  static std::string joined(const std::vector<std::string>& names, std::string_view between) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : std::string(between)) + name;
    return out;
  }
  std::string signature(const SentRequest& r, const CanonicalHeaders& headers,
                        const std::vector<std::string>& signed_headers, std::string_view hash) const {
    http::Target target = http::split_target(r.raw_target);
    std::string time = amz_time(at);
    SignedParts parts{.method = r.verb,
                      .path = canonical_path(target.path, s3()),
                      .query = canonical_query(target.query, {}),
                      .signed_headers = signed_headers,
                      .payload_hash = hash,
                      .time = time};
    return signature_v4(key(), sign_v4(parts, headers, scope).string_to_sign);
  }

  // In the Authorization header. `word`: x-amz-content-sha256; empty: the body's hash. Gives the signature.
  std::string sign(SentRequest& r, const std::string& word = {}) {
    scope.date = amz_time(at).substr(0, 8);
    std::string hash = word.empty() ? sha256_hex(r.body) : word;
    r.set("X-Amz-Date", amz_time(at));
    if (s3() || !word.empty()) r.set("X-Amz-Content-SHA256", hash);
    if (!token.empty()) r.set("X-Amz-Security-Token", token);
    CanonicalHeaders headers = canonical_headers(r);
    std::vector<std::string> signed_headers = names(headers);
    std::string out = signature(r, headers, signed_headers, hash);
    r.set("Authorization", "AWS4-HMAC-SHA256 Credential=" + scope.key_id + "/" + scope.text() +
                               ", SignedHeaders=" + joined(signed_headers, ";") + ", Signature=" + out);
    return out;
  }

  // In the query.
  std::string presign(SentRequest& r, const std::string& expires = "600", std::string hash = {}) {
    scope.date = amz_time(at).substr(0, 8);
    if (hash.empty()) hash = s3() ? std::string(kUnsignedPayload) : sha256_hex(r.body);
    CanonicalHeaders headers = canonical_headers(r);
    std::vector<std::string> signed_headers = names(headers);
    std::string& t = r.raw_target;
    t += t.find('?') == std::string::npos ? "?" : "&";
    t += "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" +
         uri_encode(scope.key_id + "/" + scope.text(), false) + "&X-Amz-Date=" + amz_time(at) +
         "&X-Amz-Expires=" + expires + "&X-Amz-SignedHeaders=" + joined(signed_headers, "%3B");
    if (!token.empty()) t += "&X-Amz-Security-Token=" + uri_encode(token, false);
    std::string out = signature(r, headers, signed_headers, hash);
    t += "&X-Amz-Signature=" + out;
    return out;
  }
};

// An aws-chunked body. `signer` null: unsigned chunks.
inline std::string chunked_text(const std::vector<std::string>& pieces, const Signer* signer,
                                std::string seed, const Headers& trailers = {}, bool sign_trailer = false) {
  std::string out;
  std::string time = signer == nullptr ? "" : amz_time(signer->at);
  auto add = [&](const std::string& piece) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx", piece.size());
    out += size;
    if (signer != nullptr) {
      seed = signature_v4(signer->key(), chunk_to_sign(time, signer->scope, seed, sha256_hex(piece)));
      out += ";chunk-signature=" + seed;
    }
    out += "\r\n" + piece;
    if (!piece.empty()) out += "\r\n";
  };
  for (const std::string& piece : pieces) add(piece);
  add("");
  std::string lines;
  for (const auto& [name, value] : trailers) {
    out += name + ":" + value + "\r\n";
    lines += lower_case(name) + ":" + value + "\n";
  }
  if (signer != nullptr && sign_trailer)
    out += "x-amz-trailer-signature:" +
           signature_v4(signer->key(), trailer_to_sign(time, signer->scope, seed, sha256_hex(lines))) +
           "\r\n";
  return out + "\r\n";
}

}  // namespace tarn::aws::testing_auth
