#include "doors/aws/payload.h"

#include <gtest/gtest.h>

#include "doors/aws/auth_for_test.h"

namespace tarn::aws {
namespace {

using namespace testing_auth;
using Wrong = Payload::Problem;

struct Read {
  std::string bytes;
  Wrong problem = Wrong::kNone;
  std::string message;
};
Read read_all(Payload& payload, size_t piece = 8192) {
  Read out;
  std::string space(piece, '\0');
  for (;;) {
    auto got = payload.read(space);
    if (!got) {
      out.problem = payload.problem();
      out.message = got.error().message;
      EXPECT_FALSE(payload.read(space)) << "a failed payload must stay failed";
      return out;
    }
    if (*got == 0) return out;
    out.bytes.append(space, 0, *got);
  }
}

SentRequest with_body(std::string body, size_t piece = 1 << 20) {
  SentRequest request;
  request.body = std::move(body);
  request.piece = piece;
  return request;
}

TEST(PlainPayload, IsCheckedAgainstItsHash) {
  SentRequest request = with_body("hello", 2);
  auto payload = plain_payload(request, sha256_hex("hello"));
  EXPECT_EQ(payload->length(), 5u);
  Read read = read_all(*payload);
  EXPECT_EQ(read.bytes, "hello");
  EXPECT_EQ(read.problem, Wrong::kNone);

  SentRequest other = with_body("hellO");
  auto changed = plain_payload(other, sha256_hex("hello"));
  EXPECT_EQ(read_all(*changed).problem, Wrong::kHash);
  EXPECT_EQ(changed->expected(), sha256_hex("hello"));
  EXPECT_EQ(changed->actual(), sha256_hex("hellO"));
}

// Who stops after the announced length has seen the check too.
TEST(PlainPayload, DoesNotGiveItsLastBytesWhenTheyAreWrong) {
  SentRequest request = with_body("hellO", 3);
  auto payload = plain_payload(request, sha256_hex("hello"));
  char space[8];
  EXPECT_EQ(payload->read(space).value_or(0), 3u);
  EXPECT_FALSE(payload->read(space));
}

TEST(PlainPayload, OfNothingIsCheckedToo) {
  SentRequest request = with_body("");
  EXPECT_EQ(read_all(*plain_payload(request, std::string(kEmptySha256))).problem, Wrong::kNone);
  EXPECT_EQ(read_all(*plain_payload(request, sha256_hex("x"))).problem, Wrong::kHash);
}

TEST(PlainPayload, HasTheLengthThatWasAnnounced) {
  SentRequest shorter = with_body("hello");
  shorter.announced = 6;
  EXPECT_EQ(read_all(*plain_payload(shorter, "")).problem, Wrong::kShort);
  SentRequest longer = with_body("hello");
  longer.announced = 4;
  EXPECT_EQ(read_all(*plain_payload(longer, ""), 4).problem, Wrong::kFraming);
  SentRequest unknown = with_body("hello");
  unknown.chunked = true;
  auto payload = plain_payload(unknown, sha256_hex("hello"));
  EXPECT_EQ(payload->length(), std::nullopt);
  EXPECT_EQ(read_all(*payload).bytes, "hello");
}

TEST(WholePayload, IsGivenInPieces) {
  auto payload = whole_payload("hello");
  EXPECT_EQ(payload->length(), 5u);
  EXPECT_EQ(read_all(*payload, 2).bytes, "hello");
}

class BrokenRequest final : public http::Request {
 public:
  std::string_view method() const override { return "PUT"; }
  std::string_view target() const override { return "/"; }
  std::string_view path() const override { return "/"; }
  std::optional<std::string> query(std::string_view) const override { return std::nullopt; }
  std::optional<std::string_view> header(std::string_view) const override { return std::nullopt; }
  std::vector<std::pair<std::string_view, std::string_view>> headers() const override { return {}; }
  std::optional<uint64_t> content_length() const override { return 10; }
  Result<size_t> read(std::span<char>) override { return fail(Code::kTimeout, "too slow"); }
  std::string remote() const override { return ""; }
  bool secure() const override { return false; }
};

TEST(Payloads, PassOnWhatTheRequestFailsWith) {
  BrokenRequest request;
  char space[8];
  auto plain = plain_payload(request, "");
  EXPECT_EQ(plain->read(space).error().code, Code::kTimeout);
  EXPECT_EQ(plain->problem(), Wrong::kClient);
  auto chunked = chunked_payload(request, {});
  EXPECT_EQ(chunked->read(space).error().code, Code::kTimeout);
  EXPECT_EQ(chunked->problem(), Wrong::kClient);
}

// However the bytes arrive and however they are asked for.
constexpr std::array<size_t, 5> kPieces = {1, 2, 7, 100, 1 << 20};

Read read_chunked(const std::string& body, const Chunked& chunked, size_t arriving = 1 << 20,
                  size_t asked = 8192, std::vector<http::Header>* trailers = nullptr) {
  SentRequest request = with_body(body, arriving);
  auto payload = chunked_payload(request, chunked);
  Read out = read_all(*payload, asked);
  if (trailers != nullptr) *trailers = payload->trailers();
  return out;
}

TEST(ChunkedPayload, UnsignedWithATrailer) {
  std::string body = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Amz-Checksum-Crc32: abc= \r\n\r\n";
  Chunked chunked{.signing = {}, .decoded_length = 11, .announced = {"x-amz-checksum-crc32"}};
  for (size_t arriving : kPieces) {
    for (size_t asked : kPieces) {
      std::vector<http::Header> trailers;
      Read read = read_chunked(body, chunked, arriving, asked, &trailers);
      EXPECT_EQ(read.problem, Wrong::kNone) << read.message;
      EXPECT_EQ(read.bytes, "hello world");
      ASSERT_EQ(trailers.size(), 1u);
      EXPECT_EQ(trailers[0].name, "x-amz-checksum-crc32");
      EXPECT_EQ(trailers[0].value, "abc=");
    }
  }
}

TEST(ChunkedPayload, WhoReadsTheAnnouncedLengthHasTheTrailer) {
  SentRequest request = with_body("5\r\nhello\r\n0\r\na:b\r\n\r\n");
  auto payload = chunked_payload(request, {.signing = {}, .decoded_length = 5, .announced = {"a"}});
  char space[5];
  size_t got = 0;
  while (got < 5) {
    EXPECT_TRUE(payload->trailers().empty());
    auto more = payload->read(std::span(space).subspan(got));
    ASSERT_TRUE(more);
    got += *more;
  }
  EXPECT_EQ(payload->trailers().size(), 1u);
}

TEST(ChunkedPayload, TakesEndsThatClientsLeaveOut) {
  Chunked chunked{.signing = {}, .decoded_length = 1, .announced = {"a"}};
  for (std::string_view end :
       {"a:b\r\n\r\n", "a:b\r\n", "a:b\n\r\n", "a:b", "a:b\r\n\r\n\r\n", "a:b\r\n\r"}) {
    for (size_t arriving : kPieces) {
      std::vector<http::Header> trailers;
      Read read = read_chunked("1\r\nx\r\n0\r\n" + std::string(end), chunked, arriving, 8192, &trailers);
      EXPECT_EQ(read.problem, Wrong::kNone) << end << read.message;
      EXPECT_EQ(trailers.size(), 1u);
    }
  }
  chunked.announced.clear();
  for (std::string_view end : {"0\r\n\r\n", "0\r\n"})
    EXPECT_EQ(read_chunked("1\r\nx\r\n" + std::string(end), chunked).bytes, "x");
}

TEST(ChunkedPayload, RefusesWhatIsNoAwsChunked) {
  struct Case {
    std::string body;
    Wrong problem;
  };
  Chunked chunked{.signing = {}, .decoded_length = {}, .announced = {"a"}};
  for (const auto& [body, problem] :
       std::vector<Case>{{"", Wrong::kShort},
                         {"5", Wrong::kShort},
                         {"5\r\n", Wrong::kShort},
                         {"5\r\nhel", Wrong::kShort},
                         {"5\r\nhello", Wrong::kShort},
                         {"5\r\nhello\r\n", Wrong::kShort},
                         {"hello", Wrong::kShort},
                         {"hello\r\n", Wrong::kFraming},
                         {"\r\n", Wrong::kFraming},
                         {"-1\r\n", Wrong::kFraming},
                         {"0x5\r\nhello\r\n0\r\n", Wrong::kFraming},
                         {"5 \r\nhello\r\n0\r\n", Wrong::kFraming},
                         {"5\nhello\r\n0\r\n", Wrong::kFraming},
                         {"ffffffffffffffffff\r\n", Wrong::kFraming},
                         {"5\r\nhello!\r\n0\r\n\r\n", Wrong::kFraming},
                         {"5\r\nhello\n0\r\n\r\n", Wrong::kFraming},
                         {"5\r\nhello\r\r\n0\r\n\r\n", Wrong::kFraming},
                         {"0\r\na\r\n\r\n", Wrong::kFraming},
                         {"0\r\n:b\r\n\r\n", Wrong::kFraming},
                         {"0\r\na:b\r\n\r\nmore", Wrong::kFraming},
                         {"0\r\na:b\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", Wrong::kFraming},
                         {"0\r\n\r\n", Wrong::kTrailer},
                         {"0\r\n", Wrong::kTrailer},
                         {"0\r\nb:c\r\na:b\r\n\r\n", Wrong::kTrailer},
                         {"0\r\na:b\r\na:b\r\n\r\n", Wrong::kTrailer},
                         {std::string(kChunkLineBytesMax + 1, '0'), Wrong::kFraming},
                         {"0\r\na:" + std::string(kTrailerBytesMax, 'x') + "\r\n\r\n", Wrong::kFraming}}) {
    for (size_t arriving : kPieces) {
      Read read = read_chunked(body, chunked, arriving);
      EXPECT_EQ(read.problem, problem)
          << body.substr(0, 40) << ": " << read.message << " in pieces of " << arriving;
    }
  }
}

TEST(ChunkedPayload, HasTheDecodedLengthThatWasAnnounced) {
  Chunked chunked{.signing = {}, .decoded_length = 5, .announced = {}};
  EXPECT_EQ(read_chunked("5\r\nhello\r\n0\r\n\r\n", chunked).problem, Wrong::kNone);
  EXPECT_EQ(read_chunked("4\r\nhell\r\n0\r\n\r\n", chunked).problem, Wrong::kShort);
  Read longer = read_chunked("6\r\nhello!\r\n0\r\n\r\n", chunked, 3);
  EXPECT_EQ(longer.problem, Wrong::kShort);
  EXPECT_EQ(longer.bytes, "") << "more than was announced must not come out";
  EXPECT_EQ(read_chunked("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", chunked).problem, Wrong::kShort);
  EXPECT_EQ(read_chunked("ffffffffffffffff\r\nhello", chunked).problem, Wrong::kShort);
}

struct SignedBody {
  Signer signer;
  std::string seed = std::string(64, '5');
  Chunked chunked;

