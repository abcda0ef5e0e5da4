// Looks after the tables by itself: joins small files, expires snapshots, removes what nothing names.
//
// Every table in turn, `every` so often; and a table sooner when commits have added many files to it. A table
// that can't be looked after is logged and left for the next time.
// Owns: one thread. Borrows the catalog and the database, which outlive it; must outlive whoever commits.
// Threads: start() and stop() from the owner's; the catalog calls in from any.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/thread.h"
#include "columns/duck.h"
#include "lake/catalog.h"

namespace tarn::app {

class MaintenanceThread {
 public:
  struct Options {
    Duration every = std::chrono::minutes(10);
    int64_t files_max = 24;  // added by commits since the last look; then the table is next
  };
  MaintenanceThread(lake::Catalog& catalog, duck::Database& database, Options options);
  ~MaintenanceThread();
  MaintenanceThread(const MaintenanceThread&) = delete;
  MaintenanceThread& operator=(const MaintenanceThread&) = delete;

  Status start();
  void stop() TARN_EXCLUDES(mu_);  // interrupts what is under way

 private:
  void note(const lake::TableName& name, const lake::TableMetadata& table) TARN_EXCLUDES(mu_);
  void run() TARN_EXCLUDES(mu_);
  void look_after(const lake::TableName& name, bool whole) TARN_EXCLUDES(mu_);
  void look_after_all() TARN_EXCLUDES(mu_);
  bool stopping() TARN_EXCLUDES(mu_);

  lake::Catalog& catalog_;
  duck::Database& database_;
  const Options options_;
  std::optional<duck::Connection> connection_;  // set by start(); used by the thread, interrupted by stop()
  std::thread thread_;

  Mutex mu_;
  CondVar changed_;
  bool stopping_ TARN_GUARDED_BY(mu_) = false;
  std::map<lake::TableName, int64_t> files_added_ TARN_GUARDED_BY(mu_);
  std::set<lake::TableName> wanted_ TARN_GUARDED_BY(mu_);
};

}  // namespace tarn::app
