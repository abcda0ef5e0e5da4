// Whether a row is whole, before libavro sees it: libavro allocates what a length says, and its skip takes
// negative ones.
#include <algorithm>

#include "lake/avro_codec_internal.h"

namespace tarn::lake {

using Kind = AvroType::Kind;

bool whole_row(const AvroType& type, AvroCursor& cursor) {
  switch (type.kind) {
    case Kind::kNull:
      return true;
    case Kind::kBoolean:
      return cursor.take(1).has_value();
    case Kind::kInt:
    case Kind::kLong:
    case Kind::kEnum:
      return cursor.number().has_value();
    case Kind::kFloat:
      return cursor.take(sizeof(float)).has_value();
    case Kind::kDouble:
      return cursor.take(sizeof(double)).has_value();
    case Kind::kBytes:
    case Kind::kString:
      return cursor.bytes().has_value();
    case Kind::kFixed:
      return cursor.take(static_cast<size_t>(type.bytes)).has_value();
    case Kind::kRecord:
      return std::ranges::all_of(type.parts, [&](const AvroField& f) { return whole_row(f.type, cursor); });
    case Kind::kUnion: {
      auto branch = cursor.number();
      return branch && *branch >= 0 && static_cast<size_t>(*branch) < type.parts.size() &&
             whole_row(type.parts[static_cast<size_t>(*branch)].type, cursor);
    }
    case Kind::kArray:
    case Kind::kMap:
      break;
  }
  // An item takes at least a byte, so that a false count ends where the bytes do.
  while (true) {
    auto count = cursor.block_count();
    if (!count || *count == 0) return count.has_value();
    for (int64_t i = 0; i < *count; ++i) {
      if (type.kind == Kind::kMap && !cursor.bytes()) return false;
      if (!whole_row(type.parts[0].type, cursor)) return false;
    }
  }
}

}  // namespace tarn::lake
