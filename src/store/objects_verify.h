// fsck for what is in buckets: does every version have its bytes, and are they those that were put?
//
// Reads every byte that a row names and compares length and checksum. Changes nothing.
// Threads: one thread.
// Fails: what the metastore fails with; what is wrong with objects is in the report.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "meta/metastore.h"

namespace tarn::store {

struct ObjectsReport {
  uint64_t versions = 0;  // with bytes; delete markers have none
  uint64_t bytes = 0;
  std::vector<std::string> problems;  // at most kProblemsMax
};
inline constexpr size_t kObjectProblemsMax = 1000;

// `folder`: of the blobs. A version that goes while it is read is no problem: a lake may run.
Result<ObjectsReport> verify_objects(const meta::Metastore& metastore, const std::filesystem::path& folder);

}  // namespace tarn::store
