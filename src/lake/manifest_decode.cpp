// Manifests and manifest lists from Avro, as any engine may have written them.
#include <algorithm>

#include "lake/manifest.h"
#include "lake/single_value.h"

namespace tarn::lake {
namespace {

using columns::Kind;
using columns::Type;

// A record and its type: fields are found by Iceberg's id, or by name where the writer left the ids out.
class Record {
 public:
  Record(const AvroType& type, Datum& datum) : type_(type), list_(std::get_if<Datum::List>(&datum.value)) {}
  bool valid() const { return list_ && type_.kind == AvroType::Kind::kRecord; }
  size_t size() const { return list_->size(); }

  // Null when the file has no such field, or its value is null.
  Datum* get(int id, std::string_view name) {
    auto i = index(id, name);
    return !i || (*list_)[*i].null() ? nullptr : &(*list_)[*i];
  }
  // The type of a field, looked for through an optional's union.
  const AvroType* type(int id, std::string_view name) const {
    auto i = index(id, name);
    return i ? &through_union(type_.parts[*i].type) : nullptr;
  }
  const AvroField& part(size_t i) const { return type_.parts[i]; }
  Datum& at(size_t i) { return (*list_)[i]; }

  Result<int64_t> integer(int id, std::string_view name) {
    Datum* d = get(id, name);
    if (!d || !std::holds_alternative<int64_t>(d->value))
      return fail(Code::kCorrupt, "a manifest has no integer " + std::string(name));
    return std::get<int64_t>(d->value);
  }
  int64_t integer_or(int id, std::string_view name, int64_t otherwise) {
    Datum* d = get(id, name);
    return d && std::holds_alternative<int64_t>(d->value) ? std::get<int64_t>(d->value) : otherwise;
  }
  std::optional<int64_t> optional_integer(int id, std::string_view name) {
    Datum* d = get(id, name);
    if (!d || !std::holds_alternative<int64_t>(d->value)) return std::nullopt;
    return std::get<int64_t>(d->value);
  }
  std::optional<std::string> optional_text(int id, std::string_view name) {
    Datum* d = get(id, name);
    if (!d || !std::holds_alternative<std::string>(d->value)) return std::nullopt;
    return std::move(std::get<std::string>(d->value));
  }
  Result<std::string> text(int id, std::string_view name) {
    auto value = optional_text(id, name);
    if (!value) return fail(Code::kCorrupt, "a manifest has no text " + std::string(name));
    return std::move(*value);
  }

  // NOLINTBEGIN(bugprone-return-const-ref-from-parameter): part of what the caller holds
  static const AvroType& through_union(const AvroType& type) {
    if (type.kind != AvroType::Kind::kUnion) return type;
    for (const AvroField& branch : type.parts)
      if (branch.type.kind != AvroType::Kind::kNull) return branch.type;
    return type;
  }
  // NOLINTEND(bugprone-return-const-ref-from-parameter)

 private:
  std::optional<size_t> index(int id, std::string_view name) const {
    for (size_t i = 0; i < type_.parts.size() && i < list_->size(); ++i)
      if (type_.parts[i].id == id) return i;
    for (size_t i = 0; i < type_.parts.size() && i < list_->size(); ++i)
      if (type_.parts[i].id < 0 && type_.parts[i].name == name) return i;
    return std::nullopt;
  }

