#include "access/sealed.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "access/base64.h"
#include "access/private_file.h"
#include "base/thread.h"
#include "base/time.h"

namespace tarn::access {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kForm = "v1.";
constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kKeyIdLength = 8;
constexpr int kRekeyRetryMs = 1000;
constexpr std::string_view kKeyIdAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";

void random_bytes(void* out, size_t bytes) {
  TARN_CHECK(RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(bytes)) == 1);
}

unsigned char* raw(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Text that is wiped when it goes.
struct Wiped {
  std::string text;
  ~Wiped() { OPENSSL_cleanse(text.data(), text.size()); }
};

struct Key {
  std::string id;
  std::string bytes;
  std::string created;

  Key() = default;
  Key(Key&&) noexcept = default;
  Key(const Key&) = default;
  Key& operator=(const Key&) = delete;
  ~Key() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};
using Keys = std::vector<Key>;  // oldest first

Key new_key() {
  Key key;
  key.id = random_text(kKeyIdLength, kKeyIdAlphabet);
  key.bytes.resize(kKeyBytes);
  random_bytes(key.bytes.data(), kKeyBytes);
  key.created = to_string(Clock::system().now());
  return key;
}

Status write_keys(const fs::path& file, const Keys& keys) {
  Wiped wiped;
  wiped.text.reserve(keys.size() * 128);
  for (const Key& key : keys) {
    Wiped encoded{base64(key.bytes)};
    wiped.text.append(key.id).append(" ").append(encoded.text).append(" ").append(key.created).append("\n");
  }
  return write_private_file(file, wiped.text);
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    size_t end = std::min(line.find(' '), line.size());
    if (end > 0) out.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}

Result<Keys> parse_keys(const fs::path& file, std::string_view text) {
  Keys keys;
  for (int number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    std::vector<std::string_view> parts = words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (parts.empty()) continue;
    Key key;
    if (parts.size() == 3) {
      key.id = parts[0];
      key.bytes = from_base64(parts[1]).value_or("");
      key.created = parts[2];
    }
    if (key.bytes.size() != kKeyBytes || key.id.find('.') != std::string::npos)
      return fail(Code::kCorrupt,
                  fmt::format("{}: line {} is no key: restore the file", file.native(), number));
    keys.push_back(std::move(key));
  }
  if (keys.empty())
    return fail(Code::kCorrupt, fmt::format("{}: there is no key in it: restore the file", file.native()));
  return keys;
}

struct CipherFree {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

std::string seal_bytes(const Key& key, std::string_view clear, std::string_view bound) {
  std::string out(kNonceBytes + clear.size() + kTagBytes, '\0');
  random_bytes(out.data(), kNonceBytes);
  Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  unsigned char* body = raw(out) + kNonceBytes;
  bool sealed =
      cipher &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(std::string_view(key.bytes)),
                         raw(out)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, raw(bound), static_cast<int>(bound.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), body, &length, raw(clear), static_cast<int>(clear.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), body + length, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, body + clear.size()) == 1;
  TARN_CHECK(sealed);
  return out;
}

// False when the bytes aren't what was sealed.
bool open_bytes(const Key& key, std::string& sealed, std::string_view bound, std::string& clear) {
  if (sealed.size() < kNonceBytes + kTagBytes) return false;
  size_t size = sealed.size() - kNonceBytes - kTagBytes;
  clear.assign(size, '\0');
  Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  unsigned char* body = raw(sealed) + kNonceBytes;
  bool opened =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(std::string_view(key.bytes)),
                         raw(sealed)) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, body + size) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, raw(bound), static_cast<int>(bound.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), raw(clear), &length, body, static_cast<int>(size)) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), raw(clear) + length, &length) == 1;
  if (!opened) OPENSSL_cleanse(clear.data(), clear.size());
  return opened;
}

// "v1.<key id>." of a sealed text, or nothing.
std::string_view prefix_of(std::string_view sealed) {
  if (!sealed.starts_with(kForm)) return {};
  size_t dot = sealed.find('.', kForm.size());
  return dot == std::string_view::npos ? std::string_view() : sealed.substr(0, dot + 1);
}

std::string_view key_id_of(std::string_view prefix) {
  return prefix.substr(kForm.size(), prefix.size() - kForm.size() - 1);
}

class FileSealer final : public Sealer {
 public:
  FileSealer(fs::path file, Keys keys)
      : file_(std::move(file)), keys_(std::make_shared<const Keys>(std::move(keys))) {}

  Result<std::string> seal(std::string_view clear, std::string_view purpose) const override {
    std::shared_ptr<const Keys> keys = this->keys();
    std::string prefix = fmt::format("{}{}.", kForm, keys->back().id);
    return prefix + base64url(seal_bytes(keys->back(), clear, prefix + std::string(purpose)));
  }

