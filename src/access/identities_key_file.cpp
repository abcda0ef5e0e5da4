#include <fmt/format.h>
#include <openssl/crypto.h>

#include "access/identities.h"
#include "access/private_file.h"

namespace tarn::access {
namespace {

constexpr std::string_view kIdName = "access_key_id";
constexpr std::string_view kSecretName = "secret_access_key";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

}  // namespace

Status write_key_file(const std::filesystem::path& file, const NewAccessKey& key) {
  std::string text = fmt::format("{} = {}\n{} = {}\n", kIdName, key.key.id, kSecretName, key.secret);
  Status written = write_private_file(file, text);
  OPENSSL_cleanse(text.data(), text.size());
  return written;
}

Result<KeyPair> read_key_file(const std::filesystem::path& file) {
  TARN_ASSIGN(std::string text, read_private_file(file));
  KeyPair pair;
  for (std::string_view rest = text; !rest.empty();) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view name = trimmed(line.substr(0, equals));
    std::string_view value = trimmed(line.substr(equals + 1));
    if (name == kIdName) pair.id = value;
    if (name == kSecretName) pair.secret = value;
  }
  OPENSSL_cleanse(text.data(), text.size());
  if (pair.id.empty() || pair.secret.empty()) {
    return fail(Code::kCorrupt, fmt::format("{}: it must have the lines '{} = …' and '{} = …'", file.native(),
                                            kIdName, kSecretName));
  }
  return pair;
}

}  // namespace tarn::access
