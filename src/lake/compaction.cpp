// Compaction: many small files of a partition into few, one group and one commit at a time.
#include <algorithm>
#include <map>
#include <set>

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

struct Group {
  std::vector<DataFile> files;
  uint64_t bytes = 0;
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
    std::ranges::stable_sort(small, {}, &DataFile::sequence_number);
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
    for (const Group& group : plan(files, rules_)) TARN_TRY(join(group));
    return done_;
  }

 private:
  // Writes the group's rows anew and swaps the files. Lost to another commit: the group is left for the next
  // time.
  Status join(const Group& group) {
    TARN_ASSIGN(Table table, catalog_.load(name_));
    if (table->snapshot() == nullptr) return {};
    TARN_ASSIGN(std::vector<DataFile> current, catalog_.files(*table, *table->snapshot()));
    std::vector<DataFile> read;
    if (!select(current, group, read)) return {};
    TARN_ASSIGN(std::string sql, scan_files_sql(catalog_.store(), *table, read, table->schema()));
    WriteOptions options;
    options.file_bytes = rules_.target_bytes;
    TARN_ASSIGN(std::vector<DataFile> written,
                write_data(connection_, catalog_.store(), *table, table->schema(), sql, options));
    // As old as what was read, so that equality deletes which come meanwhile apply to the new files too.
    for (DataFile& file : written) file.sequence_number = table->snapshot()->sequence_number;
    fault_point("compact.files_written");
    Status swapped = swap(group, *table->snapshot(), written);
    if (swapped) {
      done_.files_before += group.files.size();
      done_.files_after += written.size();
      return {};
    }
    // Whether it happened isn't known: the files may be in the table. If they are not, the sweep finds them.
    if (swapped.error().code == Code::kUnknownOutcome) return swapped;
    for (const DataFile& file : written) (void)remove(file.path);
    if (swapped.error().code != Code::kConflict) return swapped;
    TARN_LOG(info, "compaction of {} left {} files to the next run: {}", name_.str(), group.files.size(),
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

  Status swap(const Group& group, const Snapshot& base, const std::vector<DataFile>& written) {
    Change change;
    change.operation = "replace";
    change.added = written;
    for (const DataFile& file : group.files) change.removed.push_back(file.path);
    change.expect = same_deletes(base);
    TARN_TRY(catalog_.commit(name_, change));
    return {};
  }

  Status remove(const std::string& path) {
    TARN_ASSIGN(store::Uri uri, store::Uri::parse(path));
    return catalog_.store().remove(uri);
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
