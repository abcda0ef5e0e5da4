#include "log/frame.h"

#include <cstring>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "log/log_test_util.h"

namespace tarn::log {
namespace {

const std::vector<Record> kTwo = {{R"({"a":1})", "k1"}, {"two\nlines", ""}};

EncodedFrame frame_of(std::span<const Record> records, std::optional<Producer> producer = std::nullopt) {
  auto frame = EncodedFrame::encode(records, producer, kMiB);
  EXPECT_TRUE(frame) << frame.error().message;
  frame->finish(7, {1'700'000'000'000'000}, 5, seed_of(1));
  return std::move(*frame);
}

TEST(Frame, DecodesToWhatWasEncoded) {
  EncodedFrame frame = frame_of(kTwo, Producer{"p", 3});
  auto header = read_header(frame.bytes(), seed_of(1));
  ASSERT_TRUE(header) << header.error();
  EXPECT_EQ(header->frame_bytes(), frame.size());
  EXPECT_EQ(frame.size() % kAlignment, 0u);
  EXPECT_EQ(header->durable, 5u);
  EXPECT_EQ(header->producer_number, 3u);
  EXPECT_EQ(producer_id(*header, frame.bytes().data()), "p");
  EXPECT_TRUE(body_intact(*header, frame.bytes().data()));
  auto v = view(*header, frame.bytes().data());
  ASSERT_TRUE(v);
  EXPECT_EQ(v->first, 7u);
  EXPECT_EQ(v->arrived.us, 1'700'000'000'000'000);
  EXPECT_EQ(std::string(v->data, v->data_bytes), "{\"a\":1}\ntwo\nlines\n");
  EXPECT_EQ(std::string(v->keys, 2), "k1");
  EXPECT_EQ(v->key_lengths[1], 0u);
  EXPECT_EQ(v->lengths[1], 9u);
}

TEST(Frame, RefusesEveryFlippedBit) {
  EncodedFrame frame = frame_of(kTwo, Producer{"p", 3});
  std::string bytes(frame.bytes().begin(), frame.bytes().end());
  uint64_t used = 64 + read_header(frame.bytes(), seed_of(1))->body_bytes;
  for (size_t bit = 0; bit < used * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
    auto header = read_header(bytes, seed_of(1));
    EXPECT_FALSE(header && body_intact(*header, bytes.data())) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
}

TEST(Frame, RefusesFramesOfAnotherLog) {
  EXPECT_FALSE(read_header(frame_of(kTwo).bytes(), seed_of(2)));
}

TEST(Frame, RefusesSizesThatDoNotAddUp) {
  // A frame whose checksum is right and whose lengths lie, as only an attacker with the log's id can write
  // it.
  std::vector<Record> one = {{"0123456789"}};
  EncodedFrame frame = frame_of(one);
  std::string bytes(frame.bytes().begin(), frame.bytes().end());
  uint32_t length = 0xffffffff;
  std::memcpy(bytes.data() + sizeof(FrameHeader), &length, sizeof(length));
  auto header = read_header(bytes, seed_of(1));
  ASSERT_TRUE(header);
  EXPECT_FALSE(view(*header, bytes.data()));
}

TEST(Frame, LimitsAreAnswered) {
  std::vector<Record> none;
  EXPECT_EQ(EncodedFrame::encode(none, {}, kMiB).error().code, Code::kInvalid);
  std::string key(kKeyBytesMax + 1, 'k'), big(kMiB, 'x'), id(kProducerBytesMax + 1, 'p');
  std::vector<Record> long_key = {{"a", key}}, large = {{big}}, one = {{"a"}};
  EXPECT_EQ(EncodedFrame::encode(long_key, {}, kMiB).error().code, Code::kInvalid);
  EXPECT_EQ(EncodedFrame::encode(large, {}, kMiB).error().code, Code::kTooLarge);
  EXPECT_EQ(EncodedFrame::encode(one, Producer{id, 1}, kMiB).error().code, Code::kInvalid);
  EXPECT_EQ(EncodedFrame::encode(one, Producer{"", 1}, kMiB).error().code, Code::kInvalid);
}

TEST(Frame, SegmentHeaderSurvivesTheLossOfOneCopy) {
  std::string bytes = encode_segment_header(42, 17, {5});
  ASSERT_EQ(bytes.size(), kSegmentDataOffset);
  for (uint64_t lost : {uint64_t{0}, kSegmentHeaderCopyOffset}) {
    std::string damaged = bytes;
    damaged.replace(lost, 512, 512, '\xee');
    auto header = decode_segment_header(damaged);
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_EQ(header->log_id, 42u);
    EXPECT_EQ(header->first, 17u);
  }
  EXPECT_EQ(decode_segment_header(std::string(2000, '\0')).error().code, Code::kCorrupt);
}

// The worked example of docs/formats/log.md; a change of these bytes is a change of the format.
TEST(Frame, LayoutIsTheDocumentedOne) {
  std::string hex;
  EncodedFrame frame = frame_of(kTwo, Producer{"p", 3});
  for (size_t i = 0; i < frame.size(); ++i)
    hex += fmt::format("{:02x}{}", static_cast<unsigned char>(frame.bytes()[i]), i % 16 == 15 ? "\n" : " ");
  const std::string documented =
      "54 52 46 4d 66 7c 2f 99 25 00 00 00 8e cd 5a 6f\n"
      "07 00 00 00 00 00 00 00 00 40 1e 18 24 0a 06 00\n"
      "05 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00\n"
      "02 00 00 00 02 00 00 00 12 00 00 00 01 00 03 00\n"
      "07 00 00 00 09 00 00 00 02 00 00 00 00 00 00 00\n"
      "70 6b 31 7b 22 61 22 3a 31 7d 0a 74 77 6f 0a 6c\n"
      "69 6e 65 73 0a 00 00 00 ";
  EXPECT_EQ(hex, documented);
  // The page shows these very bytes, where the sources are at hand.
  std::string page = slurp(std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/log.md");
  for (size_t at = 0; !page.empty() && at < documented.size(); at += 48) {
    std::string line = documented.substr(at, 47);
    EXPECT_NE(page.find(line.substr(0, line.find_last_not_of(' ') + 1)), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace tarn::log
