// One checked JSON record to one row of DuckDB's vectors.
//
// What doesn't fit is noted under its path: a field's name as the record spells it, with the names and
// positions around it when it is nested: "a", "a.b", "items[3].price". A value that doesn't fit leaves NULL
// in its place; its neighbours, also in the same struct or list, are kept. An entry of a map whose key
// doesn't fit, or is there already, is left out. rescued() is a JSON object: path → the value's JSON text; a
// path that was noted more than once (a repeated field) has an array of them. Nulls without a column are
// nothing, and neither is a repeated null.
//
// Owns: the columns' state. Borrows a chunk between begin_chunk() and end_chunk(), and the JsonIndex for
// its unescape().
// Threads: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb.h>

#include "columns/json_check.h"
#include "columns/output_column.h"
#include "columns/records.h"

namespace tarn::columns {

class Shredder {
 public:
  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  Shredder(const ScanSpec& spec, const JsonIndex& index);

  // Which vector of the chunks each column of the schema goes to, or kNowhere; without a call: none is
  // written.
  void project(std::vector<size_t> vectors) { vectors_ = std::move(vectors); }
  // Whether to look for what doesn't fit in the columns that aren't written, too, so that the notes are
  // complete.
  void take_notes(bool wanted) { notes_wanted_ = wanted; }

  void begin_chunk(duckdb_data_chunk chunk);
  void end_chunk();

  // Why the contract of the spec sends the record to the error table; nothing when it doesn't, or there is
  // none.
  std::optional<std::string> violation(const JsonRecord& record);

  // REQUIRES: a chunk has begun; row < duckdb_vector_size(), rows in order.
  void write(const JsonRecord& record, idx_t row);
  bool noted() const { return !notes_.empty(); }  // by the last write()
  std::string_view rescued();

 private:
  enum class Why { kUnknown, kRepeat, kMisfit, kMissing };
  struct Note {
    Why why;
    std::string path;
    const OutputColumn* column;
    const uint32_t* value;
    const uint32_t* after;
  };
  struct Step {  // around the field that is being read
    std::string_view key;
    uint64_t element = 0;
    bool in_list = false;
  };

  template <bool kWrite>
  void put_record(const JsonRecord& record, idx_t row);
  template <bool kWrite>
  void put_field(OutputColumn& object, KeyTable::Key*& previous, const JsonField& field, idx_t row);
  template <bool kWrite>
  void end_object(OutputColumn& object, idx_t row);
  template <bool kWrite>
  bool put(OutputColumn& column, const uint32_t* value, const uint32_t* after, idx_t row);
  template <bool kWrite>
  bool put_number(OutputColumn& column, const char* number, idx_t row);
  template <bool kWrite>
  bool put_text(OutputColumn& column, std::string_view text, idx_t row);
  template <bool kWrite>
  bool put_string(OutputColumn& column, const uint32_t* value, const uint32_t* after, idx_t row);
  template <bool kWrite>
  bool put_struct(OutputColumn& column, const uint32_t* value, idx_t row);
  template <bool kWrite>
  bool put_list(OutputColumn& column, const uint32_t* value, idx_t row);
  template <bool kWrite>
  bool put_map(OutputColumn& column, const uint32_t* value, idx_t row);
  template <bool kWrite>
  bool put_map_key(OutputColumn& column, const std::string& key, idx_t row);

  JsonField field_at(const uint32_t* key) const;
  std::string_view text_at(const uint32_t* value);
  void note(Why why, const JsonField& field, const OutputColumn* column);
  void note_element(const OutputColumn& column, const uint32_t* value, const uint32_t* after);
  std::string path(std::string_view key) const;
  std::string explain(const Note& note);

  const JsonIndex& index_;
  bool strict_;             // a breach of the contract is an error
  bool unknown_is_breach_;  // there is no _rescued column that could keep it
  OutputColumn root_;       // the record as a struct
  std::vector<size_t> vectors_;
  size_t wanted_ = 0;  // columns with a vector
  size_t written_ = 0;
  bool notes_wanted_ = false;
  bool judging_ = false;

  const char* base_ = nullptr;
  bool escapes_ = false;
  std::vector<Step> steps_;
  std::vector<Note> notes_;
  std::string text_;  // reused
  std::string bytes_;
  std::string compact_;
  std::string rescued_;
};

}  // namespace tarn::columns
