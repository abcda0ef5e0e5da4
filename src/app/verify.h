// fsck for a lake: is everything that was acknowledged there exactly once, and can it be read?
//
// For each shard's log: every checksum (I1). For each table: metadata, manifests and Parquet footers agree
// (I8); the ranges that its snapshots delivered follow one another without gap or overlap and end at the
// position (I2); what each delivery added, rejected, filtered and lost is as many as its range holds (I4);
// the position is a record that the log has or had (I3). For each object: its bytes are there and are those that
// were put. Reads only; takes no lock if a lake runs on the
// folder.
// Threads: one thread.
// Fails: kNotFound when the folder is no lake; what is wrong with the lake is in the report.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "lake/table.h"
#include "log/log.h"
#include "store/objects_verify.h"

namespace tarn::app {

struct ShardReport {
  std::string stream;
  int shard = 0;
  log::Inspection log;
};

struct TableReport {
  std::string table;
  std::string stream;  // that delivers here; empty for none
  uint64_t records = 0;
  uint64_t snapshots = 0;
  std::map<int, uint64_t> positions;  // by shard
};

struct VerifyReport {
  bool running = false;  // a lake runs on the folder
  std::vector<ShardReport> shards;
  std::vector<TableReport> tables;
  store::ObjectsReport objects;  // its problems are among those below
  std::vector<std::string> problems;
};

Result<VerifyReport> verify_lake(const std::filesystem::path& data);

// What a table's deliveries must add up to.
enum class RangeRule {
  kWhole,   // a stream's table: every record of a range is accounted for, and no range is left out
  kErrors,  // its error table: only deliveries with errors are in it, each record at most once
};

// What is wrong with the deliveries that a table's snapshots tell of, and the positions of its current one.
std::vector<std::string> check_ranges(const std::string& table, const lake::TableMetadata& metadata,
                                      RangeRule rule);
// Is every record that the table's snapshots call rejected in the error table?
std::vector<std::string> check_rejected(const std::string& table, const lake::TableMetadata& metadata,
                                        const lake::TableMetadata& errors);
std::map<int, uint64_t> positions_of(const lake::Snapshot& snapshot);

}  // namespace tarn::app
