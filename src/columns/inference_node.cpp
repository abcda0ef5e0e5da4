#include "columns/inference_node.h"

#include <algorithm>
#include <type_traits>

#include "columns/name.h"
#include "columns/scalar.h"

namespace tarn::columns {

using Node = Inference::Node;

// Up to here a walk over the children is as quick as hashing the name.
static constexpr size_t kUnindexedMax = 8;

// A vector of nodes that grows must move them, not copy whole trees.
static_assert(std::is_nothrow_move_constructible_v<Node>);

uint32_t Node::find(std::string_view field_name) const {
  if (index.empty()) {
    for (uint32_t i = 0; i < children.size(); ++i)
      if (same_name(children[i].name, field_name)) return i;
    return kNone;
  }
  auto [at, end] = index.equal_range(name_hash(field_name));
  for (; at != end; ++at)
    if (same_name(children[at->second].name, field_name)) return at->second;
  return kNone;
}

uint32_t Node::add(std::string_view field_name) {
  auto place = static_cast<uint32_t>(children.size());
  children.emplace_back().name = field_name;
  if (!index.empty()) {
    index.emplace(name_hash(field_name), place);
  } else if (children.size() > kUnindexedMax) {
    for (uint32_t i = 0; i < children.size(); ++i) index.emplace(name_hash(children[i].name), i);
  }
  return place;
}

uint32_t Node::count() const {
  uint32_t n = 1;
  for (const Node& child : children) n += child.count();
  for (const Node& child : element) n += child.count();
  return n;
}

void Node::forget_children() {
  children.clear();
  index.clear();
}

void Node::see_text(std::string_view text) {
  if (seen & kSeenText) return;  // already any text
  switch (text_shape(text)) {
    case TextShape::kDate:
      seen |= kSeenDate;
      break;
    case TextShape::kTimestamp:
      seen |= kSeenTimestamp;
      break;
    case TextShape::kText:
      seen |= kSeenText;
      break;
  }
}

void Node::merge_own(const Node& other) {
  seen |= other.seen;
  integer_min = std::min(integer_min, other.integer_min);
  integer_max = std::max(integer_max, other.integer_max);
  double_abs_max = std::max(double_abs_max, other.double_abs_max);
}

}  // namespace tarn::columns
