// What an Inference has seen of one field: kinds, ranges, and the same of what is inside it.
//
// Everything here is a union (flags, ranges, sets of children), so that merging in any order gives the same
// types.
// Owns: its children.
// Threads: one thread.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "columns/inference.h"

namespace tarn::columns {

// Kinds of values, as flags. {}, [] and null leave none.
enum Seen : uint16_t {
  kSeenBoolean = 1,
  kSeenInteger = 2,  // fits long
  kSeenDouble = 4,
  kSeenText = 8,  // other text, and numbers beyond long and double
  kSeenDate = 16,
  kSeenTimestamp = 32,
  kSeenObject = 64,
  kSeenArray = 128,
};
inline constexpr uint16_t kSeenNested = kSeenObject | kSeenArray;

struct Inference::Node {
  std::string name;
  uint16_t seen = 0;
  bool crowded = false;  // an object with more fields than may be told apart; it has no children then
  int64_t integer_min = std::numeric_limits<int64_t>::max();
  int64_t integer_max = std::numeric_limits<int64_t>::min();
  double double_abs_max = 0;
  uint64_t object = 0;         // the number of the object that this field was last seen in
  std::vector<Node> children;  // of objects: their fields, in the order first seen
  std::vector<Node> element;   // of arrays: none or one
  // name_hash → children; only built for many children
  std::unordered_multimap<uint64_t, uint32_t> index;

  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  uint32_t find(std::string_view field_name) const;  // its place among the children, or kNone
  uint32_t add(std::string_view field_name);         // REQUIRES: find() gave kNone
  uint32_t count() const;                            // nodes from here down
  void forget_children();

  void see_integer(int64_t value) {
    seen |= kSeenInteger;
    if (value < integer_min) integer_min = value;
    if (value > integer_max) integer_max = value;
  }
  void see_double(double value) {
    seen |= kSeenDouble;
    double size = value < 0 ? -value : value;
    if (size > double_abs_max) double_abs_max = size;
  }
  void see_text(std::string_view text);
  void merge_own(const Node& other);  // all but what is inside
};

}  // namespace tarn::columns