  const AvroType& type_;
  Datum::List* list_;
};

// A map with number keys: Iceberg's array of pairs, key first.
template <typename Use>
void each_pair(Record& record, int id, std::string_view name, Use use) {
  Datum* map = record.get(id, name);
  auto* pairs = map ? std::get_if<Datum::List>(&map->value) : nullptr;
  if (!pairs) return;
  for (Datum& item : *pairs) {
    auto* pair = std::get_if<Datum::List>(&item.value);
    if (!pair || pair->size() != 2) continue;
    auto* key = std::get_if<int64_t>(&(*pair)[0].value);
    if (key && *key >= 0 && *key <= INT32_MAX) use(static_cast<int>(*key), (*pair)[1]);
  }
}

void read_stats(Record& file, std::map<int, ColumnStats>& out) {
  auto entry = [&](int id) -> ColumnStats& {
    return out.try_emplace(id, ColumnStats{-1, -1, -1, std::nullopt, std::nullopt, std::nullopt})
        .first->second;
  };
  auto count = [&](int id, std::string_view name, auto set) {
    each_pair(file, id, name, [&](int column, Datum& value) {
      if (auto* n = std::get_if<int64_t>(&value.value)) set(entry(column), *n);
    });
  };
  count(108, "column_sizes", [](ColumnStats& s, int64_t n) { s.bytes = n; });
  count(109, "value_counts", [](ColumnStats& s, int64_t n) { s.values = n; });
  count(110, "null_value_counts", [](ColumnStats& s, int64_t n) { s.nulls = n; });
  count(137, "nan_value_counts", [](ColumnStats& s, int64_t n) { s.nans = n; });
  auto bound = [&](int id, std::string_view name, auto set) {
    each_pair(file, id, name, [&](int column, Datum& value) {
      if (auto* bytes = std::get_if<std::string>(&value.value)) set(entry(column), std::move(*bytes));
    });
  };
  bound(125, "lower_bounds", [](ColumnStats& s, std::string&& b) { s.lower = std::move(b); });
  bound(128, "upper_bounds", [](ColumnStats& s, std::string&& b) { s.upper = std::move(b); });
}

Result<Single> partition_single(const Type& type, Datum& datum) {
  auto wrong = [&] { return fail(Code::kCorrupt, "a partition value is no " + columns::sql_type(type)); };
  if (datum.null()) return Single();
  if (auto* b = std::get_if<bool>(&datum.value)) {
    if (type.kind == Kind::kBoolean) return Single(*b);
    return wrong();
  }
  if (auto* n = std::get_if<int64_t>(&datum.value)) {
    if (type.kind == Kind::kInt || type.kind == Kind::kDate) {
      if (*n < INT32_MIN || *n > INT32_MAX) return wrong();
      return Single(static_cast<int32_t>(*n));
    }
    bool wide = type.kind == Kind::kLong || type.kind == Kind::kTime || type.kind == Kind::kTimestamp ||
                type.kind == Kind::kTimestampTz;
    if (wide) return Single(*n);
    return wrong();
  }
  if (auto* d = std::get_if<double>(&datum.value)) {
    if (type.kind == Kind::kFloat) return Single(static_cast<float>(*d));
    if (type.kind == Kind::kDouble) return Single(*d);
    return wrong();
  }
  auto* bytes = std::get_if<std::string>(&datum.value);
  if (!bytes) return wrong();
  switch (type.kind) {
    case Kind::kDecimal:
    case Kind::kUuid:
      return decode_single(type, *bytes);
    case Kind::kString:
    case Kind::kFixed:
    case Kind::kBinary:
      return Single(std::move(*bytes));
    default:
      return wrong();
  }
}

Status read_partition(Record& file, const PartitionSpec& spec, const std::vector<Type>& types,
                      std::vector<Single>& out) {
  const AvroType* type = file.type(102, "partition");
  Datum* datum = file.get(102, "partition");
  if (!type || !datum) {
    if (spec.fields.empty()) return {};
    return fail(Code::kCorrupt, "a manifest has no partition");
  }
  Record record(*type, *datum);
  if (!record.valid()) return fail(Code::kCorrupt, "a manifest's partition is no record");
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    Datum* value = nullptr;
    bool found = false;
    for (size_t j = 0; j < record.size() && !found; ++j) {
      if (record.part(j).id != spec.fields[i].field_id) continue;
      value = &record.at(j);
      found = true;
    }
    // Without ids the values are in the spec's order: names may have been changed for Avro's sake.
    if (!found && i < record.size() && record.part(i).id < 0) value = &record.at(i);
    if (!value) {
      out.emplace_back();
      continue;
    }
    TARN_ASSIGN(Single single, partition_single(types[i], *value));
    out.push_back(std::move(single));
  }
  return {};
}

template <typename T>
void read_numbers(Record& record, int id, std::string_view name, std::vector<T>& out) {
  Datum* datum = record.get(id, name);
  auto* list = datum ? std::get_if<Datum::List>(&datum->value) : nullptr;
  if (!list) return;
  for (Datum& item : *list)
    if (auto* n = std::get_if<int64_t>(&item.value)) out.push_back(static_cast<T>(*n));
}

Status read_file(Record& record, const PartitionSpec& spec, const std::vector<Type>& types,
                 ManifestEntry& entry) {
  DataFile& f = entry.file;
  int64_t content = record.integer_or(134, "content", 0);
  if (content < 0 || content > 2)
    return fail(Code::kUnsupported, "a manifest has files of an unknown content");
  f.content = static_cast<FileContent>(content);
  TARN_ASSIGN(f.path, record.text(100, "file_path"));
  TARN_ASSIGN(f.format, record.text(101, "file_format"));
  for (char& c : f.format)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  f.spec_id = spec.id;
  TARN_TRY(read_partition(record, spec, types, f.partition));
  TARN_ASSIGN(f.records, record.integer(103, "record_count"));
  TARN_ASSIGN(f.bytes, record.integer(104, "file_size_in_bytes"));
  read_stats(record, f.columns);
  read_numbers(record, 132, "split_offsets", f.split_offsets);
  read_numbers(record, 135, "equality_ids", f.equality_ids);
  entry.key_metadata = record.optional_text(131, "key_metadata");
  if (auto order = record.optional_integer(140, "sort_order_id"))
    entry.sort_order_id = static_cast<int>(*order);
  return {};
}

Result<ManifestEntry> read_entry(const AvroType& type, Datum& datum, const ManifestFile& manifest,
                                 const PartitionSpec& spec, const std::vector<Type>& types) {
  Record record(type, datum);
  if (!record.valid()) return fail(Code::kCorrupt, "a manifest's entry is no record");
  ManifestEntry entry;
  TARN_ASSIGN(int64_t status, record.integer(0, "status"));
  if (status < 0 || status > 2) return fail(Code::kCorrupt, "a manifest's entry has an unknown status");
  entry.status = static_cast<EntryStatus>(status);
  entry.snapshot_id = record.optional_integer(1, "snapshot_id").value_or(manifest.added_snapshot_id);
  entry.sequence_number = record.optional_integer(3, "sequence_number");
  entry.file_sequence_number = record.optional_integer(4, "file_sequence_number");
  // Only what was added with the manifest inherits its number; in a manifest of version 1 everything is
  // number 0.
  bool inherits = entry.status == EntryStatus::kAdded || manifest.sequence_number == 0;
  if (!entry.sequence_number && inherits) entry.sequence_number = manifest.sequence_number;
  if (!entry.file_sequence_number && inherits) entry.file_sequence_number = manifest.sequence_number;
  const AvroType* file_type = record.type(2, "data_file");
  Datum* file = record.get(2, "data_file");
  if (!file_type || !file) return fail(Code::kCorrupt, "a manifest's entry has no data_file");
  Record file_record(*file_type, *file);
  if (!file_record.valid()) return fail(Code::kCorrupt, "a manifest's data_file is no record");
  TARN_TRY(read_file(file_record, spec, types, entry));
  entry.file.sequence_number = entry.sequence_number.value_or(0);
  entry.file.added_by = entry.snapshot_id.value_or(0);
  return entry;
}

Status read_summaries(Record& record, std::vector<PartitionSummary>& out) {
  const AvroType* type = record.type(507, "partitions");
  Datum* datum = record.get(507, "partitions");
  auto* list = datum ? std::get_if<Datum::List>(&datum->value) : nullptr;
  if (!list || !type || type->kind != AvroType::Kind::kArray) return {};
  for (Datum& item : *list) {
    Record summary(Record::through_union(type->parts[0].type), item);
    if (!summary.valid()) return fail(Code::kCorrupt, "a manifest list's partition summary is no record");
    PartitionSummary s;
    if (Datum* d = summary.get(509, "contains_null"))
      if (auto* b = std::get_if<bool>(&d->value)) s.contains_null = *b;
    if (Datum* d = summary.get(518, "contains_nan"))
      if (auto* b = std::get_if<bool>(&d->value)) s.contains_nan = *b;
    s.lower = summary.optional_text(510, "lower_bound");
    s.upper = summary.optional_text(511, "upper_bound");
    out.push_back(std::move(s));
  }
  return {};
}

Result<ManifestFile> read_manifest_file(const AvroType& type, Datum& datum) {
  Record record(type, datum);
  if (!record.valid()) return fail(Code::kCorrupt, "a manifest list's entry is no record");
  ManifestFile m;
  TARN_ASSIGN(m.path, record.text(500, "manifest_path"));
  TARN_ASSIGN(m.bytes, record.integer(501, "manifest_length"));
  TARN_ASSIGN(int64_t spec, record.integer(502, "partition_spec_id"));
  m.spec_id = static_cast<int>(spec);
  int64_t content = record.integer_or(517, "content", 0);
  if (content != 0 && content != 1) return fail(Code::kUnsupported, m.path + " has an unknown content");
  m.content = static_cast<ManifestContent>(content);
  m.sequence_number = record.integer_or(515, "sequence_number", 0);
  m.min_sequence_number = record.integer_or(516, "min_sequence_number", 0);
  m.added_snapshot_id = record.integer_or(503, "added_snapshot_id", 0);
  m.added_files =
      record.integer_or(504, "added_files_count", record.integer_or(504, "added_data_files_count", 0));
  m.existing_files =
      record.integer_or(505, "existing_files_count", record.integer_or(505, "existing_data_files_count", 0));
  m.deleted_files =
      record.integer_or(506, "deleted_files_count", record.integer_or(506, "deleted_data_files_count", 0));
  m.added_rows = record.integer_or(512, "added_rows_count", 0);
  m.existing_rows = record.integer_or(513, "existing_rows_count", 0);
  m.deleted_rows = record.integer_or(514, "deleted_rows_count", 0);
  TARN_TRY(read_summaries(record, m.partitions));
  m.key_metadata = record.optional_text(519, "key_metadata");
  return m;
}

}  // namespace

