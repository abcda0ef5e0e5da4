// The loop of a commit: build the next version from the current one, swap the pointer, and begin again when
// another writer was first.
#include <algorithm>
#include <charconv>
#include <thread>

#include "base/fault_point.h"
#include "base/id.h"
#include "base/logging.h"
#include "lake/catalog.h"
#include "lake/snapshot_builder_internal.h"
#include "lake/table_files_internal.h"

namespace tarn::lake {
namespace {

constexpr int kTriesMax = 100;
constexpr Duration kBackoffFirst = std::chrono::milliseconds(2);
constexpr Duration kBackoffMax = std::chrono::milliseconds(500);
constexpr int64_t kMetadataLogMax = 20;
constexpr std::string_view kMetadataLogProperty = "write.metadata.previous-versions-max";

// Random, so that writers that met once don't meet again.
void back_off(int tries) {
  Duration most = std::min(kBackoffMax, kBackoffFirst * (1 << std::min(tries, 12)));
  std::this_thread::sleep_for(
      Duration(1 + static_cast<int64_t>(random_u64() % static_cast<uint64_t>(most.count()))));
}

// Whole milliseconds, as Iceberg keeps them; later than every version before, so that a time means one
// version.
Timestamp next_time(const Clock& clock, const TableMetadata& base) {
  int64_t now_ms = clock.now().us / 1000;
  return {std::max(now_ms, base.updated.us / 1000 + 1) * 1000};
}

int64_t metadata_log_max(const TableMetadata& table) {
  auto found = table.properties.find(std::string(kMetadataLogProperty));
  int64_t value = 0;
  if (found == table.properties.end() ||
      std::from_chars(found->second.data(), found->second.data() + found->second.size(), value).ec !=
          std::errc() ||
      value < 1)
    return kMetadataLogMax;
  return value;
}

// Enters `base` in the log of `next`; returns the files that fall out of it.
std::vector<std::string> extend_metadata_log(const TableMetadata& base, TableMetadata& next) {
  next.metadata_log.push_back({base.updated, base.metadata_file});
  std::vector<std::string> out;
  int64_t surplus = static_cast<int64_t>(next.metadata_log.size()) - metadata_log_max(next);
  for (int64_t i = 0; i < surplus; ++i) out.push_back(next.metadata_log[static_cast<size_t>(i)].file);
  if (surplus > 0) next.metadata_log.erase(next.metadata_log.begin(), next.metadata_log.begin() + surplus);
  return out;
}

struct Outcome {
  Table table;              // the new version; null when another writer was first
  bool swap_tried = false;  // false: nobody can have seen what was written
};

// Writes the metadata file and swaps the pointer. On an error that leaves the outcome open the files stay.
Status publish(TableFiles& files, const TableName& name, const TableMetadata& base, TableMetadata& next,
               Outcome& outcome) {
  std::vector<std::string> fallen = extend_metadata_log(base, next);
  TARN_TRY(files.put_metadata(next, base.metadata_file));
  fault_point("catalog.metadata_written");
  outcome.swap_tried = true;
  auto swapped = files.swap(name, base.metadata_file, next.metadata_file);
  if (!swapped && swapped.error().code == Code::kUnknownOutcome) {
    // Look: if our version is the current one, or one that the current one came from, the swap did happen.
    auto current = files.load(name);
    if (!current) return fail(std::move(swapped).error());
    bool ours = (*current)->metadata_file == next.metadata_file ||
                std::ranges::any_of((*current)->metadata_log,
                                    [&](auto& entry) { return entry.file == next.metadata_file; });
    if (!ours) return fail(std::move(swapped).error().in("commit to " + name.str()));
    swapped = TableFiles::Swap::kDone;
  }
  if (!swapped) return fail(std::move(swapped).error());
  if (*swapped == TableFiles::Swap::kLost) {
    files.remove(next.metadata_file);
    return {};
  }
  fault_point("catalog.swapped");
  for (const std::string& file : fallen) files.remove(file);
  outcome.table = files.remember(std::move(next), base.metadata_file);
  return {};
}

Error gave_up(const TableName& name) {
  return {Code::kConflict,
          "table " + name.str() + " was changed by others " + std::to_string(kTriesMax) +
              " times while a commit was tried: try again",
          0};
}

}  // namespace

Result<Table> Catalog::commit(const TableName& name, const Change& change) {
  SnapshotBuilder builder(*files_, change);
  Table done;
  {
    Lock lock(files_->commit_lock(name));
    for (int tries = 0; tries < kTriesMax && !done; ++tries) {
      if (tries > 0) back_off(tries);
      auto base = files_->load(name);
      if (!base) {
        builder.discard_all();
        return fail(std::move(base).error());
      }
      auto next = builder.build(**base, next_time(clock_, **base));
      if (!next) {
        builder.discard_all();  // nothing names them: the swap wasn't tried
        return fail(std::move(next).error().in("commit to " + name.str()));
      }
      if (!*next) return *base;
      Outcome outcome;
      if (Status status = publish(*files_, name, **base, **next, outcome); !status) {
        if (!outcome.swap_tried) builder.discard_all();
        return fail(std::move(status).error());
      }
      if (!outcome.table) builder.discard_try();
      done = std::move(outcome.table);
    }
  }
  if (!done) {
    builder.discard_all();
    return fail(gave_up(name));
  }
  tell(name, done);
  return done;
}

Result<Table> Catalog::update(const TableName& name,
                              const std::function<Result<bool>(TableMetadata&)>& edit) {
  Table done;
  {
    Lock lock(files_->commit_lock(name));
    for (int tries = 0; tries < kTriesMax && !done; ++tries) {
      if (tries > 0) back_off(tries);
      TARN_ASSIGN(Table base, files_->load(name));
      TableMetadata next = *base;
      next.updated = next_time(clock_, *base);
      TARN_ASSIGN(bool changed, edit(next));
      if (!changed) return base;
      Outcome outcome;
      TARN_TRY(publish(*files_, name, *base, next, outcome));
      done = std::move(outcome.table);
    }
  }
  if (!done) return fail(gave_up(name));
  tell(name, done);
  return done;
}

}  // namespace tarn::lake
