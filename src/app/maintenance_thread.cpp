#include "app/maintenance_thread.h"

#include <charconv>

#include "base/bytes.h"
#include "base/logging.h"
#include "lake/maintenance.h"

namespace tarn::app {
namespace {

int64_t number_in(const lake::Snapshot& snapshot, const std::string& key) {
  auto found = snapshot.summary.find(key);
  int64_t number = 0;
  if (found != snapshot.summary.end()) {
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  }
  return number;
}

// Losing a race and being stopped are part of the work.
void log_failure(const lake::TableName& name, std::string_view step, const Error& error) {
  if (error.code == Code::kConflict || error.code == Code::kCancelled || error.code == Code::kNotFound) {
    TARN_LOG(debug, "{} of {}: {}", step, name.str(), error.message);
  } else {
    TARN_LOG(warn, "{} of {} failed and will be tried again: {}", step, name.str(), error.message);
  }
}

}  // namespace

MaintenanceThread::MaintenanceThread(lake::Catalog& catalog, duck::Database& database, Options options)
    : catalog_(catalog), database_(database), options_(options) {}

MaintenanceThread::~MaintenanceThread() {
  stop();
}

Status MaintenanceThread::start() {
  TARN_ASSIGN(connection_, database_.connect());
  catalog_.on_commit([this](const lake::TableName& name, const lake::Table& table) { note(name, *table); });
  thread_ = std::thread([this] { run(); });
  return {};
}

void MaintenanceThread::stop() {
  {
    Lock lock(mu_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (!thread_.joinable()) return;
  connection_->interrupt();
  thread_.join();
}

bool MaintenanceThread::stopping() {
  Lock lock(mu_);
  return stopping_;
}

void MaintenanceThread::note(const lake::TableName& name, const lake::TableMetadata& table) {
  const lake::Snapshot* snapshot = table.snapshot();
  if (snapshot == nullptr || snapshot->operation != "append") return;
  Lock lock(mu_);
  int64_t& added = files_added_[name];
  added += number_in(*snapshot, "added-data-files");
  if (added < options_.files_max) return;
  added = 0;
  wanted_.insert(name);
  changed_.notify_all();
}

void MaintenanceThread::run() {
  auto next = std::chrono::steady_clock::now() + options_.every;
  for (;;) {
    std::optional<lake::TableName> name;
    {
      Lock lock(mu_);
      while (!stopping_ && wanted_.empty() && std::chrono::steady_clock::now() < next)
        changed_.wait_until(mu_, next);
      if (stopping_) return;
      if (!wanted_.empty()) name = wanted_.extract(wanted_.begin()).value();
    }
    if (name) {
      look_after(*name, false);
    } else {
      look_after_all();
      next = std::chrono::steady_clock::now() + options_.every;
    }
  }
}

void MaintenanceThread::look_after_all() {
  auto tables = catalog_.tables();
  if (!tables) {
    TARN_LOG(warn, "the tables can't be listed for maintenance: {}", tables.error().message);
    return;
  }
  for (const lake::TableName& name : *tables) {
    if (stopping()) return;
    look_after(name, true);
  }
}

void MaintenanceThread::look_after(const lake::TableName& name, bool whole) {
  auto turn = catalog_.turns().take(name);
  if (!turn) return;  // somebody asked for it over HTTP and does the same right now
  auto compacted = lake::compact(catalog_, name, *connection_);
  if (!compacted) {
    log_failure(name, "compaction", compacted.error());
  } else if (compacted->files_before > 0) {
    TARN_LOG(info, "joined {} files of {} to {}", compacted->files_before, name.str(),
             compacted->files_after);
  }
  if (!whole || stopping()) return;
  auto expired = lake::expire(catalog_, name);
  if (!expired) {
    log_failure(name, "expiry", expired.error());
  } else if (expired->snapshots_expired > 0) {
    TARN_LOG(info, "expired {} snapshots of {}, which freed {}", expired->snapshots_expired, name.str(),
             human_bytes(expired->bytes_removed));
  }
  if (stopping()) return;
  auto swept = lake::sweep_orphans(catalog_, name);
  if (!swept) {
    log_failure(name, "the sweep", swept.error());
  } else if (swept->files_removed > 0) {
    TARN_LOG(info, "removed {} files that no snapshot of {} names ({})", swept->files_removed, name.str(),
             human_bytes(swept->bytes_removed));
  }
}

}  // namespace tarn::app
