// Avro schemas from JSON, bounded: no recursion, no types that take no bytes (an array of them could be
// endless).
#include <algorithm>
#include <map>

#include <boost/json.hpp>

#include "lake/avro_codec_internal.h"

namespace tarn::lake {
namespace {

namespace json = boost::json;
using Kind = AvroType::Kind;

constexpr int64_t kFixedBytesMax = 1 << 20;
// A table without partitions has an empty record. Many of them would be many values out of no bytes.
constexpr int kEmptyRecordsMax = 8;

class SchemaParser {
 public:
  explicit SchemaParser(const AvroLimits& limits) : limits_(limits) {}

  Result<AvroType> type(const json::value& value, int depth) {
    if (depth > limits_.schema_depth_max) return fail(Code::kTooLarge, "an Avro schema is nested too deeply");
    if (++nodes_ > limits_.schema_nodes_max)
      return fail(Code::kTooLarge, "an Avro schema has too many types");
    if (value.is_string()) return named(std::string_view(value.get_string()));
    if (value.is_array()) return union_of(value.get_array(), depth);
    if (!value.is_object()) return fail(Code::kCorrupt, "an Avro schema has a type that is no type");
    const json::object& object = value.get_object();
    const json::value* inner = object.if_contains("type");
    if (!inner) return fail(Code::kCorrupt, "an Avro schema has a type without \"type\"");
    if (!inner->is_string()) return type(*inner, depth + 1);  // {"type": {"type": …}}
    std::string_view word = inner->get_string();
    if (word == "record") return record(object, depth);
    if (word == "array" || word == "map") return container(object, word == "array", depth);
    if (word == "fixed") return fixed(object);
    if (word == "enum") {
      AvroType out{Kind::kEnum, 0, {}};
      TARN_TRY(define(object, out));
      return out;
    }
    return named(word);
  }

 private:
  static int id_of(const json::object& object, std::string_view key) {
    const json::value* id = object.if_contains(key);
    if (!id || !id->is_int64() || id->get_int64() < 0 || id->get_int64() > INT32_MAX) return -1;
    return static_cast<int>(id->get_int64());
  }

  Result<AvroType> named(std::string_view word) {
    static constexpr std::pair<std::string_view, Kind> kPrimitives[] = {
        {"null", Kind::kNull},   {"boolean", Kind::kBoolean}, {"int", Kind::kInt},
        {"long", Kind::kLong},   {"float", Kind::kFloat},     {"double", Kind::kDouble},
        {"bytes", Kind::kBytes}, {"string", Kind::kString},
    };
    for (auto& [name, kind] : kPrimitives)
      if (name == word) return AvroType{kind, 0, {}};
    auto known = names_.find(std::string(word));
    if (known == names_.end())
      return fail(Code::kCorrupt, "an Avro schema uses the type " + std::string(word.substr(0, 200)) +
                                      ", which is not defined before it");
    nodes_ += known->second.second;
    return known->second.first;
  }

  Status define(const json::object& object, const AvroType& type, int nodes = 1) {
    const json::value* name = object.if_contains("name");
    if (!name || !name->is_string())
      return fail(Code::kCorrupt, "an Avro schema has a named type without a name");
    std::string text(name->get_string());
    if (const json::value* space = object.if_contains("namespace"); space && space->is_string())
      names_[std::string(space->get_string()) + "." + text] = {type, nodes};
    names_[text] = {type, nodes};
    return {};
  }

  Result<AvroType> record(const json::object& object, int depth) {
    const json::value* fields = object.if_contains("fields");
    if (!fields || !fields->is_array())
      return fail(Code::kCorrupt, "an Avro schema has a record without a list of fields");
    AvroType out{Kind::kRecord, 0, {}};
    int before = nodes_;
    for (const json::value& field : fields->get_array()) {
      if (!field.is_object()) return fail(Code::kCorrupt, "an Avro schema has a field that is no object");
      const json::value* name = field.get_object().if_contains("name");
      const json::value* field_type = field.get_object().if_contains("type");
      if (!name || !name->is_string() || !field_type)
        return fail(Code::kCorrupt, "an Avro schema has a field without name and type");
      TARN_ASSIGN(AvroType parsed, type(*field_type, depth + 1));
      if (parsed.kind == Kind::kNull)
        return fail(Code::kUnsupported, "an Avro schema has a field of type null");
      out.parts.push_back(
          {std::string(name->get_string()), id_of(field.get_object(), "field-id"), std::move(parsed)});
    }
    if (takes_no_bytes(out) && ++empty_records_ > kEmptyRecordsMax)
      return fail(Code::kTooLarge, "an Avro schema has too many empty records");
    // Only what takes bytes can be used again by its name, so that the count of empty ones is right.
    if (!takes_no_bytes(out)) TARN_TRY(define(object, out, nodes_ - before + 1));
    return out;
  }

  Result<AvroType> container(const json::object& object, bool array, int depth) {
    const json::value* items = object.if_contains(array ? "items" : "values");
    if (!items)
      return fail(Code::kCorrupt, "an Avro schema has an array or map without a type for its items");
    TARN_ASSIGN(AvroType parsed, type(*items, depth + 1));
    if (takes_no_bytes(parsed))
      return fail(Code::kUnsupported, "an Avro schema has an array of what takes no bytes");
    AvroType out{array ? Kind::kArray : Kind::kMap, 0, {}};
    out.parts.push_back({"", id_of(object, "element-id"), std::move(parsed)});
    return out;
  }

  Result<AvroType> fixed(const json::object& object) {
    const json::value* size = object.if_contains("size");
    if (!size || !size->is_int64() || size->get_int64() < 1 || size->get_int64() > kFixedBytesMax)
      return fail(Code::kCorrupt, "an Avro schema has a fixed without a size of 1 or more");
    AvroType out{Kind::kFixed, size->get_int64(), {}};
    TARN_TRY(define(object, out));
    return out;
  }

  Result<AvroType> union_of(const json::array& branches, int depth) {
    AvroType out{Kind::kUnion, 0, {}};
    if (branches.empty()) return fail(Code::kCorrupt, "an Avro schema has a union of nothing");
    for (const json::value& branch : branches) {
      TARN_ASSIGN(AvroType parsed, type(branch, depth + 1));
      if (parsed.kind == Kind::kUnion) return fail(Code::kCorrupt, "an Avro schema has a union in a union");
      out.parts.push_back({"", -1, std::move(parsed)});
    }
    return out;
  }

  const AvroLimits& limits_;
  int nodes_ = 0;
  int empty_records_ = 0;
  // A type gets its name only when it is complete, so that none can hold itself.
  std::map<std::string, std::pair<AvroType, int>> names_;
};

}  // namespace

bool takes_no_bytes(const AvroType& type) {
  return type.kind == Kind::kNull ||
         (type.kind == Kind::kRecord &&
          std::ranges::all_of(type.parts, [](const AvroField& f) { return takes_no_bytes(f.type); }));
}

Result<AvroType> parse_avro_schema(std::string_view text, const AvroLimits& limits) {
  json::parse_options options;
  options.max_depth = 4 * static_cast<size_t>(limits.schema_depth_max);
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(Code::kCorrupt, "an Avro schema is no JSON: " + error.message());
  TARN_ASSIGN(AvroType type, SchemaParser(limits).type(value, 0));
  return type;
}

}  // namespace tarn::lake