  Result<std::string> open(std::string_view sealed, std::string_view purpose) const override {
    std::string_view prefix = prefix_of(sealed);
    if (prefix.empty()) return fail(Code::kCorrupt, "this is no sealed text");
    std::shared_ptr<const Keys> keys = this->keys();
    const Key* key = nullptr;
    for (const Key& candidate : *keys)
      if (candidate.id == key_id_of(prefix)) key = &candidate;
    if (key == nullptr) {
      return fail(Code::kCorrupt,
                  fmt::format("sealed with a key that {} doesn't have ('{}'): restore the file that has it",
                              file_.native(), key_id_of(prefix).substr(0, 16)));
    }
    std::optional<std::string> bytes = from_base64url(sealed.substr(prefix.size()));
    std::string clear;
    if (!bytes || !open_bytes(*key, *bytes, std::string(prefix) + std::string(purpose), clear))
      return fail(Code::kCorrupt, "the sealed text was changed, or was sealed for something else");
    return clear;
  }

  bool current(std::string_view sealed) const override {
    std::string_view prefix = prefix_of(sealed);
    return !prefix.empty() && key_id_of(prefix) == keys()->back().id;
  }

  Status rekey(const std::function<Status()>& reseal) override {
    if (!begin_rekey())
      return fail(Error{Code::kBusy, "the key of secrets is being changed already: try again in a moment",
                        kRekeyRetryMs});
    Status done = rotate_and_forget(reseal);
    Lock lock(change_mu_);
    rekeying_ = false;
    return done;
  }

  Result<std::string> rotate() override {
    Lock lock(change_mu_);
    Keys keys = *this->keys();
    keys.push_back(new_key());
    std::string id = keys.back().id;
    TARN_TRY(replace(std::move(keys)));
    return id;
  }

  Status forget_old(std::string_view key_id) override {
    Lock lock(change_mu_);
    std::shared_ptr<const Keys> keys = this->keys();
    auto first = std::ranges::find(*keys, key_id, &Key::id);
    // Whoever rotated is told apart from whoever rotated since: only what is older than their own key is theirs.
    if (first == keys->end())
      return fail(Code::kNotFound,
                  fmt::format("{} has no key '{}': no key was forgotten", file_.native(), key_id));
    return replace(Keys(first, keys->end()));
  }

 private:
  bool begin_rekey() TARN_EXCLUDES(change_mu_) {
    Lock lock(change_mu_);
    return !std::exchange(rekeying_, true);
  }

  Status rotate_and_forget(const std::function<Status()>& reseal) {
    TARN_ASSIGN(std::string id, rotate());
    TARN_TRY(reseal());
    return forget_old(id);
  }

  std::shared_ptr<const Keys> keys() const TARN_EXCLUDES(mu_) {
    Lock lock(mu_);
    return keys_;
  }

  // Nothing is sealed with a key before it is on disk.
  Status replace(Keys keys) TARN_REQUIRES(change_mu_) TARN_EXCLUDES(mu_) {
    TARN_TRY(write_keys(file_, keys));
    Lock lock(mu_);
    keys_ = std::make_shared<const Keys>(std::move(keys));
    return {};
  }

  const fs::path file_;
  Mutex change_mu_;  // one writer of the file; taken before mu_
  bool rekeying_ TARN_GUARDED_BY(change_mu_) = false;
  mutable Mutex mu_;
  std::shared_ptr<const Keys> keys_ TARN_GUARDED_BY(mu_);  // ours, and calls' that are using them
};

}  // namespace

Result<std::unique_ptr<Sealer>> Sealer::open(const fs::path& key_file) {
  Result<std::string> text = read_private_file(key_file);
  if (!text && text.error().code != Code::kNotFound) return fail(std::move(text).error());
  Keys keys;
  if (text) {
    Wiped wiped{*std::move(text)};
    TARN_ASSIGN(Keys parsed, parse_keys(key_file, wiped.text));
    return std::make_unique<FileSealer>(key_file, std::move(parsed));
  }
  keys.push_back(new_key());
  TARN_TRY(write_keys(key_file, keys));
  return std::make_unique<FileSealer>(key_file, std::move(keys));
}

std::string random_text(size_t length, std::string_view alphabet) {
  TARN_CHECK(!alphabet.empty() && alphabet.size() <= 256);
  // Bytes past the last whole multiple would make the first letters likelier.
  const size_t fair = 256 / alphabet.size() * alphabet.size();
  std::string out;
  std::array<unsigned char, 64> bytes;
  while (out.size() < length) {
    random_bytes(bytes.data(), bytes.size());
    for (unsigned char byte : bytes)
      if (byte < fair && out.size() < length) out += alphabet[byte % alphabet.size()];
  }
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tarn::access
