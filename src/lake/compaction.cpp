// Compaction: many small files of a partition into few, one group at a time.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "base/fault_point.h"
#include "base/logging.h"
#include "lake/data_writer.h"
#include "lake/maintenance.h"
#include "lake/scan_sql.h"
#include "lake/table_properties.h"

namespace tarn::lake {
namespace {

// A group is joined by one query; more files than this make its SQL and its plan too large.
constexpr size_t kGroupFilesMax = 1000;
// What a lost race costs at most: so many groups that were joined in vain.
constexpr size_t kBatchGroupsMax = 64;

struct Group {
  std::vector<DataFile> files;
  uint64_t bytes = 0;
};

struct Rewrite {
  std::vector<DataFile> written;
  std::vector<std::string> removed;
};

std::vector<Group> plan(const std::vector<DataFile>& files, const MaintenanceRules& rules) {
  std::map<std::pair<int, std::vector<Single>>, std::vector<const DataFile*>> partitions;
  for (const DataFile& file : files) {
    if (file.content != FileContent::kData || static_cast<uint64_t>(file.bytes) >= rules.small_bytes)
      continue;
    partitions[{file.spec_id, file.partition}].push_back(&file);
  }
  std::vector<Group> groups;
  for (auto& [partition, small] : partitions) {
    if (small.size() < rules.min_files) continue;
    // Oldest first, so that rows that came together stay together.
    std::ranges::sort(small, [](const DataFile* a, const DataFile* b) {
      return std::tie(a->sequence_number, a->path) < std::tie(b->sequence_number, b->path);
    });
    Group group;
    auto close = [&] {
      if (group.files.size() > 1) groups.push_back(std::move(group));
      group = Group();
    };
    for (const DataFile* file : small) {
      if (group.bytes + static_cast<uint64_t>(file->bytes) > rules.target_bytes) close();
      if (group.files.size() == kGroupFilesMax) close();
      group.files.push_back(*file);
      group.bytes += static_cast<uint64_t>(file->bytes);
    }
    close();
  }
  return groups;
}

// The snapshot still has just these deletes: those that came since would be lost with the files that they
// name.
std::map<std::string, std::string> same_deletes(const Snapshot& snapshot) {
  std::map<std::string, std::string> out;
  for (const char* key : {"total-delete-files", "total-position-deletes", "total-equality-deletes"}) {
    auto found = snapshot.summary.find(key);
    out[key] = found == snapshot.summary.end() ? "" : found->second;
  }
  return out;
}

class Compaction {
 public:
  Compaction(Catalog& catalog, const TableName& name, duck::Connection& connection)
      : catalog_(catalog), name_(name), connection_(connection) {}

  Result<Maintained> run() {
    TARN_ASSIGN(Table table, catalog_.load(name_));
    if (table->snapshot() == nullptr) return done_;
    TARN_ASSIGN(rules_, maintenance_rules(*table));
    TARN_ASSIGN(std::vector<DataFile> files, catalog_.files(*table, *table->snapshot()));
    std::vector<Group> groups = plan(files, rules_);
    for (size_t from = 0; from < groups.size();) {
      size_t to = batch_end(groups, from);
      TARN_TRY(
          join({groups.begin() + static_cast<ptrdiff_t>(from), groups.begin() + static_cast<ptrdiff_t>(to)}));
      from = to;
    }
    return done_;
  }

 private:
  // Groups that are joined one by one and committed together: a table of many partitions would otherwise get
  // a snapshot for each.
  size_t batch_end(const std::vector<Group>& groups, size_t from) const {
    uint64_t bytes = groups[from].bytes;
    size_t to = from + 1;
    while (to < groups.size() && to - from < kBatchGroupsMax &&
           bytes + groups[to].bytes <= rules_.target_bytes)
      bytes += groups[to++].bytes;
    return to;
  }

