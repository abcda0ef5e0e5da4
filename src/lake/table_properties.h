// The properties of a table that maintenance obeys, read with their defaults.
//
// Threads: pure functions.
// Fails: kInvalid names the property and its text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "lake/table.h"

namespace tarn::lake {

inline constexpr std::string_view kCompactSmallBytes = "tarn.compact.small-bytes";
inline constexpr std::string_view kCompactTargetBytes = "tarn.compact.target-bytes";
inline constexpr std::string_view kCompactMinFiles = "tarn.compact.min-files";
inline constexpr std::string_view kKeepSnapshots = "tarn.keep.snapshots";
inline constexpr std::string_view kKeepAge = "tarn.keep.age";
inline constexpr std::string_view kOrphanAge = "tarn.orphan.age";

struct MaintenanceRules {
  uint64_t small_bytes = 64 * kMiB;
  uint64_t target_bytes = 256 * kMiB;  // of a file that joins small ones; bounds a step's memory and disk too
  uint64_t min_files = 8;
  uint64_t keep_snapshots = 10;
  Duration keep_age = std::chrono::days(7);
  Duration orphan_age = std::chrono::days(1);
};

Result<MaintenanceRules> maintenance_rules(const TableMetadata& table);

}  // namespace tarn::lake