Result<std::vector<ManifestEntry>> decode_manifest(std::string_view bytes, const ManifestFile& manifest,
                                                   const TableMetadata& table, const AvroLimits& limits) {
  const PartitionSpec* spec = table.spec(manifest.spec_id);
  if (!spec)
    return fail(Code::kCorrupt, manifest.path + " has partition spec " + std::to_string(manifest.spec_id) +
                                    ", which the table hasn't");
  std::vector<Type> types;
  for (const PartitionField& f : spec->fields) types.push_back(table.partition_type(f));
  std::vector<ManifestEntry> out;
  auto header = read_avro(bytes, limits, [&](const AvroType& type, Datum&& datum) -> Status {
    TARN_ASSIGN(ManifestEntry entry, read_entry(type, datum, manifest, *spec, types));
    out.push_back(std::move(entry));
    return {};
  });
  if (!header) return fail(std::move(header).error().in(manifest.path));
  return out;
}

Result<std::vector<ManifestFile>> decode_manifest_list(std::string_view bytes, const AvroLimits& limits) {
  std::vector<ManifestFile> out;
  TARN_TRY(read_avro(bytes, limits, [&](const AvroType& type, Datum&& datum) -> Status {
    TARN_ASSIGN(ManifestFile manifest, read_manifest_file(type, datum));
    out.push_back(std::move(manifest));
    return {};
  }));
  return out;
}

}  // namespace tarn::lake