  Status join(const std::vector<Group>& batch) {
    TARN_ASSIGN(Table table, catalog_.load(name_));
    if (table->snapshot() == nullptr) return {};
    TARN_ASSIGN(std::vector<DataFile> current, catalog_.files(*table, *table->snapshot()));
    std::vector<Rewrite> rewrites;
    for (const Group& group : batch) {
      auto rewritten = rewrite(*table, current, group);
      if (!rewritten) {
        for (const Rewrite& rewrite : rewrites) discard(rewrite);
        return fail(std::move(rewritten).error());
      }
      if (*rewritten) rewrites.push_back(std::move(**rewritten));
    }
    if (rewrites.empty()) return {};
    fault_point("compact.files_written");
    Status swapped = swap(rewrites, *table->snapshot());
    if (swapped || swapped.error().code != Code::kConflict || rewrites.size() == 1)
      return settle(rewrites, std::move(swapped));
    // One of them lost to another commit; the others need not.
    for (size_t i = 0; i < rewrites.size(); ++i) {
      Status settled = settle({rewrites[i]}, swap({rewrites[i]}, *table->snapshot()));
      if (settled) continue;
      for (size_t rest = i + 1; rest < rewrites.size(); ++rest) discard(rewrites[rest]);
      return settled;
    }
    return {};
  }

  // The group's rows in new files; nothing when one of its files has left the table already.
  Result<std::optional<Rewrite>> rewrite(const TableMetadata& table, const std::vector<DataFile>& current,
                                         const Group& group) {
    std::vector<DataFile> read;
    if (!select(current, group, read)) return std::optional<Rewrite>();
    TARN_ASSIGN(std::string sql, scan_files_sql(catalog_.store(), table, read, table.schema()));
    WriteOptions options;
    options.file_bytes = rules_.target_bytes;
    Rewrite out;
    for (const DataFile& file : group.files) out.removed.push_back(file.path);
    TARN_ASSIGN(out.written, write_data(connection_, catalog_.store(), table, table.schema(), sql, options));
    // As old as what was read, so that equality deletes which come meanwhile apply to the new files too.
    for (DataFile& file : out.written) file.sequence_number = table.snapshot()->sequence_number;
    return std::optional(std::move(out));
  }

  // Counts what was swapped. Lost to another commit: the files are left for the next run.
  Status settle(const std::vector<Rewrite>& rewrites, Status swapped) {
    // Whether it happened isn't known: the files may be in the table. If they are not, the sweep finds them.
    if (!swapped && swapped.error().code == Code::kUnknownOutcome) return swapped;
    for (const Rewrite& rewrite : rewrites) {
      if (swapped) {
        done_.files_before += rewrite.removed.size();
        done_.files_after += rewrite.written.size();
        continue;
      }
      discard(rewrite);
    }
    if (swapped || swapped.error().code != Code::kConflict) return swapped;
    TARN_LOG(info, "compaction of {} leaves some files to the next run: {}", name_.str(),
             swapped.error().message);
    return {};
  }

  // The group's files with their deletes; false when one of them has left the table.
  static bool select(const std::vector<DataFile>& current, const Group& group, std::vector<DataFile>& read) {
    std::set<std::string> wanted;
    for (const DataFile& file : group.files) wanted.insert(file.path);
    size_t found = 0;
    for (const DataFile& file : current) {
      if (file.content == FileContent::kData && !wanted.contains(file.path)) continue;
      found += file.content == FileContent::kData ? 1 : 0;
      read.push_back(file);
    }
    return found == wanted.size();
  }

  Status swap(const std::vector<Rewrite>& rewrites, const Snapshot& base) {
    Change change;
    change.operation = "replace";
    for (const Rewrite& rewrite : rewrites) {
      change.added.insert(change.added.end(), rewrite.written.begin(), rewrite.written.end());
      change.removed.insert(change.removed.end(), rewrite.removed.begin(), rewrite.removed.end());
    }
    change.expect = same_deletes(base);
    TARN_TRY(catalog_.commit(name_, change));
    return {};
  }

  // What can't be removed now is swept later.
  void discard(const Rewrite& rewrite) {
    for (const DataFile& file : rewrite.written)
      if (auto uri = store::Uri::parse(file.path)) (void)catalog_.store().remove(*uri);
  }

  Catalog& catalog_;
  const TableName& name_;
  duck::Connection& connection_;
  MaintenanceRules rules_;
  Maintained done_;
};

}  // namespace

Result<Maintained> compact(Catalog& catalog, const TableName& name, duck::Connection& connection) {
  return Compaction(catalog, name, connection).run();
}

}  // namespace tarn::lake
