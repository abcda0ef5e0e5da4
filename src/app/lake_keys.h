// The keys of a lake file: one table, and everything else is made from it.
//
// Checking (lake_file.h), the JSON Schema (docs/lake.schema.json, `tarn schema`) and the key table of
// docs/lake-file.md all come from the rows of all_keys(); a test holds the committed files to it.
// Shapes: a path is dotted; `*` stands for a name that the user chooses (of a stream, a column, a table).
// Threads: constants and pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::app {

enum class Shape {
  kMap,    // keys of this table, no others
  kNames,  // a map whose keys the user chooses: streams, tables, columns
  kText,
  kInteger,  // within [min, max]
  kBoolean,
  kBytes,        // 64MiB; at least min
  kDuration,     // 60s
  kTexts,        // a list of text
  kTextOrTexts,  // one text, or a list
  kList,         // a list of maps with the keys below this one
  kChoice,       // one of `choices`
  kType,         // a column's type
  kColumn,       // a column: its type, or a map with type and required
  kTable,        // database.table
  kAddress,      // 127.0.0.1:9700
  kLater,        // known, and not in this version yet
};

struct Key {
  std::string path;
  Shape shape = Shape::kText;
  std::string default_value;  // as it would be written; empty when there is none
  std::string help;           // one line
  std::string example;        // a value, as it would be written
  int64_t min = 0;
  int64_t max = 0;
  std::vector<std::string> choices = {};
  bool in_defaults = false;  // a stream's key that `defaults` may have too
};

// Every key, parents before children.
std::span<const Key> all_keys();

// The same keys as a tree, for walking a document.
struct KeyNode {
  const Key* key = nullptr;  // null for the root
  std::map<std::string, KeyNode, std::less<>> children;
  std::unique_ptr<KeyNode> any;  // of `*`

  std::vector<std::string> names() const;
};
const KeyNode& key_tree();

// What a shape takes, to say what was expected: "a size such as 64MiB".
std::string expectation(const Key& key);

// The table of keys for docs/lake-file.md, in Markdown.
std::string key_table_markdown();

// The JSON Schema of a lake file, with a newline at its end.
std::string lake_json_schema();

}  // namespace tarn::app
