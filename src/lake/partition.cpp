// Partition specs: from the text of a lake file, and to it.
#include <algorithm>
#include <charconv>
#include <set>

#include "base/nearest.h"
#include "lake/table.h"

namespace tarn::lake {
namespace {

using columns::Field;
using columns::Kind;
using columns::Schema;
using columns::Type;

constexpr int kFirstPartitionId = 1000;  // Iceberg's: below it are columns

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool same_name(std::string_view a, std::string_view b) {
  return lower(a) == lower(b);
}

// Every column that can be named: struct fields too, but nothing inside lists and maps.
void collect_paths(const std::vector<Field>& fields, const std::string& prefix,
                   std::vector<std::string>& out) {
  for (const Field& f : fields) {
    out.push_back(prefix + f.name);
    if (f.type.kind == Kind::kStruct) collect_paths(f.type.fields, prefix + f.name + ".", out);
  }
}

const Field* find_in(const std::vector<Field>& fields, std::string_view path) {
  for (const Field& f : fields)
    if (same_name(f.name, path)) return &f;
  for (const Field& f : fields) {
    if (f.type.kind != Kind::kStruct || path.size() <= f.name.size() || path[f.name.size()] != '.') continue;
    if (!same_name(f.name, path.substr(0, f.name.size()))) continue;
    if (const Field* found = find_in(f.type.fields, path.substr(f.name.size() + 1))) return found;
  }
  return nullptr;
}

bool path_of(const std::vector<Field>& fields, int id, std::string& path) {
  for (const Field& f : fields) {
    size_t length = path.size();
    if (!path.empty()) path += '.';
    path += f.name;
    if (f.id == id || path_of(f.type.fields, id, path)) return true;
    path.resize(length);
  }
  return false;
}

struct TransformWord {
  std::string_view word;    // in a lake file
  std::string_view alias;   // Spark's other spelling
  std::string_view suffix;  // of the partition field's name
  Transform transform;
  bool argument;
};
constexpr TransformWord kWords[] = {
    {"identity", "identity", "", Transform::kIdentity, false},
    {"bucket", "bucket", "_bucket", Transform::kBucket, true},
    {"truncate", "truncate", "_trunc", Transform::kTruncate, true},
    {"year", "years", "_year", Transform::kYear, false},
    {"month", "months", "_month", Transform::kMonth, false},
    {"day", "days", "_day", Transform::kDay, false},
    {"hour", "hours", "_hour", Transform::kHour, false},
    {"void", "void", "_null", Transform::kVoid, false},
};

const TransformWord& word_of(Transform transform) {
  for (const TransformWord& w : kWords)
    if (w.transform == transform) return w;
  TARN_CHECK(false && "every transform is in kWords");
  return kWords[0];
}

bool applies(Transform transform, Kind kind) {
  bool dated = kind == Kind::kDate || kind == Kind::kTimestamp || kind == Kind::kTimestampTz;
  switch (transform) {
    case Transform::kYear:
    case Transform::kMonth:
    case Transform::kDay:
      return dated;
    case Transform::kHour:
      return dated && kind != Kind::kDate;
    case Transform::kBucket:
      return kind != Kind::kBoolean && kind != Kind::kFloat && kind != Kind::kDouble;
    case Transform::kTruncate:
      return kind == Kind::kInt || kind == Kind::kLong || kind == Kind::kDecimal || kind == Kind::kString ||
             kind == Kind::kBinary;
    case Transform::kIdentity:
    case Transform::kVoid:
      return true;
  }
  return false;
}

struct Parsed {
  const TransformWord* word = nullptr;
  int argument = 0;
  std::string column;
};

Error syntax(std::string_view text, const std::string& why) {
  return {Code::kInvalid,
          "partition \"" + std::string(text) + "\": " + why +
              "; write a column, or year(c), month(c), day(c), hour(c), bucket(16, c), truncate(10, c)",
          0};
}

std::string unquote(std::string_view column) {
  column = trim(column);
  if (column.size() < 2 || column.front() != '"' || column.back() != '"') return std::string(column);
  std::string out;
  for (size_t i = 1; i + 1 < column.size(); ++i) {
    out += column[i];
    if (column[i] == '"' && column[i + 1] == '"' && i + 2 < column.size()) ++i;
  }
  return out;
}

Result<Parsed> parse_one(std::string_view text, const Schema& schema) {
  std::string_view t = trim(text);
  if (t.empty()) return fail(syntax(text, "is empty"));
  size_t open = t.find('(');
  // A column may have brackets in its name; then the name as a whole is what was meant.
  if (open == std::string_view::npos || t.back() != ')' || t.front() == '"' || find_path(schema, t))
    return Parsed{&word_of(Transform::kIdentity), 0, unquote(t)};

  std::string word = lower(trim(t.substr(0, open)));
  auto* found =
      std::ranges::find_if(kWords, [&](const TransformWord& w) { return w.word == word || w.alias == word; });
  if (found == std::end(kWords) || found->transform == Transform::kVoid) {
    std::vector<std::string> known;
    for (const TransformWord& w : kWords)
      if (w.transform != Transform::kVoid) known.emplace_back(w.word);
    return fail(syntax(text, "no transform " + word + did_you_mean(word, known)));
  }
  Parsed out{found, 0, {}};
  std::string_view inside = trim(t.substr(open + 1, t.size() - open - 2));
  if (found->argument) {
    size_t comma = inside.find(',');
    if (comma == std::string_view::npos)
      return fail(syntax(text, word + " needs a number before the column"));
    std::string_view number = trim(inside.substr(0, comma));
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out.argument);
    if (error != std::errc() || end != number.data() + number.size() || out.argument < 1)
      return fail(syntax(text, "\"" + std::string(number) + "\" is not a number of 1 or more"));
    inside = trim(inside.substr(comma + 1));
  }
  if (inside.empty()) return fail(syntax(text, word + " needs a column"));
  out.column = unquote(inside);
  return out;
}

// Iceberg: a partition field may have a column's name only when it is that column, unchanged.
std::string unique_name(const Parsed& parsed, const Field& source, const Schema& schema,
                        const std::string& path, const std::set<std::string>& taken) {
  std::string name = path + std::string(parsed.word->suffix);
  auto free = [&](const std::string& candidate) {
    if (taken.contains(lower(candidate))) return false;
    const Field* column = find_path(schema, candidate);
    return !column || (parsed.word->transform == Transform::kIdentity && column->id == source.id);
  };
  if (free(name)) return name;
  if (parsed.argument) name += "_" + std::to_string(parsed.argument);
  std::string candidate = name;
  for (int n = 2; !free(candidate); ++n) candidate = name + "_" + std::to_string(n);
  return candidate;
}

}  // namespace

