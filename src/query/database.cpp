// Opening the process's DuckDB: see engine.h.
#include <algorithm>
#include <thread>

#include <fmt/core.h>
#include <unistd.h>

#include "base/bytes.h"
#include "columns/type.h"
#include "lake/data_writer.h"
#include "query/bounded_functions.h"
#include "query/engine.h"

namespace tarn::query {
namespace {

uint64_t machine_memory_bytes() {
  return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

Result<std::unique_ptr<duck::Database>> open_database(const DatabaseOptions& options, columns::Scans& scans) {
  uint64_t memory = options.memory_bytes != 0 ? options.memory_bytes : machine_memory_bytes() / 2;
  int threads = options.threads > 0 ? options.threads
                                    : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::map<std::string, std::string> settings = {
      {"memory_limit", fmt::format("{}B", memory)}, {"threads", std::to_string(threads)},
      {"preserve_insertion_order", "false"},  // rows of a table have no order; keeping one costs parallelism
      {"autoinstall_known_extensions", "false"},    {"autoload_known_extensions", "false"},
      {"allow_community_extensions", "false"},
  };
  if (!options.spill_folder.empty()) settings["temp_directory"] = options.spill_folder;
  TARN_ASSIGN(auto database, duck::Database::open(settings));
  TARN_ASSIGN(duck::Connection connection, database->connect());
  TARN_TRY(columns::register_scans(connection, scans));
  TARN_TRY(lake::register_transforms(connection));
  std::string sql = "SET GLOBAL TimeZone = 'UTC'; SET GLOBAL parquet_metadata_cache = true;";
  if (!options.folders.empty()) {
    std::string list;
    for (const std::string& folder : options.folders) {
      list += (list.empty() ? "" : ", ") + columns::quote_text(folder.ends_with('/') ? folder : folder + "/");
    }
    sql += fmt::format("SET GLOBAL allowed_directories = [{}]; SET GLOBAL enable_external_access = false;",
                       list);
  }
  TARN_TRY(connection.run(bounded_functions_sql()));  // for transforms, which have no session
  TARN_TRY(connection.run(sql + "SET GLOBAL lock_configuration = true;"));
  return database;
}

}  // namespace tarn::query
