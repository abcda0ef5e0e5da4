#include <algorithm>
#include <array>
#include <charconv>

#include "base/nearest.h"
#include "columns/name.h"
#include "columns/type.h"

namespace tarn::columns {
namespace {

struct Name {
  std::string_view text;  // lower case
  Kind kind;
};

// DuckDB's names and Iceberg's. What takes parameters or parts is decided by its kind.
constexpr std::array kNames = {
    Name{"bigint", Kind::kLong},
    Name{"long", Kind::kLong},
    Name{"int8", Kind::kLong},
    Name{"int64", Kind::kLong},
    Name{"integer", Kind::kInt},
    Name{"int", Kind::kInt},
    Name{"int4", Kind::kInt},
    Name{"int32", Kind::kInt},
    Name{"smallint", Kind::kInt},
    Name{"int2", Kind::kInt},
    Name{"int16", Kind::kInt},
    Name{"tinyint", Kind::kInt},
    Name{"double", Kind::kDouble},
    Name{"float8", Kind::kDouble},
    Name{"float", Kind::kFloat},
    Name{"real", Kind::kFloat},
    Name{"float4", Kind::kFloat},
    Name{"boolean", Kind::kBoolean},
    Name{"bool", Kind::kBoolean},
    Name{"decimal", Kind::kDecimal},
    Name{"numeric", Kind::kDecimal},
    Name{"varchar", Kind::kString},
    Name{"text", Kind::kString},
    Name{"string", Kind::kString},
    Name{"char", Kind::kString},
    Name{"json", Kind::kString},
    Name{"date", Kind::kDate},
    Name{"time", Kind::kTime},
    Name{"timestamp", Kind::kTimestamp},
    Name{"datetime", Kind::kTimestamp},
    Name{"timestamptz", Kind::kTimestampTz},
    Name{"uuid", Kind::kUuid},
    Name{"blob", Kind::kBinary},
    Name{"bytea", Kind::kBinary},
    Name{"binary", Kind::kBinary},
    Name{"varbinary", Kind::kBinary},
    Name{"fixed", Kind::kFixed},
    Name{"struct", Kind::kStruct},
    Name{"list", Kind::kList},
    Name{"map", Kind::kMap},
};

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower_ascii(c);
  return out;
}

std::string uppered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
  return out;
}

