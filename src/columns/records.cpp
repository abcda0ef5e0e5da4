// The table functions tarn_records and tarn_errors: see records.h.
#include "columns/records.h"

#include <algorithm>
#include <exception>

#include "columns/duck_json.h"
#include "columns/duckdb_newer.h"
#include "columns/record_reader.h"
#include "columns/shredder.h"

namespace tarn::columns {

namespace {

enum class Side { kRecords, kErrors };

// A column of a table function that no field of a record fills.
enum class Extra { kRescued, kSequence, kArrived, kKey, kReason, kRecord };

struct ExtraColumn {
  Extra extra;
  const char* name;
  duckdb_type type;
};

constexpr ExtraColumn kRescuedExtra = {Extra::kRescued, kRescuedColumn.data(), DUCKDB_TYPE_VARCHAR};
constexpr ExtraColumn kRecordExtras[] = {{Extra::kSequence, "_seq", DUCKDB_TYPE_BIGINT},
                                         {Extra::kArrived, "_arrived", DUCKDB_TYPE_TIMESTAMP_TZ},
                                         {Extra::kKey, "_key", DUCKDB_TYPE_VARCHAR}};
constexpr ExtraColumn kErrorExtras[] = {{Extra::kSequence, "seq", DUCKDB_TYPE_BIGINT},
                                        {Extra::kArrived, "arrived", DUCKDB_TYPE_TIMESTAMP_TZ},
                                        {Extra::kKey, "key", DUCKDB_TYPE_VARCHAR},
                                        {Extra::kReason, "reason", DUCKDB_TYPE_VARCHAR},
                                        {Extra::kRecord, "record", DUCKDB_TYPE_BLOB}};

struct Bind {
  std::shared_ptr<Scan> scan;  // shared with Scans, which may forget it while the query runs
  Side side;
  std::vector<ExtraColumn> extras;  // after the schema's columns (records) or alone (errors)
};

struct WantedExtra {
  Extra extra;
  idx_t vector;
};

struct Global {
  std::atomic<size_t> next_chunk = 0;
};

template <typename T>
void destroy(void* object) {
  delete static_cast<T*>(object);
}

// What one thread does: takes chunks of the log, and turns their records into chunks of rows.
class Reading {
 public:
  Reading(const Bind& bind, duckdb_init_info info)
      : scan_(bind.scan),
        side_(bind.side),
        reader_(scan_->spec.limits.depth_max),
        shredder_(scan_->spec, reader_.index()) {
    size_t columns = side_ == Side::kRecords ? scan_->spec.schema.fields.size() : 0;
    std::vector<size_t> vectors(columns, Shredder::kNowhere);
    bool rescued_wanted = false;
    for (idx_t i = 0; i < duckdb_init_get_column_count(info); ++i) {
      idx_t column = duckdb_init_get_column_index(info, i);
      if (column < columns) {
        vectors[column] = i;
      } else if (column - columns < bind.extras.size()) {  // else it is what count(*) asks for: nothing
        extras_.push_back({bind.extras[column - columns].extra, i});
        rescued_wanted |= extras_.back().extra == Extra::kRescued;
      }
    }
    if (side_ == Side::kRecords) {
      watch_drift_ = scan_->spec.watch_drift;
      noting_ = rescued_wanted || watch_drift_;
      shredder_.project(std::move(vectors));
      shredder_.take_notes(noting_);
    }
    if (watch_drift_) drift_.emplace(scan_->spec.limits);
  }

  // A query that doesn't read to the end still tells what it saw.
  ~Reading() { hand_in(); }

  // The next rows; none at the end.
  Status fill(Global& global, duckdb_data_chunk output);

 private:
  Result<bool> next_record(Global& global);
  Status next_chunk(Global& global);
  void end_chunk();
  void hand_in();
  void write_extras(duckdb_data_chunk output, idx_t row, std::string_view reason);

  std::shared_ptr<Scan> scan_;  // shared with the Bind, which may go first when a query is torn down
  Side side_;
  RecordReader reader_;
  Shredder shredder_;
  std::vector<WantedExtra> extras_;
  bool watch_drift_ = false;
  bool noting_ = false;

