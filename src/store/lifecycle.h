// Objects that expire: which, and removing them.
//
// Rules are values here; the door reads and writes S3's XML and the lake file's YAML (store/lifecycle.cpp reads
// the JSON that both are kept as in the bucket's document "lifecycle").
// Threads: run_lifecycle() is one thread's; it takes short transactions and gives way in between.
// Fails: as objects.h.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/objects.h"

namespace tarn::store {

struct LifecycleRule {
  std::string id;
  bool enabled = true;
  std::string prefix;
  std::map<std::string, std::string> tags;  // all must be there
  std::optional<uint64_t> bytes_over;       // ObjectSizeGreaterThan
  std::optional<uint64_t> bytes_under;
  std::optional<int> expire_days;      // after it was written
  std::optional<Timestamp> expire_at;  // midnight UTC
  bool expire_lonely_markers = false;  // delete markers without versions behind them
  std::optional<int> noncurrent_days;  // after it was overwritten
  std::optional<int> noncurrent_keep;  // so many newer noncurrent versions stay
  std::optional<int> abort_upload_days;
  bool operator==(const LifecycleRule&) const = default;
};

// Shapes: {"rules": [{"id", "enabled", "prefix", "tags", "bytes_over", …}]} with the names above.
std::string lifecycle_to_json(const std::vector<LifecycleRule>& rules);
Result<std::vector<LifecycleRule>> lifecycle_from_json(std::string_view text);

struct LifecycleDone {
  size_t expired = 0;
  size_t versions_removed = 0;
  size_t markers_removed = 0;
  size_t uploads_aborted = 0;
};
// Once over every bucket with rules. `stopping` is asked between transactions. A day is `day`, for tests.
Result<LifecycleDone> run_lifecycle(Objects& objects, const Clock& clock,
                                    const std::function<bool()>& stopping,
                                    Duration day = std::chrono::hours(24));

// The rule that would expire this version and when, for x-amz-expiration; nothing: none.
struct Expiry {
  Timestamp at;
  std::string rule_id;
};
std::optional<Expiry> expiry_of(const std::vector<LifecycleRule>& rules, const Version& version);

}  // namespace tarn::store
