#include "doors/aws/native_auth.h"

#include <memory>
#include <utility>

#include "doors/aws/auth.h"
#include "doors/aws/signature.h"

namespace tarn::aws {

namespace {

// The request, with its body read through the payload that checks what was signed.
class VerifiedRequest final : public http::Request {
 public:
  VerifiedRequest(http::Request& request, std::unique_ptr<Payload> payload)
      : request_(request), payload_(std::move(payload)) {}
  std::string_view method() const override { return request_.method(); }
  std::string_view target() const override { return request_.target(); }
  std::string_view path() const override { return request_.path(); }
  std::optional<std::string> query(std::string_view name) const override { return request_.query(name); }
  std::optional<std::string_view> header(std::string_view name) const override {
    return request_.header(name);
  }
  std::vector<std::pair<std::string_view, std::string_view>> headers() const override {
    return request_.headers();
  }
  std::optional<uint64_t> content_length() const override { return payload_->length(); }
  Result<size_t> read(std::span<char> out) override { return payload_->read(out); }
  std::string remote() const override { return request_.remote(); }
  bool secure() const override { return request_.secure(); }

 private:
  http::Request& request_;
  const std::unique_ptr<Payload> payload_;
};

http::Unknown unknown(const Refusal& refusal) {
  switch (refusal.problem) {
    case Problem::kNoCredentials:
      return {
          401,
          "who are you? Send an access key by Basic (curl -u \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\"), "
          "as a Bearer token (<key id>.<secret>) or by a signature (SigV4); `tarn env` prints the root's "
          "key"};
    case Problem::kMalformedHeader:
    case Problem::kMalformedQuery:
    case Problem::kUnsupported:
    case Problem::kPayloadHash:
      return {400, refusal.message};
    case Problem::kInsecure:
      return {403, refusal.message};
    default:
      return {401, refusal.message};
  }
}

}  // namespace

http::Authenticate native_authentication(const access::Identities& identities, const Clock& clock) {
  // Shared by the copies of the function that std::function makes.
  auto keys = std::make_shared<SigningKeys>();
  return [&identities, &clock, keys](http::Request& request) -> std::expected<http::Caller, http::Unknown> {
    AuthOptions options{.identities = identities, .clock = clock, .region = {}};
    options.keys = keys.get();
    auto who = authenticate(request, false, options);
    if (!who) return std::unexpected(unknown(who.error()));
    bool nobody = who->scheme == Scheme::kNone && who->principal.policies.empty();
    if (nobody) return std::unexpected(unknown(Refusal{}));
    std::unique_ptr<http::Request> verified;
    bool is_signed = who->scheme == Scheme::kSigV4 || who->scheme == Scheme::kPresignedV4;
    if (is_signed && who->payload)
      verified = std::make_unique<VerifiedRequest>(request, std::move(who->payload));
    return http::Caller{std::move(who->principal), std::move(verified)};
  };
}

}  // namespace tarn::aws