  std::optional<log::Mapping> mapping_;
  size_t chunk_ = 0;  // which of the scan's
  int shard_ = 0;
  bool in_frame_ = false;
  bool done_ = false;
  uint64_t rows_ = 0;  // of this chunk, so far
  uint64_t errors_ = 0;
  uint64_t rescued_ = 0;
  std::optional<Inference> drift_;
};

// The chunk was read whole: counts it, if no other reading of the scan has.
void Reading::end_chunk() {
  if (!mapping_) return;
  mapping_.reset();
  Scan::Counted& counted = scan_->counted[chunk_];
  if (!counted.records.exchange(true)) {
    scan_->rows += rows_;
    scan_->errors += errors_;
  }
  if (noting_ && !counted.rescued.exchange(true)) scan_->rescued += rescued_;
}

void Reading::hand_in() {
  if (!drift_ || drift_->empty()) return;
  Lock lock(scan_->mu);
  if (scan_->drift) {
    scan_->drift->merge(*drift_);
  } else {
    scan_->drift = std::move(drift_);
  }
  drift_.reset();
}

Status Reading::next_chunk(Global& global) {
  end_chunk();
  chunk_ = global.next_chunk.fetch_add(1);
  if (chunk_ >= scan_->chunks.size()) {
    done_ = true;
    hand_in();
    return {};
  }
  const ShardChunk& chunk = scan_->chunks[chunk_];
  rows_ = errors_ = rescued_ = 0;
  shard_ = chunk.shard;
  TARN_ASSIGN(mapping_, log::Mapping::map(chunk.chunk));
  return {};
}

Result<bool> Reading::next_record(Global& global) {
  for (;;) {
    if (in_frame_ && reader_.next()) return true;
    in_frame_ = false;
    if (done_) return false;
    if (mapping_) {
      TARN_ASSIGN(std::optional<log::FrameView> frame, mapping_->next());
      if (frame) {
        reader_.open(*frame);
        in_frame_ = true;
        continue;
      }
    }
    TARN_TRY(next_chunk(global));
  }
}

Status Reading::fill(Global& global, duckdb_data_chunk output) {
  const idx_t rows_max = duckdb_vector_size();
  idx_t row = 0;
  if (side_ == Side::kRecords) shredder_.begin_chunk(output);
  while (row < rows_max) {
    TARN_ASSIGN(bool more, next_record(global));
    if (!more) break;
    std::optional<std::string> reason;
    if (reader_.is_object()) {
      reason = shredder_.violation(reader_.json());
    } else {
      reason = side_ == Side::kErrors ? reader_.fault() : std::string();
    }
    ++(reason ? errors_ : rows_);
    if (reason.has_value() != (side_ == Side::kErrors)) continue;
    if (side_ == Side::kRecords) {
      shredder_.write(reader_.json(), row);
      if (shredder_.noted()) {
        ++rescued_;
        if (watch_drift_) drift_->observe(reader_.text());
      }
    }
    if (!extras_.empty()) write_extras(output, row, reason ? std::string_view(*reason) : std::string_view());
    ++row;
  }
  if (side_ == Side::kRecords) shredder_.end_chunk();
  duckdb_data_chunk_set_size(output, row);
  return {};
}

void Reading::write_extras(duckdb_data_chunk output, idx_t row, std::string_view reason) {
  for (const WantedExtra& wanted : extras_) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(output, wanted.vector);
    auto put_integer = [&](int64_t value) {
      static_cast<int64_t*>(duckdb_vector_get_data(vector))[row] = value;
    };
    auto put_text = [&](std::string_view text) {
      duckdb_unsafe_vector_assign_string_element_len(vector, row, text.data(), text.size());
    };
    auto put_null = [&] {
      duckdb_vector_ensure_validity_writable(vector);
      duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
    };
    switch (wanted.extra) {
      case Extra::kRescued:
        shredder_.noted() ? put_text(shredder_.rescued()) : put_null();
        break;
      case Extra::kSequence:
        put_integer(stream_sequence(shard_, reader_.sequence()));
        break;
      case Extra::kArrived:
        put_integer(reader_.arrived().us);
        break;
      case Extra::kKey:
        reader_.key().empty() ? put_null() : put_text(reader_.key());
        break;
      case Extra::kReason:
        put_text(reason);
        break;
      case Extra::kRecord:
        put_text(reader_.text());
        break;
    }
  }
}

// Runs `work` for a callback of DuckDB, which must not see exceptions; gives what went wrong to `report`.
template <typename Work, typename Report>
void guarded(Work&& work, Report&& report) {
  try {
    if (Status status = work(); !status) report(status.error().message.c_str());
  } catch (const std::exception& error) {
    report(error.what());
  }
}

Status bind_scan(duckdb_bind_info info, const Scans& scans, Side side) {
  duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
  auto number = static_cast<uint64_t>(duckdb_get_int64(parameter));
  duckdb_destroy_value(&parameter);
  auto bind = std::make_unique<Bind>(Bind{scans.find(number), side, {}});
  if (!bind->scan)
    return fail(Code::kNotFound, "there is no scan of records with the number " + std::to_string(number));
  const Scan& scan = *bind->scan;
  if (side == Side::kErrors) {
    bind->extras.assign(std::begin(kErrorExtras), std::end(kErrorExtras));
  } else {
    for (const Field& field : scan.spec.schema.fields) {
      duck::LogicalType type(duck::logical_type(field.type));
      duckdb_bind_add_result_column(info, field.name.c_str(), type.get());
    }
    if (scan.spec.rescue) bind->extras.push_back(kRescuedExtra);
    bind->extras.insert(bind->extras.end(), std::begin(kRecordExtras), std::end(kRecordExtras));
    duckdb_bind_set_cardinality(info, scan.records_estimate, false);
  }
  for (const ExtraColumn& extra : bind->extras) {
    duck::LogicalType type(duckdb_create_logical_type(extra.type));
    duckdb_bind_add_result_column(info, extra.name, type.get());
  }
  duckdb_bind_set_bind_data(info, bind.release(), destroy<Bind>);
  return {};
}

template <Side kSide>
void on_bind(duckdb_bind_info info) {
  guarded(
      [&] { return bind_scan(info, *static_cast<const Scans*>(duckdb_bind_get_extra_info(info)), kSide); },
      [&](const char* message) { duckdb_bind_set_error(info, message); });
}

void on_init(duckdb_init_info info) {
  guarded(
      [&]() -> Status {
        auto& bind = *static_cast<Bind*>(duckdb_init_get_bind_data(info));
        duckdb_init_set_max_threads(info, std::max<idx_t>(1, bind.scan->chunks.size()));
        duckdb_init_set_init_data(info, std::make_unique<Global>().release(), destroy<Global>);
        return {};
      },
      [&](const char* message) { duckdb_init_set_error(info, message); });
}

void on_local_init(duckdb_init_info info) {
  guarded(
      [&]() -> Status {
        auto& bind = *static_cast<Bind*>(duckdb_init_get_bind_data(info));
        duckdb_init_set_init_data(info, std::make_unique<Reading>(bind, info).release(), destroy<Reading>);
        return {};
      },
      [&](const char* message) { duckdb_init_set_error(info, message); });
}

void on_read(duckdb_function_info info, duckdb_data_chunk output) {
  guarded(
      [&] {
        auto& reading = *static_cast<Reading*>(duckdb_function_get_local_init_data(info));
        return reading.fill(*static_cast<Global*>(duckdb_function_get_init_data(info)), output);
      },
      [&](const char* message) { duckdb_function_set_error(info, message); });
}

Status register_function(duckdb_connection connection, Scans& scans, const char* name,
                         duckdb_table_function_bind_t bind) {
  duckdb_table_function function = duckdb_create_table_function();
  duck::LogicalType number(duckdb_create_logical_type(DUCKDB_TYPE_BIGINT));
  duckdb_table_function_set_name(function, name);
  duckdb_table_function_add_parameter(function, number.get());
  duckdb_table_function_set_extra_info(function, &scans, nullptr);
  duckdb_table_function_set_bind(function, bind);
  duckdb_table_function_set_init(function, on_init);
  duckdb_table_function_set_local_init(function, on_local_init);
  duckdb_table_function_set_function(function, on_read);
  duckdb_table_function_supports_projection_pushdown(function, true);
  duckdb_state state = duckdb_register_table_function(connection, function);
  duckdb_destroy_table_function(&function);
  if (state != DuckDBSuccess)
    return fail(Code::kInternal, std::string("DuckDB refused the table function ") + name);
  return {};
}

}  // namespace

uint64_t Scans::add(std::shared_ptr<Scan> scan) {
  scan->counted = std::make_unique<Scan::Counted[]>(scan->chunks.size());
  Lock lock(mu_);
  scans_.emplace(next_, std::move(scan));
  return next_++;
}

void Scans::remove(uint64_t number) {
  std::shared_ptr<Scan> last;  // freed without the lock
  Lock lock(mu_);
  if (auto found = scans_.find(number); found != scans_.end()) {
    last = std::move(found->second);
    scans_.erase(found);
  }
}

std::shared_ptr<Scan> Scans::find(uint64_t number) const {
  Lock lock(mu_);
  auto found = scans_.find(number);
  return found == scans_.end() ? nullptr : found->second;
}

Status register_scans(duck::Connection& connection, Scans& scans) {
  TARN_TRY(register_function(connection.handle(), scans, "tarn_records", on_bind<Side::kRecords>));
  return register_function(connection.handle(), scans, "tarn_errors", on_bind<Side::kErrors>);
}

}  // namespace tarn::columns
