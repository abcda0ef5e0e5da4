#include "lake/table.h"

#include <algorithm>

namespace tarn::lake {
namespace {

constexpr size_t kNameBytesMax = 128;

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

Status check_name(std::string_view what, const std::string& name, std::string_view whole) {
  if (name.empty() || name.size() > kNameBytesMax)
    return fail(Code::kInvalid, "table name \"" + std::string(whole.substr(0, 300)) + "\": the " +
                                    std::string(what) + " must have 1 to 128 characters");
  if (!std::ranges::all_of(name, name_character))
    return fail(Code::kInvalid, "table name \"" + std::string(whole) + "\": the " + std::string(what) +
                                    " may have ASCII letters, digits, _ and - only");
  return {};
}

}  // namespace

// What the lake's own streams deliver (flow/system_streams.h), and what of it could not be rows.
constexpr std::string_view kOwnTables[] = {"system.audit", "system.audit_errors", "system.events",
                                           "system.events_errors"};

Result<TableName> TableName::parse(std::string_view text) {
  size_t dot = text.find('.');
  if (dot == std::string_view::npos || text.find('.', dot + 1) != std::string_view::npos)
    return fail(Code::kInvalid, "table name \"" + std::string(text.substr(0, 300)) +
                                    "\": write it as <database>.<table>, for example raw.transactions");
  auto lower = [](std::string_view part) {
    std::string out(part);
    for (char& c : out)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
  };
  TableName name{lower(text.substr(0, dot)), lower(text.substr(dot + 1))};
  TARN_TRY(check_name("database", name.database, text));
  TARN_TRY(check_name("table", name.name, text));
  bool reserved = name.database == "system" || name.database == "information_schema";
  if (reserved && std::ranges::find(kOwnTables, name.str()) == std::end(kOwnTables))
    return fail(Code::kInvalid, "table name \"" + std::string(text) + "\": the database " + name.database +
                                    " is reserved; choose another");
  return name;
}

const columns::Schema* TableMetadata::schema(int id) const {
  for (const columns::Schema& s : schemas)
    if (s.id == id) return &s;
  return nullptr;
}

const columns::Schema& TableMetadata::schema() const {
  const columns::Schema* current = schema(current_schema);
  TARN_CHECK(current != nullptr);  // metadata_json.h refuses a file without it
  return *current;
}

const PartitionSpec* TableMetadata::spec(int id) const {
  for (const PartitionSpec& s : specs)
    if (s.id == id) return &s;
  return nullptr;
}

const PartitionSpec& TableMetadata::spec() const {
  const PartitionSpec* current = spec(default_spec);
  TARN_CHECK(current != nullptr);
  return *current;
}

const Snapshot* TableMetadata::snapshot(int64_t id) const {
  for (const Snapshot& s : snapshots)
    if (s.id == id) return &s;
  return nullptr;
}

const Snapshot* TableMetadata::snapshot() const {
  return current_snapshot ? snapshot(*current_snapshot) : nullptr;
}

const Snapshot* TableMetadata::snapshot_at(Timestamp t) const {
  // The log may be shorter than the history when another engine trimmed it; then the snapshots' own times
  // tell.
  const Snapshot* found = nullptr;
  for (const SnapshotLogEntry& entry : snapshot_log)
    if (entry.at <= t) {
      if (const Snapshot* s = snapshot(entry.snapshot)) found = s;
    }
  if (found || !snapshot_log.empty()) return found;
  for (const Snapshot& s : snapshots)
    if (s.at <= t && (!found || found->at <= s.at)) found = &s;
  return found;
}

const columns::Field* TableMetadata::field(int id) const {
  if (const columns::Field* f = schema().find(id)) return f;
  for (auto s = schemas.rbegin(); s != schemas.rend(); ++s)
    if (const columns::Field* f = s->find(id)) return f;
  return nullptr;
}

columns::Type TableMetadata::partition_type(const PartitionField& f) const {
  const columns::Field* source = field(f.source_id);
  return source ? transform_result(f.transform, source->type)
                : transform_result(f.transform, columns::Type{});
}

}  // namespace tarn::lake
