#include "store/digests.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include <openssl/evp.h>

#include "base/crc32c.h"
#include "store/crc.h"
#include "store/md5.h"

namespace tarn::store {
namespace {

struct Named {
  Algorithm algorithm;
  std::string_view name;
  size_t bytes;
};
constexpr std::array<Named, 5> kAlgorithms{{{Algorithm::kCrc32, "CRC32", 4},
                                            {Algorithm::kCrc32c, "CRC32C", 4},
                                            {Algorithm::kSha1, "SHA1", 20},
                                            {Algorithm::kSha256, "SHA256", 32},
                                            {Algorithm::kCrc64nvme, "CRC64NVME", 8}}};

const Named& named(Algorithm algorithm) {
  const auto* found = std::ranges::find(kAlgorithms, algorithm, &Named::algorithm);
  TARN_CHECK(found != kAlgorithms.end());
  return *found;
}

template <typename Word>
std::string big_endian(Word value) {
  std::string out(sizeof(Word), '\0');
  for (size_t i = out.size(); i-- > 0; value >>= 8) out[i] = static_cast<char>(value & 0xFF);
  return out;
}

template <typename Word>
Word from_big_endian(std::string_view bytes) {
  TARN_CHECK(bytes.size() == sizeof(Word));
  Word value = 0;
  for (char byte : bytes) value = static_cast<Word>(value << 8) | static_cast<unsigned char>(byte);
  return value;
}

struct FreeMethod {
  void operator()(EVP_MD* method) const { EVP_MD_free(method); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Method = std::unique_ptr<EVP_MD, FreeMethod>;

// Looking a hash up costs more than hashing a small object: once a process.
struct Methods {
  Method sha1{EVP_MD_fetch(nullptr, "SHA1", nullptr)};
  Method sha256{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
};
const Methods& methods() {
  static const Methods all;
  return all;
}

class Hash {
 public:
  explicit Hash(const Method& method) : context_(EVP_MD_CTX_new()) {
    TARN_CHECK(method != nullptr);  // an OpenSSL without MD5, SHA-1 or SHA-256 can't serve S3
    TARN_CHECK(context_ != nullptr && EVP_DigestInit_ex2(context_.get(), method.get(), nullptr) == 1);
  }
  void update(std::span<const char> bytes) {
    TARN_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  std::string finish() {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    TARN_CHECK(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size) == 1);
    out.resize(size);
    return out;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, FreeContext> context_;
};

}  // namespace

std::string_view algorithm_name(Algorithm algorithm) {
  return named(algorithm).name;
}

std::optional<Algorithm> algorithm_of(std::string_view name) {
  auto same = [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; };
  for (const Named& candidate : kAlgorithms) {
    if (std::ranges::equal(name, candidate.name, same)) return candidate.algorithm;
  }
  return std::nullopt;
}

size_t digest_bytes(Algorithm algorithm) {
  return named(algorithm).bytes;
}

struct Digests::Impl {
  // A piece stays in the CPU's cache while each checksum takes it.
  static constexpr size_t kPieceBytes = 32 * 1024;

  std::optional<Md5> md5_hash;
  std::optional<Hash> sha1_hash, sha256_hash;
  std::optional<uint32_t> crc32_now, crc32c_now;
  std::optional<uint64_t> crc64_now;
  std::string md5;
  std::map<Algorithm, std::string> values;
  bool finished = false;

  void take(std::span<const char> piece) {
    if (md5_hash) md5_hash->update(piece);
    if (sha1_hash) sha1_hash->update(piece);
    if (sha256_hash) sha256_hash->update(piece);
    if (crc32_now) crc32_now = crc32(piece.data(), piece.size(), *crc32_now);
    if (crc32c_now) crc32c_now = crc32c(piece.data(), piece.size(), *crc32c_now);
    if (crc64_now) crc64_now = crc64nvme(piece.data(), piece.size(), *crc64_now);
  }
};

Digests::Digests(std::span<const Algorithm> algorithms, bool md5) : impl_(std::make_unique<Impl>()) {
  if (md5) impl_->md5_hash.emplace();
  for (Algorithm algorithm : algorithms) {
    switch (algorithm) {
      case Algorithm::kCrc32:
        impl_->crc32_now = 0;
        break;
      case Algorithm::kCrc32c:
        impl_->crc32c_now = 0;
        break;
      case Algorithm::kCrc64nvme:
        impl_->crc64_now = 0;
        break;
      case Algorithm::kSha1:
        if (!impl_->sha1_hash) impl_->sha1_hash.emplace(methods().sha1);
        break;
      case Algorithm::kSha256:
        if (!impl_->sha256_hash) impl_->sha256_hash.emplace(methods().sha256);
        break;
    }
  }
}

Digests::Digests(Digests&&) noexcept = default;
Digests& Digests::operator=(Digests&&) noexcept = default;
Digests::~Digests() = default;

void Digests::update(std::span<const char> bytes) {
  TARN_CHECK(!impl_->finished);
  while (!bytes.empty()) {
    auto piece = bytes.first(std::min(bytes.size(), Impl::kPieceBytes));
    impl_->take(piece);
    bytes = bytes.subspan(piece.size());
  }
}

void Digests::finish() {
  Impl& all = *impl_;
  TARN_CHECK(!all.finished);
  all.finished = true;
  if (all.md5_hash) all.md5 = all.md5_hash->finish();
  if (all.sha1_hash) all.values[Algorithm::kSha1] = all.sha1_hash->finish();
  if (all.sha256_hash) all.values[Algorithm::kSha256] = all.sha256_hash->finish();
  if (all.crc32_now) all.values[Algorithm::kCrc32] = big_endian(*all.crc32_now);
  if (all.crc32c_now) all.values[Algorithm::kCrc32c] = big_endian(*all.crc32c_now);
  if (all.crc64_now) all.values[Algorithm::kCrc64nvme] = big_endian(*all.crc64_now);
}

void Digests::finish_with(std::string md5) {
  impl_->md5_hash.reset();
  finish();
  impl_->md5 = std::move(md5);
}

const std::string& Digests::md5() const {
  TARN_CHECK(impl_->finished);
  return impl_->md5;
}

const std::string& Digests::value(Algorithm algorithm) const {
  TARN_CHECK(impl_->finished);
  auto found = impl_->values.find(algorithm);
  TARN_CHECK(found != impl_->values.end());
  return found->second;
}

std::string md5_of(std::string_view bytes) {
  Md5 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string digest_of(Algorithm algorithm, std::string_view bytes) {
  Digests digests(std::span(&algorithm, 1), false);
  digests.update(bytes);
  digests.finish();
  return digests.value(algorithm);
}

std::string combine_crc(Algorithm algorithm, std::string_view first, std::string_view second,
                        uint64_t second_bytes) {
  auto put_together = [&]<typename Word>(Word (*combine)(Word, Word, uint64_t)) {
    return big_endian(combine(from_big_endian<Word>(first), from_big_endian<Word>(second), second_bytes));
  };
  TARN_CHECK(is_crc(algorithm));
  if (algorithm == Algorithm::kCrc32) return put_together(&crc32_combine);
  if (algorithm == Algorithm::kCrc32c) return put_together(&crc32c_combine);
  return put_together(&crc64nvme_combine);
}

}  // namespace tarn::store
