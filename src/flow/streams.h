// The streams of a lake: records go in durably, and are delivered to their tables.
//
// Owns: each stream's shard logs, and the threads that deliver. Borrows catalog, metastore, database.
// Threads: any. Delivery of one stream is one thread at a time.
// Fails: append: kNotFound (no such stream), kBusy with retry_after_ms (over a bound), kTooLarge, kInvalid,
// kFull, kIo, kUnknownOutcome.
// Durable: append() as log::Log does; put() and remove() when they return.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/metrics.h"
#include "columns/duck.h"
#include "columns/records.h"
#include "flow/stream_spec.h"
#include "lake/catalog.h"
#include "log/log.h"
#include "meta/metastore.h"
#include "query/tail.h"

namespace tarn::flow {

struct Limits {
  columns::RecordLimits record;
  log::Options log;
  uint64_t undelivered_bytes_max = 16 * kGiB;  // over all streams
  int delivery_threads = 1;
  Duration retry_first = std::chrono::milliseconds(200);  // delivery's backoff: doubles up to retry_max
  Duration retry_max = std::chrono::seconds(30);
};

struct ShardStatus {
  log::Sequence begin = 0;      // oldest record still in the log
  log::Sequence delivered = 0;  // everything before it is in the table
  log::Sequence end = 0;        // everything before it is acknowledged
  uint64_t log_bytes = 0;
};

struct StreamStatus {
  std::vector<ShardStatus> shards;
  uint64_t undelivered_records = 0;
  uint64_t undelivered_bytes = 0;
  Duration lag{0};              // age of the oldest undelivered record; 0 when there is none
  uint64_t rejected_total = 0;  // since start
  uint64_t rescued_total = 0;
  std::string last_error;  // of delivery; empty when the last one went well
  std::optional<Timestamp> last_delivery;
  uint64_t damaged_records = 0;
};

struct Accepted {
  int shard = 0;
  log::Sequence first = 0;
  uint32_t count = 0;
  bool duplicate = false;
};

class Stream {
 public:
  virtual ~Stream() = default;
  virtual StreamSpec spec() const = 0;
  // One batch goes to one shard as one frame: of its producer (always the same shard), else of its key, else
  // the next. Returns when it is durable.
  virtual Result<Accepted> append(std::span<const log::Record> records,
                                  std::optional<log::Producer> producer) = 0;
  // A strict stream's check, for one thread; null when the stream takes anything.
  virtual std::unique_ptr<columns::Validator> validator() const = 0;
  virtual StreamStatus status() const = 0;
  // Delivers everything that was acknowledged before the call; returns when it is committed.
  virtual Status flush(Deadline deadline) = 0;
};

struct Redriven {
  uint64_t records = 0;  // taken from the error table and appended again
  uint64_t remaining = 0;
};

class Streams : public query::Tails {
 public:
  struct Parts {
    std::filesystem::path folder;  // of the logs
    meta::Metastore& metastore;
    lake::Catalog& catalog;
    duck::Database& database;
    columns::Scans& scans;
    Metrics& metrics;
    const Clock& clock;
    Limits limits;
  };
  static Result<std::unique_ptr<Streams>> open(Parts parts);

  // Creates or changes a stream. kInvalid when the change is one that can't be made (fewer shards, another
  // table).
  virtual Status put(const StreamSpec& spec) = 0;
  virtual Status remove(std::string_view name) = 0;  // what was delivered stays; undelivered: delivered first
  virtual Result<std::shared_ptr<Stream>> find(std::string_view name) const = 0;  // shared with its removal
  virtual std::vector<StreamSpec> list() const = 0;

  // Sends the records of the stream's error table through again; each leaves the error table in the same
  // commit that remembers it as sent, so that none is counted twice.
  virtual Result<Redriven> redrive(std::string_view stream) = 0;

  // Delivers what is there, then stops the threads; append answers kUnavailable from now on.
  virtual Status stop(Deadline deadline) = 0;
};

// The table that keeps a stream's records that could not be rows: <table>_errors.
lake::TableName error_table(const lake::TableName& table);

}  // namespace tarn::flow
