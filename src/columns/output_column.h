// A column of the schema with what a shredder knows about it: how to read it, and the vector that it fills.
//
// Nested types are a tree of them. Pointers into DuckDB's vectors are taken once per chunk and again when a
// list's elements have moved.
// Owns: its children. Borrows the vector between attach() and the end of the chunk.
// Threads: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <duckdb.h>

#include "columns/key_table.h"
#include "columns/type.h"

namespace tarn::columns {

class OutputColumn {
 public:
  OutputColumn(const Field& field, bool declared);

  // How to read it.
  Kind kind;
  bool json = false;      // any value, as its JSON text
  bool any_text = false;  // a string that takes every value, as its text
  bool required = false;
  int precision = 0;
  int scale = 0;
  std::string type_name;  // for messages
  std::string name;
  std::vector<OutputColumn> children;  // of a struct; a list has its element; a map its key and its value
  std::unique_ptr<KeyTable> keys;      // of a struct
  int required_children = 0;

  // While an object is read: which of its fields were met.
  uint64_t seen = 0;  // the `objects` of the parent that this column was last met in
  uint64_t objects = 0;

  // Where values go.
  duckdb_vector vector = nullptr;  // null: the column isn't wanted
  void* data = nullptr;
  uint64_t* validity = nullptr;  // null: no NULL yet
  idx_t size = 0;                // of a list: its elements in this chunk
  idx_t capacity = 0;

  void begin_chunk(duckdb_vector to);
  void end_chunk();

  template <typename T>
  void set(idx_t row, T value) {
    static_cast<T*>(data)[row] = value;
  }
  // REQUIRES: kJsonPadding readable bytes after the text; a row is set once in a chunk.
  void set_text(idx_t row, const char* text, size_t bytes);
  void set_decimal(idx_t row, __int128 value);
  void set_null(idx_t row);
  void set_list(idx_t row, idx_t offset, idx_t length) {
    static_cast<duckdb_list_entry*>(data)[row] = {offset, length};
  }
  // Makes room for one more element of a list or map. REQUIRES: wanted.
  void reserve_one() {
    if (size == capacity) grow();
  }

 private:
  void gather(idx_t row, const char* text, size_t bytes);
  void hand_over();
  void attach(duckdb_vector to);
  void attach_elements();
  void forget_elements();
  void grow();

  // Texts that are too long for the vector itself are gathered, and handed over to its heap many at a time.
  std::vector<char> gathered_;
  size_t gathered_bytes_ = 0;
  std::vector<idx_t> gathered_rows_;
};

}  // namespace tarn::columns