const Field* find_path(const Schema& schema, std::string_view path) {
  return find_in(schema.fields, path);
}

std::string column_path(const Schema& schema, int field_id) {
  std::string path;
  return path_of(schema.fields, field_id, path) ? path : "";
}

std::vector<std::string> join_partition(std::vector<std::string> fields) {
  std::vector<std::string> joined;
  for (std::string& field : fields) {
    bool open = !joined.empty() && joined.back().contains('(') && !joined.back().contains(')');
    if (open)
      joined.back() += ", " + field;
    else
      joined.push_back(std::move(field));
  }
  return joined;
}

Result<PartitionSpec> parse_partition(const std::vector<std::string>& fields, const Schema& schema) {
  PartitionSpec spec;
  std::set<std::string> names;
  for (const std::string& text : fields) {
    TARN_ASSIGN(Parsed parsed, parse_one(text, schema));
    const Field* source = find_path(schema, parsed.column);
    if (!source) {
      std::vector<std::string> paths;
      collect_paths(schema.fields, "", paths);
      return fail(Code::kInvalid, "partition \"" + text + "\": no column " + parsed.column +
                                      did_you_mean(parsed.column, paths));
    }
    if (source->type.nested())
      return fail(Code::kInvalid, "partition \"" + text + "\": column " + parsed.column + " is " +
                                      columns::sql_type(source->type) +
                                      "; partition by a column with single values");
    if (!applies(parsed.word->transform, source->type.kind))
      return fail(Code::kInvalid, "partition \"" + text + "\": " + std::string(parsed.word->word) +
                                      " doesn't apply to column " + parsed.column + ", which is " +
                                      columns::sql_type(source->type));
    PartitionField field{source->id, kFirstPartitionId + static_cast<int>(spec.fields.size()),
                         parsed.word->transform, parsed.argument, ""};
    for (const PartitionField& other : spec.fields)
      if (other.source_id == field.source_id && other.transform == field.transform &&
          other.argument == field.argument)
        return fail(Code::kInvalid, "partition \"" + text + "\" is there twice");
    field.name = unique_name(parsed, *source, schema, column_path(schema, source->id), names);
    names.insert(lower(field.name));
    spec.fields.push_back(std::move(field));
  }
  return spec;
}

std::string partition_text(const PartitionField& field, const Schema& schema) {
  std::string column = column_path(schema, field.source_id);
  if (column.find_first_of("(),\" ") != std::string::npos) column = columns::quote_name(column);
  if (field.transform == Transform::kIdentity) return column;
  const TransformWord& word = word_of(field.transform);
  std::string argument = word.argument ? std::to_string(field.argument) + ", " : "";
  return std::string(word.word) + "(" + argument + column + ")";
}

Type transform_result(Transform transform, const Type& source) {
  switch (transform) {
    case Transform::kBucket:
    case Transform::kYear:
    case Transform::kMonth:
    case Transform::kHour:
      return Type{Kind::kInt, 0, 0, {}};
    case Transform::kDay:
      return Type{Kind::kDate, 0, 0, {}};
    case Transform::kIdentity:
    case Transform::kTruncate:
    case Transform::kVoid:
      return source;
  }
  return source;
}

std::string transform_name(Transform transform, int argument) {
  const TransformWord& word = word_of(transform);
  return std::string(word.word) + (word.argument ? "[" + std::to_string(argument) + "]" : "");
}

Result<PartitionField> parse_transform(std::string_view name) {
  PartitionField out;
  std::string_view word = name.substr(0, name.find('['));
  auto* found = std::ranges::find(kWords, word, &TransformWord::word);
  if (found == std::end(kWords) || found->argument != (word.size() < name.size()))
    return fail(Code::kUnsupported,
                "partition transform \"" + std::string(name) + "\" is not one that we know");
  out.transform = found->transform;
  if (found->argument) {
    const char* last = name.data() + name.size() - 1;
    auto [end, error] = std::from_chars(name.data() + word.size() + 1, last, out.argument);
    if (*last != ']' || error != std::errc() || end != last || out.argument < 1)
      return fail(Code::kUnsupported,
                  "partition transform \"" + std::string(name) + "\" has no valid number");
  }
  return out;
}

}  // namespace tarn::lake
