// YAML text as a tree whose every key and value knows its line and column.
//
// Plain data: what the keys mean is lake_file.h's. Keys are text; a key that comes twice, a key that is no
// text, an alias to itself and text past the limits are problems, all of them reported.
// Threads: pure functions.
// Fails: never; problems are part of the result.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::app {

inline constexpr size_t kYamlBytesMax = 4u << 20;  // a lake file is written by people
inline constexpr size_t kYamlValuesMax = 100'000;  // with what aliases repeat: a bomb ends here
inline constexpr int kYamlDepthMax = 64;

struct Place {
  int line = 1;  // from 1, as editors count
  int column = 1;
};

struct Problem {
  Place place;
  std::string message;
};

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kText, kList, kMap };
  Kind kind = Kind::kNull;
  Place place;
  std::string text;
  bool quoted = false;  // 'text' or "text" or a block: never a number or true
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;

  // Null when there is no such key.
  const YamlEntry* find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  Place place;
  YamlNode value;
};

struct YamlDocument {
  YamlNode root;
  std::vector<Problem> problems;  // when there are any, `root` may be incomplete
};

YamlDocument parse_yaml(std::string_view text);

}  // namespace tarn::app
