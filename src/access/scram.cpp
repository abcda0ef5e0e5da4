#include "access/scram.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "access/base64.h"
#include "base/bytes.h"

namespace tarn::access {
namespace {

constexpr size_t kHashBytes = 32;
constexpr std::string_view kMechanism = "SCRAM-SHA-256$";

unsigned char* raw(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string sha256(std::string_view text) {
  std::string out(kHashBytes, '\0');
  TARN_CHECK(EVP_Digest(text.data(), text.size(), raw(out), nullptr, EVP_sha256(), nullptr) == 1);
  return out;
}

// The part of `text` before `end`, which is removed from it together with `end`; nothing when it isn't there.
std::optional<std::string_view> take(std::string_view& text, char end) {
  size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view part = text.substr(0, at);
  text.remove_prefix(at + 1);
  return part;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string out(kHashBytes, '\0');
  unsigned int length = 0;
  TARN_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(text), text.size(), raw(out),
                  &length) != nullptr);
  return out;
}

ScramVerifier make_verifier_with(std::string_view password, std::string salt, int iterations) {
  std::string salted(kHashBytes, '\0');
  TARN_CHECK(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                               raw(std::string_view(salt)), static_cast<int>(salt.size()), iterations,
                               EVP_sha256(), static_cast<int>(salted.size()), raw(salted)) == 1);
  std::string client_key = hmac_sha256(salted, "Client Key");
  ScramVerifier verifier{iterations, std::move(salt), sha256(client_key), hmac_sha256(salted, "Server Key")};
  OPENSSL_cleanse(salted.data(), salted.size());
  OPENSSL_cleanse(client_key.data(), client_key.size());
  return verifier;
}

ScramVerifier make_verifier(std::string_view password) {
  std::string salt(kScramSaltBytes, '\0');
  TARN_CHECK(RAND_bytes(raw(salt), static_cast<int>(salt.size())) == 1);
  return make_verifier_with(password, std::move(salt), kScramIterations);
}

bool verifies(const ScramVerifier& verifier, std::string_view password) {
  ScramVerifier made = make_verifier_with(password, verifier.salt, verifier.iterations);
  return equal_in_constant_time(made.stored_key, verifier.stored_key);
}

Status check_password(std::string_view password) {
  if (password.empty()) return fail(Code::kInvalid, "the password is empty");
  if (password.size() > kPasswordBytesMax)
    return fail(Code::kInvalid, fmt::format("the password is longer than {} bytes", kPasswordBytesMax));
  if (!is_utf8(password)) return fail(Code::kInvalid, "the password is not UTF-8");
  auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  bool c1 = false;  // U+0080 to U+009F are C2 80 to C2 9F
  for (size_t i = 0; i + 1 < password.size(); ++i)
    c1 = c1 || (password[i] == '\xc2' && static_cast<unsigned char>(password[i + 1]) < 0xa0);
  if (c1 || std::ranges::any_of(password, control))
    return fail(Code::kInvalid, "the password has a control character");
  return {};
}

std::string scram_to_text(const ScramVerifier& verifier) {
  return fmt::format("{}{}:{}${}:{}", kMechanism, verifier.iterations, base64(verifier.salt),
                     base64(verifier.stored_key), base64(verifier.server_key));
}

Result<ScramVerifier> scram_from_text(std::string_view text) {
  auto damaged = [] { return fail(Code::kCorrupt, "the stored password verifier is damaged"); };
  if (!text.starts_with(kMechanism)) return damaged();
  text.remove_prefix(kMechanism.size());
  std::optional<std::string_view> iterations = take(text, ':');
  std::optional<std::string_view> salt = take(text, '$');
  std::optional<std::string_view> stored = take(text, ':');
  if (!iterations || !salt || !stored) return damaged();
  ScramVerifier verifier;
  auto [end, error] =
      std::from_chars(iterations->data(), iterations->data() + iterations->size(), verifier.iterations);
  verifier.salt = from_base64(*salt).value_or("");
  verifier.stored_key = from_base64(*stored).value_or("");
  verifier.server_key = from_base64(text).value_or("");
  if (error != std::errc() || end != iterations->data() + iterations->size() || verifier.iterations < 1 ||
      verifier.iterations > kScramIterationsMax || verifier.salt.empty() ||
      verifier.stored_key.size() != kHashBytes || verifier.server_key.size() != kHashBytes)
    return damaged();
  return verifier;
}

}  // namespace tarn::access
