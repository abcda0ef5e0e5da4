// Manifests and manifest lists to Avro.
#include <algorithm>
#include <limits>

#include <boost/json.hpp>

#include "lake/manifest.h"
#include "lake/manifest_schema_internal.h"
#include "lake/metadata_json.h"
#include "lake/single_value.h"

namespace tarn::lake {
namespace {

using columns::Kind;
using columns::Type;

template <typename T>
Datum number(T value) {
  return Datum{static_cast<int64_t>(value)};
}

template <typename T>
Datum number_or_null(const std::optional<T>& value) {
  return value ? number(*value) : Datum{};
}

Datum text_or_null(const std::optional<std::string>& value) {
  return value ? Datum{*value} : Datum{};
}

// A map from field id to what `get` gives of its statistics; nothing when no column has it.
template <typename Get>
Datum stats_map(const std::map<int, ColumnStats>& columns, Get get) {
  Datum::List pairs;
  for (auto& [id, stats] : columns) {
    Datum value = get(stats);
    if (value.null()) continue;
    Datum::List pair;
    pair.push_back(number(id));
    pair.push_back(std::move(value));
    pairs.push_back(Datum{std::move(pair)});
  }
  return pairs.empty() ? Datum{} : Datum{std::move(pairs)};
}

Datum known_count(int64_t count) {
  return count < 0 ? Datum{} : number(count);
}

Result<Datum> partition_datum(const Type& type, const Single& value) {
  if (std::holds_alternative<std::monostate>(value)) return Datum{};
  TARN_ASSIGN(std::string bytes, encode_single(type, value));  // checks that the value is of the type
  if (const bool* b = std::get_if<bool>(&value)) return Datum{*b};
  if (const int32_t* n = std::get_if<int32_t>(&value)) return number(*n);
  if (const int64_t* n = std::get_if<int64_t>(&value)) return number(*n);
  if (const float* d = std::get_if<float>(&value)) return Datum{static_cast<double>(*d)};
  if (const double* d = std::get_if<double>(&value)) return Datum{*d};
  if (type.kind == Kind::kDecimal) {
    size_t wanted = static_cast<size_t>(decimal_bytes(type.precision));
    bool negative = !bytes.empty() && static_cast<unsigned char>(bytes[0]) >= 0x80;
    if (bytes.size() < wanted) bytes.insert(0, wanted - bytes.size(), negative ? '\xFF' : '\0');
  }
  size_t wanted = type.kind == Kind::kUuid      ? 16
                  : type.kind == Kind::kFixed   ? static_cast<size_t>(type.precision)
                  : type.kind == Kind::kDecimal ? static_cast<size_t>(decimal_bytes(type.precision))
                                                : bytes.size();
  if (bytes.size() != wanted) return fail(Code::kInvalid, "a partition value is too long for its type");
  return Datum{std::move(bytes)};
}

template <typename T>
Datum number_list(const std::vector<T>& values) {
  if (values.empty()) return {};
  Datum::List list;
  for (T v : values) list.push_back(number(v));
  return Datum{std::move(list)};
}

Result<Datum> file_datum(const std::vector<Type>& types, const ManifestEntry& entry) {
  const DataFile& f = entry.file;
  if (f.partition.size() != types.size())
    return fail(Code::kInvalid, f.path + " has " + std::to_string(f.partition.size()) +
                                    " partition values; its spec has " + std::to_string(types.size()));
  Datum::List partition;
  for (size_t i = 0; i < types.size(); ++i) {
    auto value = partition_datum(types[i], f.partition[i]);
    if (!value) return fail(std::move(value).error().in(f.path));
    partition.push_back(std::move(*value));
  }
  Datum::List out;
  out.push_back(number(static_cast<int>(f.content)));
  out.push_back(Datum{f.path});
  out.push_back(Datum{f.format});
  out.push_back(Datum{std::move(partition)});
  out.push_back(number(f.records));
  out.push_back(number(f.bytes));
  out.push_back(stats_map(f.columns, [](auto& s) { return known_count(s.bytes); }));
  out.push_back(stats_map(f.columns, [](auto& s) { return known_count(s.values); }));
  out.push_back(stats_map(f.columns, [](auto& s) { return known_count(s.nulls); }));
  out.push_back(stats_map(f.columns, [](auto& s) { return number_or_null(s.nans); }));
  out.push_back(stats_map(f.columns, [](auto& s) { return text_or_null(s.lower); }));
  out.push_back(stats_map(f.columns, [](auto& s) { return text_or_null(s.upper); }));
  out.push_back(text_or_null(entry.key_metadata));
  out.push_back(number_list(f.split_offsets));
  out.push_back(number_list(f.equality_ids));
  out.push_back(number_or_null(entry.sort_order_id));
  return Datum{std::move(out)};
}

std::vector<Type> partition_types(const TableMetadata& table, const PartitionSpec& spec) {
  std::vector<Type> types;
  for (const PartitionField& f : spec.fields) types.push_back(table.partition_type(f));
  return types;
}

bool is_nan(const Single& value) {
  if (const float* f = std::get_if<float>(&value)) return *f != *f;
  if (const double* d = std::get_if<double>(&value)) return *d != *d;
  return false;
}

// Decimals are compared as numbers; every other alternative orders as Iceberg wants.
bool less(const Type& type, const Single& a, const Single& b) {
  if (type.kind == Kind::kDecimal) {
    auto x = decode_unscaled(std::get<std::string>(a));
    auto y = decode_unscaled(std::get<std::string>(b));
    return x && y && *x < *y;
  }
  return a < b;
}

Result<PartitionSummary> summarize_partition(const Type& type, size_t index,
                                             const std::vector<ManifestEntry>& entries) {
  PartitionSummary out;
  bool floating = type.kind == Kind::kFloat || type.kind == Kind::kDouble;
  if (floating) out.contains_nan = false;
  const Single* low = nullptr;
  const Single* high = nullptr;
  for (const ManifestEntry& entry : entries) {
    const Single& value = entry.file.partition.at(index);
    if (std::holds_alternative<std::monostate>(value)) {
      out.contains_null = true;
    } else if (is_nan(value)) {
      out.contains_nan = true;
    } else {
      if (!low || less(type, value, *low)) low = &value;
      if (!high || less(type, *high, value)) high = &value;
    }
  }
  if (low) {
    TARN_ASSIGN(out.lower, encode_single(type, *low));
    TARN_ASSIGN(out.upper, encode_single(type, *high));
  }
  return out;
}

Datum list_datum(const ManifestFile& m) {
  Datum::List partitions;
  for (const PartitionSummary& p : m.partitions) {
    Datum::List summary;
    summary.push_back(Datum{p.contains_null});
    summary.push_back(p.contains_nan ? Datum{*p.contains_nan} : Datum{});
    summary.push_back(text_or_null(p.lower));
    summary.push_back(text_or_null(p.upper));
    partitions.push_back(Datum{std::move(summary)});
  }
  Datum::List out;
  out.push_back(Datum{m.path});
  out.push_back(number(m.bytes));
  out.push_back(number(m.spec_id));
  out.push_back(number(static_cast<int>(m.content)));
  for (int64_t n : {m.sequence_number, m.min_sequence_number, m.added_snapshot_id, m.added_files,
                    m.existing_files, m.deleted_files, m.added_rows, m.existing_rows, m.deleted_rows})
    out.push_back(number(n));
  out.push_back(Datum{std::move(partitions)});
  out.push_back(text_or_null(m.key_metadata));
  return Datum{std::move(out)};
}

}  // namespace

Result<std::string> encode_manifest(const TableMetadata& table, const PartitionSpec& spec,
                                    ManifestContent content, const std::vector<ManifestEntry>& entries) {
  TARN_ASSIGN(std::string schema, manifest_schema(table, spec));
  std::vector<Type> types = partition_types(table, spec);
  std::vector<Datum> rows;
  rows.reserve(entries.size());
  for (const ManifestEntry& entry : entries) {
    TARN_ASSIGN(Datum file, file_datum(types, entry));
    Datum::List row;
    row.push_back(number(static_cast<int>(entry.status)));
    row.push_back(number_or_null(entry.snapshot_id));
    row.push_back(number_or_null(entry.sequence_number));
    row.push_back(number_or_null(entry.file_sequence_number));
    row.push_back(std::move(file));
    rows.push_back(Datum{std::move(row)});
  }
  AvroMetadata metadata{
      {"schema", boost::json::serialize(schema_to_json(table.schema()))},
      {"schema-id", std::to_string(table.current_schema)},
      {"partition-spec", boost::json::serialize(spec_to_json(spec).at("fields"))},
      {"partition-spec-id", std::to_string(spec.id)},
      {"format-version", "2"},
      {"content", content == ManifestContent::kData ? "data" : "deletes"},
  };
  return write_avro(schema, metadata, rows);
}

Result<ManifestFile> summarize(const TableMetadata& table, const PartitionSpec& spec, ManifestContent content,
                               const std::vector<ManifestEntry>& entries) {
  ManifestFile out;
  out.spec_id = spec.id;
  out.content = content;
  out.min_sequence_number = std::numeric_limits<int64_t>::max();
  for (const ManifestEntry& entry : entries) {
    bool added = entry.status == EntryStatus::kAdded;
    bool deleted = entry.status == EntryStatus::kDeleted;
    (deleted ? out.deleted_files : added ? out.added_files : out.existing_files) += 1;
    (deleted ? out.deleted_rows : added ? out.added_rows : out.existing_rows) += entry.file.records;
    if (!deleted && entry.sequence_number)
      out.min_sequence_number = std::min(out.min_sequence_number, *entry.sequence_number);
  }
  std::vector<Type> types = partition_types(table, spec);
  for (size_t i = 0; i < types.size(); ++i) {
    TARN_ASSIGN(PartitionSummary summary, summarize_partition(types[i], i, entries));
    out.partitions.push_back(std::move(summary));
  }
  return out;
}

Result<std::string> encode_manifest_list(const Snapshot& snapshot,
                                         const std::vector<ManifestFile>& manifests) {
  std::vector<Datum> rows;
  rows.reserve(manifests.size());
  for (const ManifestFile& m : manifests) rows.push_back(list_datum(m));
  AvroMetadata metadata{
      {"snapshot-id", std::to_string(snapshot.id)},
      {"parent-snapshot-id", snapshot.parent ? std::to_string(*snapshot.parent) : "null"},
      {"sequence-number", std::to_string(snapshot.sequence_number)},
      {"format-version", "2"},
  };
  return write_avro(manifest_list_schema(), metadata, rows);
}

}  // namespace tarn::lake