  explicit SignedBody(bool with_trailer) {
    signer.scope.date = "20261121";
    chunked.signing = ChunkSigning{.key = signer.key(),
                                   .time = amz_time(signer.at),
                                   .scope = signer.scope,
                                   .seed = seed,
                                   .with_trailer = with_trailer};
    if (with_trailer) chunked.announced = {"x-amz-checksum-crc32"};
  }
  std::string text(const std::vector<std::string>& pieces) const {
    bool with_trailer = chunked.signing->with_trailer;
    Headers trailers;
    if (with_trailer) trailers = {{"x-amz-checksum-crc32", "abc="}};
    return chunked_text(pieces, &signer, seed, trailers, with_trailer);
  }
};

TEST(ChunkedPayload, SignedInEveryPiece) {
  for (bool with_trailer : {false, true}) {
    SignedBody body(with_trailer);
    std::string text = body.text({"hello ", std::string(1000, 'w'), "!"});
    for (size_t arriving : kPieces) {
      for (size_t asked : kPieces) {
        Read read = read_chunked(text, body.chunked, arriving, asked);
        EXPECT_EQ(read.problem, Wrong::kNone) << read.message;
        EXPECT_EQ(read.bytes, "hello " + std::string(1000, 'w') + "!");
      }
    }
  }
}

// Any byte changed, left out or added: nothing of it is taken, and the end is never reached.
TEST(ChunkedPayload, SignedAndTamperedWithIsRefused) {
  for (bool with_trailer : {false, true}) {
    SignedBody body(with_trailer);
    body.chunked.decoded_length = 9;
    const std::string text = body.text({"hello ", "you"});
    ASSERT_EQ(read_chunked(text, body.chunked).problem, Wrong::kNone);
    for (size_t i = 0; i < text.size(); ++i) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      Read read = read_chunked(changed, body.chunked);
      EXPECT_NE(read.problem, Wrong::kNone) << "byte " << i << " of\n" << text;
    }
    // But for the empty line at the end.
    for (size_t i = 0; i + 4 < text.size(); ++i)
      EXPECT_NE(read_chunked(text.substr(0, i), body.chunked).problem, Wrong::kNone) << i;
  }
}

TEST(ChunkedPayload, SignedChunksStayInTheirOrder) {
  SignedBody body(false);
  std::string text = body.text({"aaaa", "bbbb"});
  size_t chunk = text.find("\r\nbbbb") - text.find("\r\naaaa");
  std::string swapped = text.substr(chunk, chunk) + text.substr(0, chunk) + text.substr(2 * chunk);
  EXPECT_EQ(read_chunked(swapped, body.chunked).problem, Wrong::kChunkSignature);
  std::string without = text.substr(chunk);
  EXPECT_EQ(read_chunked(without, body.chunked).problem, Wrong::kChunkSignature);
  std::string cut = text.substr(0, chunk) + text.substr(2 * chunk);
  EXPECT_EQ(read_chunked(cut, body.chunked).problem, Wrong::kChunkSignature);
  std::string bare = "4\r\naaaa\r\n0\r\n\r\n";
  EXPECT_EQ(read_chunked(bare, body.chunked).problem, Wrong::kFraming);
  body.chunked.signing->seed = std::string(64, '6');
  EXPECT_EQ(read_chunked(text, body.chunked).problem, Wrong::kChunkSignature);
}

TEST(ChunkedPayload, SignedTrailersKeepTheirSignature) {
  SignedBody body(true);
  std::string text = body.text({"x"});
  size_t at = text.find("x-amz-trailer-signature");
  EXPECT_EQ(read_chunked(text.substr(0, at) + "\r\n", body.chunked).problem, Wrong::kChunkSignature);
  // An empty line before the signature is taken.
  EXPECT_EQ(read_chunked(text.substr(0, at) + "\r\n" + text.substr(at), body.chunked).problem, Wrong::kNone);
  EXPECT_EQ(read_chunked(text.substr(0, text.size() - 2) + "late:1\r\n\r\n", body.chunked).problem,
            Wrong::kFraming);
  EXPECT_EQ(read_chunked(text.substr(0, at) + text.substr(at, 90) + text.substr(at), body.chunked).problem,
            Wrong::kFraming);
  // But not any number of them.
  EXPECT_EQ(read_chunked(text.substr(0, at) + std::string(kTrailerBytesMax, '\n'), body.chunked).problem,
            Wrong::kFraming);
  // Without announcing it, nobody may leave the trailer away.
  body.chunked.announced.clear();
  EXPECT_EQ(read_chunked(text, body.chunked).problem, Wrong::kTrailer);
}

}  // namespace
}  // namespace tarn::aws
