#include "query/result_format.h"

#include <array>

#include "columns/duck_json.h"

namespace tarn::query {
namespace {

struct ColumnInfo {
  std::string name;
  duck::LogicalType type;
  std::string json_key;  // "name": for objects
};

std::vector<ColumnInfo> columns_of(const duck::Rows& rows) {
  std::vector<ColumnInfo> columns;
  for (size_t i = 0; i < rows.columns(); ++i) {
    ColumnInfo& column = columns.emplace_back(rows.name(i), duck::LogicalType(rows.logical_type(i)), "");
    duck::append_json_string(column.name, column.json_key);
  }
  return columns;
}

class JsonWriter : public ResultWriter {
 public:
  void begin(const duck::Rows& rows, std::string& out) override {
    columns_ = columns_of(rows);
    out += "{\"columns\":[";
    for (size_t i = 0; i < columns_.size(); ++i) {
      out += i == 0 ? "{\"name\":" : ",{\"name\":";
      out += columns_[i].json_key + ",\"type\":";
      duck::append_json_string(duck::type_text(columns_[i].type.get()), out);
      out += '}';
    }
    out += "],\"rows\":[";
  }
  void chunk(const duck::Chunk& chunk, std::string& out) override {
    for (size_t row = 0; row < chunk.rows(); ++row) {
      out += first_ ? "\n[" : ",\n[";
      first_ = false;
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (i > 0) out += ',';
        duck::append_json(chunk.column(i), columns_[i].type.get(), row, out);
      }
      out += ']';
    }
  }
  void end(std::string& out) override { out += "\n]}\n"; }

 private:
  std::vector<ColumnInfo> columns_;
  bool first_ = true;
};

class NdjsonWriter : public ResultWriter {
 public:
  void begin(const duck::Rows& rows, std::string&) override { columns_ = columns_of(rows); }
  void chunk(const duck::Chunk& chunk, std::string& out) override {
    for (size_t row = 0; row < chunk.rows(); ++row) {
      out += '{';
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (i > 0) out += ',';
        out += columns_[i].json_key;
        out += ':';
        duck::append_json(chunk.column(i), columns_[i].type.get(), row, out);
      }
      out += "}\n";
    }
  }
  void end(std::string&) override {}

 private:
  std::vector<ColumnInfo> columns_;
};

class CsvWriter : public ResultWriter {
 public:
  void begin(const duck::Rows& rows, std::string& out) override {
    columns_ = columns_of(rows);
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out += ',';
      append_value(columns_[i].name, out);
    }
    out += "\r\n";
  }
  void chunk(const duck::Chunk& chunk, std::string& out) override {
    for (size_t row = 0; row < chunk.rows(); ++row) {
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (i > 0) out += ',';
        if (auto text = duck::value_text(chunk.column(i), columns_[i].type.get(), row))
          append_value(*text, out);
      }
      out += "\r\n";
    }
  }
  void end(std::string&) override {}

 private:
  // An empty text is quoted, so that it differs from NULL.
  static void append_value(std::string_view text, std::string& out) {
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
      out += text;
      return;
    }
    out += '"';
    for (char c : text) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }

  std::vector<ColumnInfo> columns_;
};

}  // namespace

Result<Format> parse_format(std::string_view name) {
  if (name == "json") return Format::kJson;
  if (name == "ndjson") return Format::kNdjson;
  if (name == "csv") return Format::kCsv;
  return fail(Code::kInvalid,
              "'" + std::string(name) + "' is no result format: json, ndjson, csv or parquet");
}

std::unique_ptr<ResultWriter> ResultWriter::make(Format format) {
  switch (format) {
    case Format::kJson:
      return std::make_unique<JsonWriter>();
    case Format::kNdjson:
      return std::make_unique<NdjsonWriter>();
    case Format::kCsv:
      return std::make_unique<CsvWriter>();
  }
  return nullptr;
}

}  // namespace tarn::query
