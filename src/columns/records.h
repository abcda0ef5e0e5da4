// Records of a log as a relation: the DuckDB table function that shreds JSON straight into vectors.
//
// A Scan says which chunks of which shards, and which columns. register_scans() gives a connection's database
// two table functions that read a scan by its number:
//   tarn_records(n)  the schema's columns, then _rescued (VARCHAR, when spec.rescue), _seq (BIGINT), _arrived
//                    (TIMESTAMPTZ), _key (VARCHAR): the records that can be rows
//   tarn_errors(n)   seq (BIGINT), arrived (TIMESTAMPTZ), key (VARCHAR), reason (VARCHAR), record (BLOB): the
//   others
// Every wanted record is in exactly one of the two. Parallel: a thread takes chunk after chunk. Only
// projected columns are converted; with no column projected at all the records are still parsed, so that
// count(*) is right.
//
// A record is an error when it isn't one JSON object, is not UTF-8, is nested too deeply, or (reject) breaks
// the declared schema. Otherwise values that don't fit, fields without a column, and repeats of a field go to
// _rescued. A field matches a column exactly, or else without regard to ASCII case; the first match in a
// record wins.
//
// Owns: Scans owns the running scans; a Scan stays alive while a query uses it.
// Threads: Scans may be used from any thread; a Scan's results are read after the query ended.
// Fails: through DuckDB's error of the query that reads the function; kCorrupt names file and offset.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/thread.h"
#include "columns/duck.h"
#include "columns/inference.h"
#include "columns/type.h"
#include "log/log.h"

namespace tarn::columns {

enum class OnViolation {
  kRescue,  // the value goes to _rescued, its column is null
  kReject,  // the whole record goes to the error table
  kStrict,  // the door refuses the record; if one is in the log all the same, as kReject
};

struct ScanSpec {
  Schema schema;       // without _rescued
  bool rescue = true;  // is there a _rescued column
  bool declared =
      false;  // the schema is a contract: a number is no string, and a required field must be there
  OnViolation on_violation = OnViolation::kRescue;
  bool watch_drift = false;  // collect what schema lacks in Scan::drift, so that it can be evolved
  RecordLimits limits;
};

struct ShardChunk {
  int shard = 0;
  log::Chunk chunk;
};

// The number of a record within its stream: the shard in the upper 16 bits, its sequence number below.
inline int64_t stream_sequence(int shard, log::Sequence sequence) {
  return static_cast<int64_t>((static_cast<uint64_t>(shard) << 48) | sequence);
}

struct Scan {
  ScanSpec spec;
  std::vector<ShardChunk> chunks;
  uint64_t records_estimate = 0;  // for DuckDB's planner

  // Results, complete when the query has ended. A chunk counts once, however often and by whichever function
  // it is read. `rescued` is counted by scans that select _rescued, and by all with watch_drift.
  std::atomic<uint64_t> rows = 0;     // records that became rows
  std::atomic<uint64_t> errors = 0;   // records that could not
  std::atomic<uint64_t> rescued = 0;  // rows with something in _rescued
  Mutex mu;
  std::optional<Inference> drift
      TARN_GUARDED_BY(mu);  // with watch_drift: what had no column or a narrower one

  struct Counted {  // is this chunk in the results already
    std::atomic<bool> records = false;
    std::atomic<bool> rescued = false;
  };
  std::unique_ptr<Counted[]> counted;  // one a chunk; made by Scans::add()
};

class Scans {
 public:
  uint64_t add(
      std::shared_ptr<Scan> scan);  // shared by the caller, who reads the results, and the running query
  void remove(uint64_t number);
  std::shared_ptr<Scan> find(uint64_t number) const;

 private:
  mutable Mutex mu_;
  uint64_t next_ TARN_GUARDED_BY(mu_) = 1;
  std::unordered_map<uint64_t, std::shared_ptr<Scan>> scans_ TARN_GUARDED_BY(mu_);
};

// REQUIRES: `scans` outlives the database.
Status register_scans(duck::Connection& connection, Scans& scans);

// For strict streams, at the door: why this record breaks the spec, or nothing.
// REQUIRES: 64 readable bytes after the record. One Validator per thread.
class Validator {
 public:
  explicit Validator(const ScanSpec& spec);
  ~Validator();
  std::optional<std::string> violation(std::string_view record);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tarn::columns
