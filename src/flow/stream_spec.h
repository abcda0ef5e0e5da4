// What a stream is, as its owner declared it: the `streams:` entry of a lake file and the body of the API.
//
// Shapes: JSON as in the lake file, with the same keys; from_json() names the key that is wrong.
// Threads: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"
#include "columns/records.h"
#include "columns/type.h"
#include "lake/table.h"
#include "log/log.h"

namespace tarn::flow {

struct DeliverSpec {
  lake::TableName table;
  std::vector<std::string> partition;  // "day(time)"
  Duration age = std::chrono::seconds(60);
  uint64_t bytes = 64 * kMiB;
};

struct StreamSpec {
  std::string name;                     // 1 to 128 of letters, digits, _ . -
  int shards = 1;                       // 1 to 256; may grow later, never shrink
  std::vector<columns::Field> columns;  // declared (ids are 0); empty: inferred
  bool infer = true;                    // with declared columns false by default: other fields go to _rescued
  columns::OnViolation on_violation = columns::OnViolation::kRescue;
  std::string transform;                      // SQL over `records`; empty: all of them
  DeliverSpec deliver;                        // the default table is raw.<name, with . as _>
  log::Retention retention;                   // of delivered records, for replay
  uint64_t undelivered_bytes_max = 4 * kGiB;  // past it producers are told to slow down

  bool operator==(const StreamSpec& other) const;
};

Result<StreamSpec> stream_spec_from_json(std::string name, const boost::json::object& json);
boost::json::object to_json(const StreamSpec& spec);

}  // namespace tarn::flow
