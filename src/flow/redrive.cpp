// Sending the error table's records through again: part of StreamState, see stream_state.h.
//
// Each data file of the error table is a producer of its own whose batches are numbered in the order of seq,
// so that a redrive that was cut short sends nothing twice: the log knows the batches that it has. Then the
// file leaves the table.
#include <fmt/core.h>

#include "base/fault_point.h"
#include "flow/stream_state.h"

namespace tarn::flow {
namespace {

constexpr size_t kBatchRecords = 500;
constexpr uint64_t kBatchBytes = 4 * kMiB;

struct Taken {
  std::vector<std::string> data;
  std::vector<std::string> keys;
  uint64_t bytes = 0;
};

std::string_view blob_at(duckdb_vector vector, size_t row) {
  uint64_t* validity = duckdb_vector_get_validity(vector);
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) return {};
  auto& text = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector))[row];
  return {duckdb_string_t_data(&text), duckdb_string_t_length(text)};
}

}  // namespace

Result<Redriven> StreamState::redrive() {
  TARN_TRY(flush(Deadline::never()));
  Redriven redriven;
  lake::Catalog& catalog = shared_.parts.catalog;
  lake::TableName name = error_table(spec().deliver.table);
  TARN_ASSIGN(lake::Table table, catalog.load(name));
  if (table->snapshot() == nullptr) return redriven;
  TARN_ASSIGN(std::vector<lake::DataFile> files, catalog.files(*table, *table->snapshot()));
  TARN_ASSIGN(duck::Connection connection, shared_.parts.database.connect());

  for (const lake::DataFile& file : files) {
    std::string producer = "redrive:" + file.path.substr(file.path.rfind('/') + 1);
    uint64_t number = 0;
    Taken taken;
    auto send = [&]() -> Status {
      if (taken.data.empty()) return {};
      std::vector<log::Record> records;
      for (size_t i = 0; i < taken.data.size(); ++i) records.push_back({taken.data[i], taken.keys[i]});
      TARN_TRY(append(records, log::Producer{producer, number++}));
      redriven.records += records.size();
      taken = {};
      return {};
    };
    TARN_ASSIGN(store::Uri uri, store::Uri::parse(file.path));
    TARN_ASSIGN(duck::Rows rows,
                connection.stream(fmt::format("SELECT key, record FROM read_parquet({}) ORDER BY seq",
                                              columns::quote_text(catalog.store().readable(uri)))));
    while (true) {
      TARN_ASSIGN(std::optional<duck::Chunk> chunk, rows.next());
      if (!chunk) break;
      for (size_t row = 0; row < chunk->rows(); ++row) {
        taken.keys.emplace_back(blob_at(chunk->column(0), row));
        taken.data.emplace_back(blob_at(chunk->column(1), row));
        taken.bytes += taken.data.back().size();
        if (taken.data.size() >= kBatchRecords || taken.bytes >= kBatchBytes) TARN_TRY(send());
      }
    }
    TARN_TRY(send());
    fault_point("redrive.appended");
    lake::Change change;
    change.operation = "delete";
    change.removed = {file.path};
    auto removed = catalog.commit(name, change);
    if (!removed) return fail(std::move(removed).error().in("taking redriven records out of " + name.str()));
  }
  return redriven;
}

}  // namespace tarn::flow
