// How the records of a stream become rows of its table: what to shred, and a SELECT that gives the table's
// columns.
//
// The shape of records comes from the stream's declared columns or, inferred, from what the table has by now:
// a table's column belongs to the field of the name that it was first given, whatever it is called since (the
// ids in the table's schema history say so). A stream with a transform keeps the inferred shape of its
// records in a property of the table.
// Threads: pure functions; describing a transform needs a connection.
// Fails: kInvalid when a transform's SQL is wrong.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "columns/duck.h"
#include "columns/inference.h"
#include "columns/records.h"
#include "columns/type.h"
#include "flow/stream_spec.h"
#include "lake/table.h"

namespace tarn::flow {

// The table's property that holds a transformed stream's inferred record schema, as JSON.
inline constexpr std::string_view kRecordsSchemaProperty = "tarn.records.schema";

struct RecordPlan {
  columns::ScanSpec scan;
  columns::Schema table;  // the table's schema, evolved; equal to the current one when nothing was added
  std::string records;    // the property's new text, for a stream with a transform that infers; else empty
  std::string select;     // rows for the table's columns; {scan} stands for the scan's number
};

// `seen` is what inference saw beyond the current schema; null: nothing.
Result<RecordPlan> plan_records(const StreamSpec& spec, const lake::TableMetadata& table,
                                const columns::Inference* seen, const columns::RecordLimits& limits,
                                duck::Connection& connection);

// `plan.select` for one scan, without the records whose _seq is listed. Columns and order are plan.table's.
std::string select_of(const RecordPlan& plan, uint64_t scan, std::span<const int64_t> excluded = {});

// The schema that a stream's table has before its first record.
columns::Schema initial_schema(const StreamSpec& spec);
// Of the error table: seq, arrived, key, reason, record.
columns::Schema error_schema();

bool has_rescued_column(const StreamSpec& spec);

}  // namespace tarn::flow
