#include "app/record_source.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/byte_source.h"
#include "app/json_splitter.h"
#include "columns/csv.h"

namespace tarn::app {
namespace {

// Far above what a lake takes, so that the lake's own limit is the one that users meet.
constexpr size_t kRecordBytesMax = 256u << 20;

// Cuts text into lines.
class Lines {
 public:
  Lines(std::string path, std::function<Status(std::string_view)> line)
      : path_(std::move(path)), line_(std::move(line)) {}

  Status feed(std::string_view bytes) {
    while (!bytes.empty()) {
      size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        rest_ += bytes;
        if (rest_.size() <= kRecordBytesMax) return {};
        return fail(Code::kTooLarge,
                    fmt::format("{}: a line is longer than {} bytes; is it NDJSON?", path_, kRecordBytesMax));
      }
      std::string_view line = bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      if (!rest_.empty()) {
        rest_ += line;
        TARN_TRY(give(rest_));
        rest_.clear();
      } else {
        TARN_TRY(give(line));
      }
    }
    return {};
  }
  Status finish() { return give(rest_); }

 private:
  Status give(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    bool blank = std::ranges::all_of(line, [](char c) { return c == ' ' || c == '\t'; });
    return blank ? Status() : line_(line);
  }

  std::string path_;
  std::function<Status(std::string_view)> line_;
  std::string rest_;
};

class TextSource : public RecordSource {
 public:
  TextSource(std::unique_ptr<ByteSource> bytes, RecordFormat format, std::string path)
      : bytes_(std::move(bytes)), format_(format), path_(std::move(path)) {}

  Status read(const Sink& sink) override {
    switch (format_) {
      case RecordFormat::kJson: {
        JsonSplitter splitter(sink.record, kRecordBytesMax);
        return read_with(splitter);
      }
      case RecordFormat::kCsv: {
        auto bad_row = [&](uint64_t line, std::string_view, std::string_view reason) {
          return sink.bad(fmt::format("{}:{}: {}", path_, line, reason));
        };
        columns::CsvReader reader({sink.record, bad_row}, kRecordBytesMax);
        return read_with(reader);
      }
      default: {
        Lines lines(path_, sink.record);
        return read_with(lines);
      }
    }
  }
  uint64_t total() const override { return bytes_->total(); }
  uint64_t done() const override { return bytes_->consumed(); }

 private:
  template <typename Reader>
  Status read_with(Reader& reader) {
    auto named = [&](Status status) -> Status {
      if (status || status.error().message.find(path_) != std::string::npos) return status;
      // Only what is wrong with the text is the file's; a failure to send has its own words.
      if (status.error().code != Code::kInvalid && status.error().code != Code::kTooLarge) return status;
      return fail(std::move(status).error().in(path_));
    };
    TARN_TRY(bytes_->read([&](std::string_view piece) { return named(reader.feed(piece)); }));
    return named(reader.finish());
  }

  std::unique_ptr<ByteSource> bytes_;
  RecordFormat format_;
  std::string path_;
};

}  // namespace

Result<RecordFormat> parse_record_format(std::string_view name) {
  if (name == "ndjson" || name == "jsonl") return RecordFormat::kNdjson;
  if (name == "json") return RecordFormat::kJson;
  if (name == "csv") return RecordFormat::kCsv;
  if (name == "parquet") return RecordFormat::kParquet;
  return fail(Code::kInvalid,
              fmt::format("unknown format \"{}\"; there are ndjson, json, csv, parquet", name));
}

RecordFormat record_format_of(std::string_view path) {
  for (std::string_view packed : {".gz", ".zst"}) {
    if (path.ends_with(packed)) path.remove_suffix(packed.size());
  }
  if (path.ends_with(".parquet")) return RecordFormat::kParquet;
  if (path.ends_with(".csv")) return RecordFormat::kCsv;
  if (path.ends_with(".json")) return RecordFormat::kJson;
  return RecordFormat::kNdjson;
}

Result<std::unique_ptr<RecordSource>> RecordSource::open(const std::string& path, RecordFormat format) {
  if (format == RecordFormat::kParquet) return open_parquet_source(path);
  TARN_ASSIGN(std::unique_ptr<ByteSource> bytes, ByteSource::open(path));
  return std::make_unique<TextSource>(std::move(bytes), format, path == "-" ? "standard input" : path);
}

}  // namespace tarn::app
