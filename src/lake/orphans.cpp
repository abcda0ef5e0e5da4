// The orphan sweep: files of a table that nothing names, left by crashes and lost races.
#include <set>

#include "base/fault_point.h"
#include "lake/maintenance.h"
#include "lake/table_properties.h"

namespace tarn::lake {
namespace {

constexpr size_t kListingPage = 1000;

// Lists first and reads the table afterwards: a file that a commit named in between is then known to be
// named.
Result<std::vector<store::ObjectInfo>> old_objects(const store::Store& store, const store::Uri& location,
                                                   Timestamp before) {
  std::vector<store::ObjectInfo> out;
  std::string after;
  while (true) {
    TARN_ASSIGN(store::Listing page, store.list(location.bucket, location.key + "/", after, kListingPage));
    for (store::ObjectInfo& object : page.objects) {
      after = object.key;
      if (object.modified < before) out.push_back(std::move(object));
    }
    if (!page.more) return out;
  }
}

}  // namespace

Result<Maintained> sweep_orphans(Catalog& catalog, const TableName& name) {
  Maintained done;
  TARN_ASSIGN(Table first, catalog.load(name));
  TARN_ASSIGN(MaintenanceRules rules, maintenance_rules(*first));
  TARN_ASSIGN(store::Uri location, store::Uri::parse(first->location));
  Timestamp before = catalog.clock().now() + -rules.orphan_age;
  TARN_ASSIGN(std::vector<store::ObjectInfo> objects, old_objects(catalog.store(), location, before));
  if (objects.empty()) return done;

  TARN_ASSIGN(Table table, catalog.load(name));
  TARN_ASSIGN(std::set<std::string> named, catalog.reachable(*table));
  fault_point("sweep.before_remove");
  for (const store::ObjectInfo& object : objects) {
    store::Uri uri{location.bucket, object.key};
    if (named.contains(uri.str())) continue;
    TARN_TRY(catalog.store().remove(uri));
    ++done.files_removed;
    done.bytes_removed += object.bytes;
  }
  return done;
}

Result<Maintained> sweep_dropped(Catalog& catalog) {
  Maintained done;
  TARN_ASSIGN(std::vector<Catalog::Dropped> dropped, catalog.dropped());
  Timestamp now = catalog.clock().now();
  for (const Catalog::Dropped& table : dropped) {
    if (table.at + MaintenanceRules().orphan_age > now)
      continue;  // queries that began before may still read it
    TARN_ASSIGN(store::Uri location, store::Uri::parse(table.location));
    TARN_ASSIGN(std::vector<store::ObjectInfo> objects, old_objects(catalog.store(), location, now));
    for (const store::ObjectInfo& object : objects) {
      TARN_TRY(catalog.store().remove({location.bucket, object.key}));
      ++done.files_removed;
      done.bytes_removed += object.bytes;
    }
    TARN_TRY(catalog.forget_dropped(table.location));
  }
  return done;
}

}  // namespace tarn::lake
