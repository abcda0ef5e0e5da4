// The lake's databases and tables, and the one way to change a table: a commit.
//
// A table is a row of the metastore that points to its current metadata file. A commit writes data-file
// manifests, a manifest list and a new metadata file, then swaps the pointer if it is still the one that
// it started from (compare-and-swap); if another commit came first it starts again from that one. What no
// pointer reaches is swept later by maintenance.h.
//
// Owns: nothing but a bounded cache of parsed metadata. Borrows the metastore, the store and the clock,
// which outlive it.
// Threads: any.
// Fails: kNotFound, kExists, kConflict (a condition of the change doesn't hold any more), kUnknownOutcome
// when the metastore's commit itself can't be known.
// Durable: commit() returns when the new snapshot survives a crash.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/thread.h"
#include "base/time.h"
#include "lake/table.h"
#include "lake/turns.h"
#include "meta/metastore.h"
#include "store/store.h"

namespace tarn::lake {

// Shared by the catalog's cache and by whoever reads that version of the table.
using Table = std::shared_ptr<const TableMetadata>;

class TableFiles;

struct TableSpec {
  columns::Schema schema;              // field ids are assigned if they are 0
  std::vector<std::string> partition;  // "day(time)" …
  std::map<std::string, std::string> properties;
};

// What a commit does, and on what condition.
struct Change {
  std::string operation = "append";
  // Their sequence number is the new snapshot's, unless it is set: a rewrite that read the table at an older
  // one sets it, so that deletes which came since still apply.
  std::vector<DataFile> added;
  std::vector<std::string> removed;  // paths of data files that leave the table
  // Becomes current: the current one with new fields and wider types. kConflict when the table's schema went
  // another way since; evolve again from the new one.
  std::optional<columns::Schema> schema;
  std::map<std::string, std::string> summary;  // added to what Iceberg wants
  // The commit happens only if the current snapshot's summary has these values ("" for: has no such key).
  // This is how a delivery is counted once: it expects the position that it started from.
  std::map<std::string, std::string> expect;
  std::map<std::string, std::string> set_properties;
  std::vector<std::string> remove_properties;     // that aren't set at the same time
  std::vector<std::string> expire_snapshots_ids;  // decimal ids that leave the history
  bool keep_snapshot = false;  // true: only schema, properties or history change; no new snapshot is made
};

class Catalog {
 public:
  ~Catalog();
  // `bucket` holds the tables: s3://<bucket>/<database>/<table>-<8 hex digits>/{metadata,data}/…
  static Result<std::unique_ptr<Catalog>> open(meta::Metastore& metastore, store::Store& store,
                                               std::string bucket, const Clock& clock = Clock::system());

  Status create_database(const std::string& name);  // already there: fine
  Status drop_database(const std::string& name);    // kConflict while it has tables
  Result<std::vector<std::string>> databases() const;
  Result<std::vector<TableName>> tables() const;

  Result<Table> create(const TableName& name, const TableSpec& spec);  // makes the database too; kExists
  Result<Table> load(const TableName& name) const;
  Status drop(const TableName& name);  // the pointer; files are swept later
  Result<Table> commit(const TableName& name, const Change& change);

  // Column changes by users; ids stay, so old files read on.
  Result<Table> rename_column(const TableName& name, std::string_view from, std::string_view to);
  Result<Table> drop_column(const TableName& name, std::string_view column);
  // New files are written under this partition spec from now on.
  Result<Table> set_partition(const TableName& name, const std::vector<std::string>& partition);

  // The data files of a snapshot, and the delete files that apply.
  Result<std::vector<DataFile>> files(const TableMetadata& table, const Snapshot& snapshot) const;

  // Every object that a snapshot of the table, or the table itself, names: metadata, manifests, data.
  Result<std::set<std::string>> reachable(const TableMetadata& table) const;

  // Where dropped tables were, and when they were dropped; for maintenance, which removes the files and
  // forgets them.
  struct Dropped {
    std::string location;
    Timestamp at;
  };
  Result<std::vector<Dropped>> dropped() const;
  Status forget_dropped(const std::string& location);

  // Called after each commit, without locks held: the table and its new version.
  void on_commit(std::function<void(const TableName&, const Table&)> listener);

  // Maintenance takes a turn at each table.
  Turns& turns() { return turns_; }

  store::Store& store() const { return store_; }
  meta::Metastore& metastore() const { return metastore_; }
  const Clock& clock() const { return clock_; }

 private:
  Catalog(meta::Metastore& metastore, store::Store& store, std::string bucket, const Clock& clock);
  // Changes the table's metadata by `edit`, which says whether there is anything to do; again after a lost
  // race.
  Result<Table> update(const TableName& name, const std::function<Result<bool>(TableMetadata&)>& edit);
  void tell(const TableName& name, const Table& table);

  meta::Metastore& metastore_;
  store::Store& store_;
  const std::string bucket_;
  const Clock& clock_;
  std::unique_ptr<TableFiles> files_;
  Turns turns_;
  mutable Mutex mu_;
  std::vector<std::function<void(const TableName&, const Table&)>> listeners_ TARN_GUARDED_BY(mu_);
};

}  // namespace tarn::lake
