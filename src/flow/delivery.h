// One delivery: a range of a stream's logs becomes data files and one snapshot of its table.
//
// In this order, so that a crash anywhere leaves every record in the table exactly once or still to be
// delivered: the table's schema is grown (harmless by itself); the rows are written to files that nothing
// names; records that can't be rows are committed to the error table, which has its own position; then one
// commit adds the files and moves the table's position, on condition that the position is where this delivery
// began. After a crash the positions say where to go on, and files without a snapshot are swept later.
//
// Threads: one delivery of a stream at a time (StreamState::delivery_mu_).
// Fails: with nothing changed but, at most, the schema and the error table; kConflict when another delivery
// came first.
#pragma once

#include "base/error.h"
#include "flow/stream_state.h"

namespace tarn::flow {

class Delivery {
 public:
  Delivery(StreamState& stream, duck::Connection& connection) : stream_(stream), connection_(connection) {}
  // Delivers the range, which begins at the table's position.
  Status run(const Range& range);

 private:
  struct Written {
    std::vector<lake::DataFile> files;
    std::vector<BadRecord> bad;
    columns::ScanSpec scan;
    uint64_t rows = 0;    // in the files
    uint64_t good = 0;    // records that could be rows, before the transform
    uint64_t errors = 0;  // that could not, without `bad`
    uint64_t rescued = 0;
  };
  Result<Written> write(const Range& range);
  Status learn(const Range& range);
  Result<bool> learn_drift(columns::Scan& scan, const RecordPlan& plan);
  Status grow_table(const RecordPlan& plan);
  void set_partition();
  void discard(const std::vector<lake::DataFile>& files);
  Status count_errors(const Range& range, Written& written);
  Status write_errors(const Range& range, const Written& written);
  Status commit(const Range& range, const Written& written);

  StreamState& stream_;
  duck::Connection& connection_;
  StreamSpec spec_;
  lake::Table table_;
};

}  // namespace tarn::flow
