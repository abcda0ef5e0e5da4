#include "doors/http/body_decoder.h"

#include <string>

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace tarn::http {
namespace {

std::string gzip(std::string_view text) {
  z_stream stream{};
  ::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(::ZSTD_compressBound(text.size()), '\0');
  out.resize(::ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string sample() {
  std::string out;
  for (int i = 0; out.size() < 500'000; ++i) out += "{\"n\": " + std::to_string(i * 7919 % 10007) + "}\n";
  return out;
}

// Gives `bytes` in pieces of at most `piece` bytes.
Source source_of(const std::string& bytes, size_t piece, size_t& at) {
  return [&bytes, piece, &at](std::span<char> out) -> Result<size_t> {
    size_t n = std::min({piece, out.size(), bytes.size() - at});
    std::copy_n(bytes.data() + at, n, out.data());
    at += n;
    return n;
  };
}

Result<std::string> decode(std::optional<std::string_view> encoding, const std::string& bytes,
                           size_t piece = 1000, size_t out_piece = 777, const DecodeLimits& limits = {}) {
  size_t at = 0;
  TARN_ASSIGN(auto decoder, BodyDecoder::make(encoding, source_of(bytes, piece, at), limits));
  std::string out;
  std::string space(out_piece, '\0');
  for (;;) {
    TARN_ASSIGN(size_t got, decoder->read(space));
    if (got == 0) return out;
    out.append(space, 0, got);
  }
}

TEST(BodyDecoder, UndoesEachEncodingWhateverThePieces) {
  std::string text = sample();
  for (size_t piece : {1, 3, 1000, 1 << 20}) {
    for (size_t out_piece : {17, 777, 1 << 20}) {
      EXPECT_EQ(decode(std::nullopt, text, piece, out_piece).value(), text);
      EXPECT_EQ(decode("identity", text, piece, out_piece).value(), text);
      EXPECT_EQ(decode("gzip", gzip(text), piece, out_piece).value(), text);
      EXPECT_EQ(decode("X-GZIP", gzip(text), piece, out_piece).value(), text);
      EXPECT_EQ(decode("zstd", zstd(text), piece, out_piece).value(), text);
    }
  }
}

TEST(BodyDecoder, JoinsMembersAndFrames) {
  EXPECT_EQ(decode("gzip", gzip("one\n") + gzip("") + gzip("two\n")).value(), "one\ntwo\n");
  EXPECT_EQ(decode("zstd", zstd("one\n") + zstd("") + zstd("two\n")).value(), "one\ntwo\n");
}

TEST(BodyDecoder, RefusesWhatIsCutOff) {
  for (auto [name, bytes] : {std::pair("gzip", gzip(sample())), std::pair("zstd", zstd(sample()))}) {
    for (size_t keep : {size_t{0}, size_t{1}, bytes.size() / 2, bytes.size() - 1}) {
      auto decoded = decode(name, bytes.substr(0, keep));
      ASSERT_FALSE(decoded) << name << " " << keep;
      EXPECT_EQ(decoded.error().code, Code::kInvalid);
      EXPECT_TRUE(decoded.error().message.contains("cut off")) << decoded.error().message;
    }
  }
  EXPECT_FALSE(decode("gzip", gzip("one") + gzip(sample()).substr(0, 100)));
}

TEST(BodyDecoder, RefusesWhatIsNotOfTheEncoding) {
  for (std::string_view name : {"gzip", "zstd"}) {
    auto decoded = decode(name, "{\"a\": 1}\n{\"a\": 2}\n");
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, Code::kInvalid);
    EXPECT_TRUE(decoded.error().message.contains(name)) << decoded.error().message;
  }
  std::string damaged = gzip(sample());
  damaged[damaged.size() - 6] ^= 1;  // in the checksum
  EXPECT_EQ(decode("gzip", damaged).error().code, Code::kInvalid);
}

TEST(BodyDecoder, NamesTheEncodingsThatExist) {
  auto decoded = decode("br", "x");
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Code::kUnsupported);
  EXPECT_TRUE(decoded.error().message.contains("gzip, zstd")) << decoded.error().message;
}

TEST(BodyDecoder, EndsBombsAtTheRatioAndAtTheLimit) {
  std::string zeros(32 << 20, '0');
  DecodeLimits limits;
  limits.ratio_from_bytes = 4 << 20;
  EXPECT_EQ(decode("gzip", gzip(zeros), 1000, 1 << 16, limits).error().code, Code::kTooLarge);
  EXPECT_EQ(decode("zstd", zstd(zeros), 1000, 1 << 16, limits).error().code, Code::kTooLarge);
  EXPECT_EQ(decode("gzip", gzip(zeros.substr(0, 3 << 20)), 1000, 1 << 16, limits).value().size(), 3u << 20);
  limits = {};
  limits.decoded_bytes_max = 1 << 20;
  auto over = decode("gzip", gzip(zeros), 1000, 1 << 16, limits);
  EXPECT_EQ(over.error().code, Code::kTooLarge);
  EXPECT_TRUE(over.error().message.contains("1MiB")) << over.error().message;
  limits = {};
  limits.encoded_bytes_max = 1000;
  EXPECT_EQ(decode(std::nullopt, std::string(1001, 'x'), 1000, 777, limits).error().code, Code::kTooLarge);
  EXPECT_TRUE(decode(std::nullopt, std::string(1000, 'x'), 1000, 777, limits));
}

TEST(BodyDecoder, PassesOnWhatTheSourceFailsWith) {
  for (std::string_view name : {"identity", "gzip", "zstd"}) {
    auto decoder = BodyDecoder::make(
        name, [](std::span<char>) -> Result<size_t> { return fail(Code::kUnavailable, "gone"); }, {});
    char space[10];
    EXPECT_EQ((*decoder)->read(space).error().code, Code::kUnavailable);
  }
}

}  // namespace
}  // namespace tarn::http
