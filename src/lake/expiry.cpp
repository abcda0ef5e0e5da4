// Snapshot expiry: the history is cut by a commit first, files go after it.
#include <algorithm>
#include <set>

#include <boost/json.hpp>

#include "base/fault_point.h"
#include "lake/maintenance.h"
#include "lake/table_properties.h"

namespace tarn::lake {
namespace {

// Branches and tags hold their snapshots. A reference that can't be read holds everything: nothing is
// expired.
Result<std::set<int64_t>> referenced(const TableMetadata& table) {
  std::set<int64_t> out;
  for (const auto& [name, text] : table.refs) {
    boost::system::error_code error;
    boost::json::value json = boost::json::parse(text, error);
    const boost::json::value* id = nullptr;
    if (!error && json.is_object()) id = json.get_object().if_contains("snapshot-id");
    if (id == nullptr || !id->is_int64())
      return fail(Code::kCorrupt, table.metadata_file + ": reference " + name + " has no snapshot-id");
    out.insert(id->get_int64());
  }
  return out;
}

Result<std::vector<Snapshot>> expired_snapshots(const TableMetadata& table, const MaintenanceRules& rules,
                                                Timestamp now) {
  TARN_ASSIGN(std::set<int64_t> held, referenced(table));
  if (table.current_snapshot) held.insert(*table.current_snapshot);
  std::vector<Snapshot> newest_first = table.snapshots;
  std::ranges::sort(newest_first, std::ranges::greater(), &Snapshot::sequence_number);
  std::vector<Snapshot> out;
  for (size_t i = 0; i < newest_first.size(); ++i) {
    const Snapshot& snapshot = newest_first[i];
    bool kept = i < rules.keep_snapshots || snapshot.at + rules.keep_age > now || held.contains(snapshot.id);
    if (!kept) out.push_back(snapshot);
  }
  return out;
}

}  // namespace

Result<Maintained> expire(Catalog& catalog, const TableName& name) {
  Maintained done;
  TARN_ASSIGN(Table table, catalog.load(name));
  TARN_ASSIGN(MaintenanceRules rules, maintenance_rules(*table));
  TARN_ASSIGN(std::vector<Snapshot> expired, expired_snapshots(*table, rules, catalog.clock().now()));
  if (expired.empty()) return done;

  TableMetadata history = *table;  // with nothing but what expires
  history.metadata_log.clear();
  history.snapshots = expired;
  TARN_ASSIGN(std::set<std::string> candidates, catalog.reachable(history));
  candidates.erase(table->metadata_file);
  Change change;
  change.keep_snapshot = true;
  for (const Snapshot& snapshot : expired) change.expire_snapshots_ids.push_back(std::to_string(snapshot.id));
  TARN_ASSIGN(Table after, catalog.commit(name, change));
  fault_point("expire.committed");
  for (const Snapshot& snapshot : expired)
    done.snapshots_expired += after->snapshot(snapshot.id) == nullptr ? 1 : 0;

  // What isn't removed now, the sweep removes.
  TARN_ASSIGN(std::set<std::string> kept, catalog.reachable(*after));
  for (const std::string& file : candidates) {
    if (kept.contains(file)) continue;
    TARN_ASSIGN(store::Uri uri, store::Uri::parse(file));
    auto info = catalog.store().head(uri);
    TARN_TRY(catalog.store().remove(uri));
    if (!info) continue;  // gone already
    ++done.files_removed;
    done.bytes_removed += info->bytes;
  }
  return done;
}

}  // namespace tarn::lake
