// Records through the shredder without a log and without a query, for tests and fuzzing.
//
// Frames are built by hand, with exactly the padding that a log guarantees.
// Threads: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "columns/duck_json.h"
#include "columns/record_reader.h"
#include "columns/shredder.h"

namespace tarn::columns::testing {

using Text = std::optional<std::string>;

// A field from its SQL type; "JSON" is a string that holds JSON.
inline Field make_field(std::string name, std::string_view type, bool required = false) {
  Field field;
  field.name = std::move(name);
  field.required = required;
  if (type == "JSON") {
    field.type.kind = Kind::kString;
    field.doc = kJsonDoc;
    return field;
  }
  field.type = parse_type(type).value();
  return field;
}

inline Schema make_schema(const std::vector<std::pair<std::string, std::string>>& columns) {
  Schema schema;
  for (const auto& [name, type] : columns) schema.fields.push_back(make_field(name, type));
  assign_ids(schema, 0);
  return schema;
}

// Owns what a FrameView points to.
class HandMadeFrame {
 public:
  explicit HandMadeFrame(const std::vector<std::string>& records) {
    size_t bytes = kJsonPadding;
    for (const std::string& record : records) bytes += record.size() + 1;
    data_ = std::make_unique<char[]>(bytes);  // of this size exactly: a sanitizer sees who reads on
    char* to = data_.get();
    for (const std::string& record : records) {
      to = std::copy(record.begin(), record.end(), to);
      *to++ = '\n';
      lengths_.push_back(static_cast<uint32_t>(record.size()));
    }
    view_.count = view_.end = static_cast<uint32_t>(records.size());
    view_.lengths = lengths_.data();
    view_.data = data_.get();
    view_.data_bytes = bytes - kJsonPadding;
  }
  log::FrameView& view() { return view_; }

 private:
  std::unique_ptr<char[]> data_;
  std::vector<uint32_t> lengths_;
  log::FrameView view_;
};

struct Shredded {
  std::vector<std::vector<Text>> rows;                   // the projected columns, as JSON values
  std::vector<Text> rescued;                             // one a row
  std::vector<std::pair<uint64_t, std::string>> errors;  // which record, and why
};

class ChunkForTest {
 public:
  explicit ChunkForTest(const std::vector<Type>& types) {
    std::vector<duckdb_logical_type> handles;
    for (const Type& type : types) handles.push_back(types_.emplace_back(duck::logical_type(type)).get());
    handle_ = duckdb_create_data_chunk(handles.data(), handles.size());
  }
  ~ChunkForTest() { duckdb_destroy_data_chunk(&handle_); }
  duckdb_data_chunk handle() const { return handle_; }
  Text value(size_t column, size_t row) const {
    duckdb_vector vector = duckdb_data_chunk_get_vector(handle_, column);
    uint64_t* validity = duckdb_vector_get_validity(vector);
    if (validity && !duckdb_validity_row_is_valid(validity, row)) return std::nullopt;
    std::string text;
    duck::append_json(vector, types_[column].get(), row, text);
    return text;
  }

 private:
  std::vector<duck::LogicalType> types_;
  duckdb_data_chunk handle_ = nullptr;
};

// `projection`: positions in the schema; null: all columns.
inline Shredded shred(const ScanSpec& spec, log::FrameView frame,
                      const std::vector<size_t>* projection = nullptr) {
  std::vector<size_t> all;
  for (size_t i = 0; i < spec.schema.fields.size(); ++i) all.push_back(i);
  if (!projection) projection = &all;
  std::vector<Type> types;
  std::vector<size_t> vectors(spec.schema.fields.size(), Shredder::kNowhere);
  for (size_t column : *projection) {
    vectors[column] = types.size();
    types.push_back(spec.schema.fields[column].type);
  }
  ChunkForTest chunk(types);
  RecordReader reader(spec.limits.depth_max);
  Shredder shredder(spec, reader.index());
  shredder.project(std::move(vectors));
  shredder.take_notes(true);
  Shredded result;
  reader.open(frame);
  for (bool more = true; more;) {
    duckdb_data_chunk_reset(chunk.handle());
    shredder.begin_chunk(chunk.handle());
    idx_t row = 0;
    while (row < duckdb_vector_size() && (more = reader.next())) {
      Text reason = reader.is_object() ? shredder.violation(reader.json()) : Text(reader.fault());
      if (reason) {
        result.errors.emplace_back(reader.sequence(), *reason);
        continue;
      }
      shredder.write(reader.json(), row++);
      result.rescued.push_back(shredder.noted() ? Text(shredder.rescued()) : std::nullopt);
    }
    shredder.end_chunk();
    for (idx_t i = 0; i < row; ++i) {
      auto& values = result.rows.emplace_back();
      for (size_t column = 0; column < types.size(); ++column) values.push_back(chunk.value(column, i));
    }
  }
  return result;
}

inline Shredded shred(const ScanSpec& spec, const std::vector<std::string>& records) {
  HandMadeFrame frame(records);
  return shred(spec, frame.view());
}

}  // namespace tarn::columns::testing