// What to write instead, in upper case; empty when nothing is near.
std::string suggestion(const std::string& word) {
  // DuckDB's types that tables have no place for; their nearest that have.
  if (word == "hugeint" || word == "uhugeint" || word == "ubigint" || word == "uint64")
    return "DECIMAL(38,0)";
  if (word == "uinteger" || word == "uint32") return "BIGINT";
  if (word == "usmallint" || word == "utinyint" || word == "uint16" || word == "uint8") return "INTEGER";
  if (word == "enum" || word == "interval" || word == "bit") return "VARCHAR";
  std::vector<std::string> names;
  for (const Name& name : kNames) names.emplace_back(name.text);
  return uppered(nearest(word, names));
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Recursive descent; depth is bounded by kTypeDepthMax.
class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : text_(text) {}

  Result<Field> whole() {
    TARN_ASSIGN(Field field, type(0));
    skip_space();
    if (at_ != text_.size()) return error("nothing more is expected");
    return field;
  }

 private:
  // A type and what it is followed by: T, T[], T[][].
  Result<Field> type(int depth) {
    if (depth >= kTypeDepthMax) return too_deep();
    TARN_ASSIGN(Field field, base(depth));
    // A list stands around what was parsed, however deep that is already.
    int inside = depth + levels(field.type);
    while (take('[')) {
      if (!take(']')) return error("expected ]: lists have no length here");
      if (++inside > kTypeDepthMax) return too_deep();
      field = list_of(std::move(field));
    }
    return field;
  }

  Result<Field> base(int depth) {
    skip_space();
    size_t start = at_;
    std::string name = lowered(word());
    if (name.empty()) return error("expected the name of a type");
    const Name* known =
        std::find_if(kNames.begin(), kNames.end(), [&](const Name& n) { return n.text == name; });
    if (known == kNames.end()) {
      std::string near = suggestion(name);
      std::string asked(text_.substr(start, at_ - start));
      at_ = start;
      return error("there is no type " + asked + (near.empty() ? "" : "; did you mean " + near + '?'));
    }
    Field field;
    field.type.kind = known->kind;
    if (name == "json") field.doc = kJsonDoc;
    if (name == "double") take_word("precision");
    TARN_TRY(parts(name, depth, field.type));
    return field;
  }

  // What follows a type's name: parameters, parts, or WITH TIME ZONE.
  Status parts(std::string_view name, int depth, Type& type) {
    switch (type.kind) {
      case Kind::kDecimal:
        return decimal(type);
      case Kind::kFixed:
        return fixed(type);
      case Kind::kStruct:
        return struct_fields(depth, type);
      case Kind::kList:
        return list_element(depth, type);
      case Kind::kMap:
        return map_parts(depth, type);
      case Kind::kTimestamp:
      case Kind::kTime:
        return zone(name, type);
      case Kind::kString:
        return length(name);
      default:
        return {};
    }
  }

  Status decimal(Type& type) {
    type.precision = 18;  // DECIMAL alone, as DuckDB has it
    type.scale = 3;
    if (!take('(')) return {};
    size_t start = at_;
    TARN_ASSIGN(type.precision, number());
    type.scale = 0;
    if (take(',')) {
      TARN_ASSIGN(type.scale, number());
    }
    TARN_TRY(expect(')'));
    if (type.precision < 1 || type.precision > kDecimalDigitsMax || type.scale > type.precision) {
      at_ = start;
      return error("a decimal has 1 to 38 digits, and no more of them behind the point");
    }
    return {};
  }

  Status fixed(Type& type) {
    bool square = take('[');
    if (!square && !take('(')) return error("expected the length: FIXED[16]");
    TARN_ASSIGN(type.precision, number());
    if (type.precision < 1) return error("a length is at least 1");
    return expect(square ? ']' : ')');
  }

  // VARCHAR(20): DuckDB keeps no lengths either.
  Status length(std::string_view name) {
    if (name == "json" || !take('(')) return {};
    TARN_TRY(number());
    return expect(')');
  }

  Status zone(std::string_view name, Type& type) {
    bool with = take_word("with");
    if (!with && !take_word("without")) return {};
    if (!take_word("time") || !take_word("zone")) return error("expected TIME ZONE");
    if (!with) return {};
    if (name != "timestamp") return error("only a TIMESTAMP can have a time zone");
    type.kind = Kind::kTimestampTz;
    return {};
  }

  Status struct_fields(int depth, Type& type) {
    TARN_ASSIGN(char close, open());
    if (take(close)) return error("a struct has at least one field");
    do {
      skip_space();
      size_t start = at_;
      TARN_ASSIGN(std::string name, field_name());
      for (const Field& other : type.fields) {
        if (!same_name(other.name, name)) continue;
        at_ = start;
        return error("the field " + name + " is there twice (names must differ by more than case)");
      }
      take(':');  // Iceberg's way: a: long
      TARN_ASSIGN(Field field, this->type(depth + 1));
      field.name = std::move(name);
      type.fields.push_back(std::move(field));
    } while (take(','));
    return expect(close);
  }

  Status list_element(int depth, Type& type) {
    TARN_ASSIGN(char close, open());
    TARN_ASSIGN(Field element, this->type(depth + 1));
    element.name = "element";
    type.fields.push_back(std::move(element));
    return expect(close);
  }

  Status map_parts(int depth, Type& type) {
    TARN_ASSIGN(char close, open());
    TARN_ASSIGN(Field key, this->type(depth + 1));
    TARN_TRY(expect(','));
    TARN_ASSIGN(Field value, this->type(depth + 1));
    key.name = "key";
    key.required = true;  // as Iceberg has it
    value.name = "value";
    type.fields.push_back(std::move(key));
    type.fields.push_back(std::move(value));
    return expect(close);
  }

  static Field list_of(Field element) {
    Field list;
    list.type.kind = Kind::kList;
    element.name = "element";
    list.type.fields.push_back(std::move(element));
    return list;
  }

  static int levels(const Type& type) {
    int deepest = 0;
    for (const Field& field : type.fields) deepest = std::max(deepest, levels(field.type));
    return deepest + 1;
  }

  Result<std::string> field_name() {
    if (at_ == text_.size() || text_[at_] != '"') {
      std::string name(word());
      if (name.empty()) return error("expected a field's name");
      return name;
    }
    size_t start = at_++;
    std::string name;
    for (;; ++at_) {
      if (at_ == text_.size()) {
        at_ = start;
        return error("this quote is not closed");
      }
      if (text_[at_] == '"' && (at_ + 1 == text_.size() || text_[at_ + 1] != '"')) break;
      if (text_[at_] == '"') ++at_;
      name += text_[at_];
    }
    ++at_;
    if (name.empty()) return error("a field's name is not empty");
    return name;
  }

  Result<int> number() {
    skip_space();
    int value = 0;
    auto [end, problem] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (problem != std::errc() || value < 0) return error("expected a number");
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  Result<char> open() {
    if (take('(')) return ')';
    if (take('<')) return '>';
    return error("expected ( or <");
  }

  Status expect(char c) {
    if (take(c)) return {};
    return error(std::string("expected ") + c);
  }

  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool take_word(std::string_view wanted) {
    skip_space();
    size_t start = at_;
    if (same_name(word(), wanted)) return true;
    at_ = start;
    return false;
  }

  std::string_view word() {
    size_t start = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  std::unexpected<Error> error(std::string_view problem) const {
    constexpr size_t kShownMax = 200;
    std::string shown(text_.substr(0, kShownMax));
    if (text_.size() > kShownMax) shown += "…";
    return fail(Code::kInvalid,
                "type \"" + shown + "\", position " + std::to_string(at_ + 1) + ": " + std::string(problem));
  }

  std::unexpected<Error> too_deep() const {
    return error("types are at most " + std::to_string(kTypeDepthMax) + " deep inside one another");
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<Type> parse_type(std::string_view text) {
  TARN_ASSIGN(Field field, TypeParser(text).whole());
  return std::move(field.type);
}

Result<Field> parse_field_type(std::string_view name, std::string_view text) {
  auto field = TypeParser(text).whole();
  if (!field) return fail(std::move(field.error()).in("column " + std::string(name)));
  field->name = name;
  return field;
}

}  // namespace tarn::columns
