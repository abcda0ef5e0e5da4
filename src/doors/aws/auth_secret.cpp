// Basic and Bearer: the secret itself, where nobody can read along.
#include <algorithm>

#include "access/base64.h"
#include "doors/aws/auth_parts.h"
#include "doors/aws/payload.h"
#include "doors/http/url.h"

namespace tarn::aws {

namespace {

// Over TLS, or within this machine.
bool is_private(const http::Request& request) {
  if (request.secure()) return true;
  std::string remote = request.remote();
  std::string_view host = http::host_of(remote);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.starts_with("::ffff:")) host.remove_prefix(7);
  return host.starts_with("127.") || host == "::1";
}

struct Secret {
  std::string name;
  std::string secret;
};

std::optional<Secret> split_at(std::string_view text, char separator) {
  size_t at = text.find(separator);
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  return Secret{.name = std::string(text.substr(0, at)), .secret = std::string(text.substr(at + 1))};
}

std::optional<Secret> basic_secret(std::string_view word) {
  // Some clients leave out the padding.
  std::string text(word);
  while (text.size() % 4 != 0) text += '=';
  auto decoded = access::from_base64(text);
  return decoded ? split_at(*decoded, ':') : std::nullopt;
}

}  // namespace

Verdict authenticate_secret(http::Request& request, Scheme scheme, std::string_view word, bool s3,
                            const AuthOptions& options) {
  if (!is_private(request))
    return refuse_auth(
        Problem::kInsecure,
        "Basic and Bearer show the secret to whoever reads along: use TLS, or sign the request (SigV4)");
  auto secret = scheme == Scheme::kBasic ? basic_secret(word) : split_at(word, '.');
  if (!secret)
    return refuse_auth(Problem::kMalformedHeader,
                       scheme == Scheme::kBasic
                           ? "Basic takes base64 of <user>:<password> or <access key id>:<secret access key>"
                           : "Bearer takes <access key id>.<secret access key>");
  access::CredentialProblem problem = access::CredentialProblem::kNone;
  auto principal = options.identities.log_in(secret->name, secret->secret, problem);
  if (!principal) return refuse_auth(Problem::kPassword, "the name or the secret is wrong");
  Authenticated out;
  if (s3) {
    auto payload = s3_payload(request, nullptr, "", out.aws_chunked);
    if (!payload) return std::unexpected(std::move(payload).error());
    out.payload = *std::move(payload);
  } else {
    out.payload = plain_payload(request, "");
  }
  out.principal = *std::move(principal);
  out.scheme = scheme;
  return out;
}

}  // namespace tarn::aws
