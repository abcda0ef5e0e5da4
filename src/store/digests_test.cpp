#include "store/digests.h"

#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/crc32c.h"
#include "store/crc.h"

namespace tarn::store {
namespace {

constexpr std::array<Algorithm, 5> kAll{Algorithm::kCrc32, Algorithm::kCrc32c, Algorithm::kSha1,
                                        Algorithm::kSha256, Algorithm::kCrc64nvme};

std::string hex(std::string_view bytes) {
  std::string out;
  for (char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

std::string random_bytes(size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (char& byte : out) byte = static_cast<char>(random());
  return out;
}

TEST(Digests, OfHelloAreTheKnownOnes) {
  EXPECT_EQ(hex(md5_of("hello")), "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(hex(digest_of(Algorithm::kCrc32, "hello")), "3610a686");              // NhCmhg==
  EXPECT_EQ(hex(digest_of(Algorithm::kCrc64nvme, "hello")), "3377857006524257");  // M3eFcAZSQlc=
  EXPECT_EQ(hex(digest_of(Algorithm::kCrc32c, "hello")), "9a71bb4c");
  EXPECT_EQ(hex(digest_of(Algorithm::kSha1, "hello")), "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
  EXPECT_EQ(hex(digest_of(Algorithm::kSha256, "hello")),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
}

TEST(Digests, CheckValuesOfTheThreeCrcs) {
  EXPECT_EQ(hex(digest_of(Algorithm::kCrc32, "123456789")), "cbf43926");
  EXPECT_EQ(hex(digest_of(Algorithm::kCrc32c, "123456789")), "e3069283");
  EXPECT_EQ(hex(digest_of(Algorithm::kCrc64nvme, "123456789")), "ae8b14860a799888");
}

TEST(Digests, OfNothing) {
  EXPECT_EQ(hex(md5_of("")), "d41d8cd98f00b204e9800998ecf8427e");
  for (Algorithm crc : {Algorithm::kCrc32, Algorithm::kCrc32c, Algorithm::kCrc64nvme})
    EXPECT_EQ(digest_of(crc, ""), std::string(digest_bytes(crc), '\0')) << algorithm_name(crc);
}

TEST(Digests, AreTheSameInOnePieceAndInMany) {
  std::string bytes = random_bytes(300'001, 1);
  Digests whole(kAll);
  whole.update(bytes);
  whole.finish();
  Digests pieces(kAll);
  std::mt19937_64 random(2);
  for (size_t at = 0; at < bytes.size();) {
    size_t size = std::min<size_t>(bytes.size() - at, random() % 2000);
    pieces.update(std::span(bytes).subspan(at, size));
    at += size;
  }
  pieces.finish();
  EXPECT_EQ(whole.md5(), md5_of(bytes));
  EXPECT_EQ(pieces.md5(), whole.md5());
  for (Algorithm algorithm : kAll) {
    EXPECT_EQ(pieces.value(algorithm), whole.value(algorithm)) << algorithm_name(algorithm);
    EXPECT_EQ(whole.value(algorithm), digest_of(algorithm, bytes)) << algorithm_name(algorithm);
    EXPECT_EQ(whole.value(algorithm).size(), digest_bytes(algorithm));
  }
}

TEST(Digests, FoldedCrcsAreThoseOfTheTables) {
  std::string bytes = random_bytes(4096 + 16, 3);
  for (size_t size = 0; size <= 1024; ++size) {
    const char* from = bytes.data() + size % 17;
    ASSERT_EQ(crc32(from, size, 77), crc32_portable(from, size, 77)) << size;
    ASSERT_EQ(crc64nvme(from, size, 77), crc64nvme_portable(from, size, 77)) << size;
  }
  EXPECT_EQ(crc32(bytes.data(), bytes.size()),
            ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

TEST(Digests, CrcOfTwoPiecesPutTogetherIsThatOfTheWhole) {
  std::string bytes = random_bytes(100'000, 4);
  for (Algorithm crc : {Algorithm::kCrc32, Algorithm::kCrc32c, Algorithm::kCrc64nvme}) {
    for (size_t cut : {size_t{0}, size_t{1}, size_t{4095}, size_t{65'536}, bytes.size()}) {
      std::string_view first = std::string_view(bytes).substr(0, cut);
      std::string_view second = std::string_view(bytes).substr(cut);
      EXPECT_EQ(combine_crc(crc, digest_of(crc, first), digest_of(crc, second), second.size()),
                digest_of(crc, bytes))
          << algorithm_name(crc) << " cut at " << cut;
    }
  }
}

TEST(Digests, PutTogetherOverLengthsThatDontFitIn32Bits) {
  // a · x^(8 · 2^40) is what 2^40 bytes make of it in two halves.
  uint64_t half = 1ull << 39;
  EXPECT_EQ(crc64nvme_combine(crc64nvme_combine(12345, 0, half), 0, half),
            crc64nvme_combine(12345, 0, 2 * half));
  EXPECT_EQ(crc32_combine(crc32_combine(12345, 0, half), 0, half), crc32_combine(12345, 0, 2 * half));
}

TEST(Digests, VectorsOfAMultipartUpload) {
  std::string a(5 << 20, 'a');
  EXPECT_EQ(hex(digest_of(Algorithm::kCrc32, a)), "affcc16f");    // r/zBbw==
  EXPECT_EQ(hex(digest_of(Algorithm::kCrc32, "b")), "71beeff9");  // cb7v+Q==
  EXPECT_EQ(hex(combine_crc(Algorithm::kCrc32, digest_of(Algorithm::kCrc32, a),
                            digest_of(Algorithm::kCrc32, "b"), 1)),
            "ac1c6ff1");  // rBxv8Q==
  EXPECT_EQ(hex(md5_of(md5_of(a) + md5_of("b"))), "e5a8c5272b26fc10581a21089559b006");
}

TEST(Digests, AlgorithmsAreFoundByNameInAnyCase) {
  for (Algorithm algorithm : kAll) EXPECT_EQ(algorithm_of(algorithm_name(algorithm)), algorithm);
  EXPECT_EQ(algorithm_of("crc64nvme"), Algorithm::kCrc64nvme);
  EXPECT_EQ(algorithm_of("Sha256"), Algorithm::kSha256);
  EXPECT_EQ(algorithm_of("MD5"), std::nullopt);
  EXPECT_EQ(algorithm_of(""), std::nullopt);
}

}  // namespace
}  // namespace tarn::store
