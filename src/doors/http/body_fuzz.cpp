// Bodies as a hostile client sends them: decoder, then splitter. However the bytes arrive, the records are
// the same.
//
// Input: a byte for the form (lines, JSON, CSV), one for the encoding, one that seeds the sizes of the
// pieces, the body.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "columns/csv.h"
#include "doors/http/body_decoder.h"
#include "doors/http/record_splitter.h"

namespace {

using namespace tarn;

constexpr size_t kRecordBytesMax = 200;

struct Outcome {
  std::optional<Code> error;
  std::vector<std::string> records;
};

class Collector : public http::RecordSink {
 public:
  explicit Collector(std::vector<std::string>& out) : out_(out) {}
  Status record(std::string_view data) override {
    TARN_CHECK(!data.empty() && data.size() <= kRecordBytesMax);
    views_.push_back(data);
    return {};
  }
  Status oversized() override {
    TARN_TRY(flush());
    out_.emplace_back("<oversized>");
    return {};
  }
  Status flush() override {
    for (std::string_view v : views_) out_.emplace_back(v);
    views_.clear();
    return {};
  }

 private:
  std::vector<std::string>& out_;
  std::vector<std::string_view> views_;
};

// Sizes from 1 to `most`, the same for the same seed.
class Sizes {
 public:
  Sizes(uint8_t seed, size_t most) : state_(seed * 2654435761u + 1), most_(most) {}
  size_t next() {
    state_ = state_ * 1103515245u + 12345u;
    return (state_ >> 16) % most_ + 1;
  }

 private:
  uint32_t state_;
  const size_t most_;
};

Result<std::string> read_all(http::BodyDecoder& body, Sizes& sizes) {
  std::string out;
  char piece[4096];
  for (;;) {
    TARN_ASSIGN(size_t got, body.read(std::span(piece).first(std::min(sizes.next(), sizeof piece))));
    if (got == 0) return out;
    out.append(piece, got);
  }
}

Status take_lines(http::BodyDecoder& body, Sizes& sizes, size_t buffer, std::vector<std::string>& out) {
  Collector sink(out);
  http::LineSplitter lines(sink, buffer, kRecordBytesMax);
  for (;;) {
    auto space = lines.space();
    TARN_ASSIGN(size_t got, body.read(space.first(std::min(sizes.next(), space.size()))));
    if (got == 0) break;
    TARN_TRY(lines.added(got));
  }
  TARN_TRY(lines.finish());
  return sink.flush();
}

Status take_csv(std::string_view text, Sizes& sizes, std::vector<std::string>& out) {
  columns::CsvReader reader({[&](std::string_view record) -> Status {
                               out.emplace_back(record);
                               return {};
                             },
                             [&](uint64_t line, std::string_view, std::string_view) -> Status {
                               out.push_back("<bad row " + std::to_string(line) + ">");
                               return {};
                             }},
                            1000);
  while (!text.empty()) {
    std::string_view piece = text.substr(0, sizes.next());
    text.remove_prefix(piece.size());
    TARN_TRY(reader.feed(piece));
  }
  return reader.finish();
}

Status take_json(std::string text, std::vector<std::string>& out) {
  size_t size = text.size();
  text.append(http::kPaddingBytes, '\0');
  TARN_ASSIGN(auto records, http::split_json({text.data(), size}));
  const char* at = text.data();
  for (std::string_view record : records) {
    TARN_CHECK(record.data() >= at && record.data() + record.size() <= text.data() + size);
    at = record.data() + record.size();
    out.emplace_back(record);
  }
  return {};
}

Outcome take(uint8_t form, uint8_t encoding, std::string_view bytes, uint8_t seed, size_t most,
             size_t buffer) {
  Sizes sizes(seed, most);
  http::DecodeLimits limits;
  limits.decoded_bytes_max = 1 << 16;
  limits.window_log_max = 20;
  constexpr std::string_view kEncodings[] = {"identity", "gzip", "zstd"};
  auto source = [&](std::span<char> out) -> Result<size_t> {
    size_t n = std::min({sizes.next(), out.size(), bytes.size()});
    std::memcpy(out.data(), bytes.data(), n);
    bytes.remove_prefix(n);
    return n;
  };
  auto body = http::BodyDecoder::make(kEncodings[encoding % 3], source, limits);
  TARN_CHECK(body.has_value());
  Outcome out;
  Status done;
  if (form % 3 == 0) {
    done = take_lines(**body, sizes, buffer, out.records);
  } else {
    auto text = read_all(**body, sizes);
    if (!text) {
      done = fail(std::move(text).error());
    } else {
      done = form % 3 == 1 ? take_json(*std::move(text), out.records) : take_csv(*text, sizes, out.records);
    }
  }
  if (!done) out.error = done.error().code;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  Outcome whole = take(data[0], data[1], bytes, 0, 1 << 20, 1 << 16);
  Outcome pieces = take(data[0], data[1], bytes, data[2], 1 + data[2] % 50, 16 + data[2]);
  TARN_CHECK(whole.error.has_value() == pieces.error.has_value());
  // What came before an error may differ: the decoder sees it sooner or later.
  if (!whole.error) TARN_CHECK(whole.records == pieces.records);
  return 0;
}
