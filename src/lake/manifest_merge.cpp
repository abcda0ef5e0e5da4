// Joining small manifests, so that a table of many small commits is still planned with few reads.
//
// Manifests are joined in tiers, as a log-structured tree joins its runs: those of fewer than n files when
// there are n of them, then those of fewer than n·n files … so each entry is written again only once per
// tier, and no commit rewrites everything.
#include <algorithm>
#include <charconv>

#include "lake/snapshot_builder_internal.h"

namespace tarn::lake {
namespace {

constexpr std::string_view kMinCountProperty = "commit.manifest.min-count-to-merge";
constexpr std::string_view kTargetBytesProperty = "commit.manifest.target-size-bytes";
constexpr int64_t kMinCount = 100;
constexpr int64_t kTargetBytes = 8 << 20;

int64_t number_property(const TableMetadata& table, std::string_view key, int64_t otherwise) {
  auto found = table.properties.find(std::string(key));
  if (found == table.properties.end()) return otherwise;
  int64_t value = 0;
  const std::string& text = found->second;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 ? value : otherwise;
}

int tier_of(const ManifestFile& manifest, int64_t min_count) {
  int tier = 0;
  for (int64_t files = manifest.live_files(); files >= min_count; files /= min_count) ++tier;
  return tier;
}

}  // namespace

Status SnapshotBuilder::merge(const TableMetadata& next, std::vector<ManifestFile>& manifests) {
  const int64_t min_count = std::max<int64_t>(2, number_property(next, kMinCountProperty, kMinCount));
  const int64_t target_bytes = number_property(next, kTargetBytesProperty, kTargetBytes);
  using Group = std::tuple<int, ManifestContent, int>;
  auto group_of = [&](const ManifestFile& m) { return Group{m.spec_id, m.content, tier_of(m, min_count)}; };
  auto small = [&](const ManifestFile& m) { return m.bytes < target_bytes && !m.key_metadata; };
  std::map<Group, std::vector<ManifestFile>> groups;
  for (const ManifestFile& m : manifests)
    if (small(m)) groups[group_of(m)].push_back(m);
  std::erase_if(groups, [&](auto& group) { return static_cast<int64_t>(group.second.size()) < min_count; });
  if (groups.empty()) return {};

  std::vector<ManifestFile> merged;
  for (auto& [key, group] : groups) {
    TARN_ASSIGN(ManifestFile joined, merge_group(next, group));
    merged.push_back(std::move(joined));
  }
  std::erase_if(manifests, [&](const ManifestFile& m) { return small(m) && groups.contains(group_of(m)); });
  manifests.insert(manifests.begin(), merged.begin(), merged.end());
  return {};
}

Result<ManifestFile> SnapshotBuilder::merge_group(const TableMetadata& next,
                                                  const std::vector<ManifestFile>& group) {
  std::vector<ManifestEntry> entries;
  for (const ManifestFile& manifest : group) {
    TARN_ASSIGN(TableFiles::Entries some, files_.entries(next, manifest));
    for (const ManifestEntry& entry : *some) {
      if (entry.status == EntryStatus::kDeleted) continue;
      entries.push_back(entry);
      entries.back().status = EntryStatus::kExisting;
    }
  }
  TARN_ASSIGN(ManifestFile out, write_manifest(next, group[0].spec_id, group[0].content, entries, written_));
  out.sequence_number = next.last_sequence_number;
  out.min_sequence_number = std::min(out.min_sequence_number, next.last_sequence_number);
  return out;
}

}  // namespace tarn::lake
