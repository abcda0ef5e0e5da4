#include <algorithm>
#include <limits>
#include <optional>

#include "columns/inference.h"
#include "columns/inference_node.h"
#include "columns/name.h"

namespace tarn::columns {
namespace {

using Node = Inference::Node;

Kind scalar_kind(uint16_t seen) {
  switch (seen) {
    case kSeenBoolean:
      return Kind::kBoolean;
    case kSeenInteger:
      return Kind::kLong;
    case kSeenDouble:
    case kSeenDouble | kSeenInteger:
      return Kind::kDouble;
    case kSeenDate:
      return Kind::kDate;
    case kSeenTimestamp:
      return Kind::kTimestampTz;
    default:
      return Kind::kString;  // text, and every mix
  }
}

// The field for what `node` has seen; nothing when that says nothing about a type.
// `depth`: structs and lists that stand around it.
std::optional<Field> new_field(const Node& node, const RecordLimits& limits, int depth) {
  if (node.seen == 0) return std::nullopt;
  Field field;
  field.name = node.name;
  if ((node.seen & kSeenNested) == 0) {
    field.type.kind = scalar_kind(node.seen);
    return field;
  }
  bool mixed = node.seen != kSeenObject && node.seen != kSeenArray;
  if (mixed || node.crowded || depth >= limits.nested_depth_max) {
    field.type.kind = Kind::kString;
    field.doc = kJsonDoc;
    return field;
  }
  field.type.kind = node.seen == kSeenObject ? Kind::kStruct : Kind::kList;
  for (const Node& child : node.seen == kSeenObject ? node.children : node.element)
    if (auto inner = new_field(child, limits, depth + 1)) field.type.fields.push_back(std::move(*inner));
  if (field.type.fields.empty()) return std::nullopt;
  return field;
}

int digits_of(uint64_t value) {
  int digits = 0;
  for (; value != 0; value /= 10) ++digits;
  return digits;
}

int integer_digits_of(double value) {
  int digits = 0;
  for (double bound = 1; value >= bound && digits <= kDecimalDigitsMax; bound *= 10) ++digits;
  return digits;
}

uint64_t magnitude(int64_t value) {
  return value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
}

// More digits before the point, as many as fit; one number that no decimal holds is no reason to widen.
bool widen_decimal(Type& type, const Node& node) {
  int digits = 0;
  if (node.seen & kSeenInteger)
    digits = digits_of(std::max(magnitude(node.integer_min), magnitude(node.integer_max)));
  if (node.seen & kSeenDouble) digits = std::max(digits, integer_digits_of(node.double_abs_max));
  int precision = digits + type.scale;
  if (precision <= type.precision || precision > kDecimalDigitsMax) return false;
  type.precision = precision;
  return true;
}

bool widen(Field& field, const Node& node, const RecordLimits& limits, int depth);

// Fields that exist are widened, others added up to `fields_max`.
bool widen_fields(std::vector<Field>& fields, const Node& node, const RecordLimits& limits, int depth,
                  int fields_max) {
  bool changed = false;
  for (const Node& child : node.children) {
    auto known = std::find_if(fields.begin(), fields.end(),
                              [&](const Field& f) { return same_name(f.name, child.name); });
    if (known != fields.end()) {
      changed |= widen(*known, child, limits, depth);
    } else if (fields.size() < static_cast<size_t>(fields_max)) {
      auto added = new_field(child, limits, depth);
      if (!added) continue;
      fields.push_back(std::move(*added));
      changed = true;
    }
  }
  return changed;
}

bool widen(Field& field, const Node& node, const RecordLimits& limits, int depth) {
  Type& type = field.type;
  switch (type.kind) {
    case Kind::kInt: {
      constexpr int64_t kMin = std::numeric_limits<int32_t>::min(),
                        kMax = std::numeric_limits<int32_t>::max();
      if (!(node.seen & kSeenInteger) || (node.integer_min >= kMin && node.integer_max <= kMax)) return false;
      type.kind = Kind::kLong;
      return true;
    }
    case Kind::kFloat:
      if (node.double_abs_max <= static_cast<double>(std::numeric_limits<float>::max())) return false;
      type.kind = Kind::kDouble;
      return true;
    case Kind::kDecimal:
      return widen_decimal(type, node);
    case Kind::kStruct:
      return widen_fields(type.fields, node, limits, depth + 1, limits.struct_fields_max);
    case Kind::kList:
      return !node.element.empty() && widen(type.fields.front(), node.element.front(), limits, depth + 1);
    default:
      return false;
  }
}

}  // namespace

Schema evolve(const Schema& current, const Inference& seen, const RecordLimits& limits, int last_id) {
  Schema evolved = current;
  if (widen_fields(evolved.fields, seen.root(), limits, 0, limits.columns_max)) assign_ids(evolved, last_id);
  return evolved;
}

bool covers(const Schema& current, const Inference& seen, const RecordLimits& limits) {
  Schema evolved = current;
  return !widen_fields(evolved.fields, seen.root(), limits, 0, limits.columns_max);
}

}  // namespace tarn::columns
