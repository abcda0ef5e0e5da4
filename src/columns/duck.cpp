#include "columns/duck.h"

#include <utility>

#include "columns/duck_json.h"

namespace tarn::duck {
namespace {

constexpr std::string_view kInterrupted = "INTERRUPT";

Code code_of(duckdb_error_type type) {
  switch (type) {
    case DUCKDB_ERROR_INTERRUPT:
      return Code::kCancelled;
    case DUCKDB_ERROR_OUT_OF_MEMORY:
      return Code::kTooLarge;
    case DUCKDB_ERROR_IO:
      return Code::kIo;
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_FATAL:
    case DUCKDB_ERROR_SERIALIZATION:
      return Code::kInternal;
    case DUCKDB_ERROR_NOT_IMPLEMENTED:
      return Code::kUnsupported;
    case DUCKDB_ERROR_PERMISSION:
      return Code::kDenied;
    default:
      return Code::kInvalid;
  }
}

Error error_of(duckdb_result& result) {
  const char* message = duckdb_result_error(&result);
  return to_error(message == nullptr ? "DuckDB gave no message" : message, duckdb_result_error_type(&result));
}

}  // namespace

Error to_error(std::string_view message, duckdb_error_type type) {
  Code code = code_of(type);
  // Errors that cross a streamed result lose their type; their text still says it.
  if (message.starts_with(kInterrupted) || message.find("Interrupted!") != std::string_view::npos)
    code = Code::kCancelled;
  if (message.find("Out of Memory Error") != std::string_view::npos) code = Code::kTooLarge;
  if (message.find("No space left on device") != std::string_view::npos) code = Code::kFull;
  return Error{code, std::string(message), 0};
}

Chunk& Chunk::operator=(Chunk&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

Chunk::~Chunk() {
  if (handle_ != nullptr) duckdb_destroy_data_chunk(&handle_);
}

Rows::Rows(Rows&& other) noexcept : result_(other.result_), owned_(std::exchange(other.owned_, false)) {}

Rows& Rows::operator=(Rows&& other) noexcept {
  std::swap(result_, other.result_);
  std::swap(owned_, other.owned_);
  return *this;
}

Rows::~Rows() {
  if (owned_) duckdb_destroy_result(&result_);
}

size_t Rows::columns() const {
  return duckdb_column_count(const_cast<duckdb_result*>(&result_));
}

std::string Rows::name(size_t column) const {
  return duckdb_column_name(const_cast<duckdb_result*>(&result_), column);
}

duckdb_type Rows::type(size_t column) const {
  return duckdb_column_type(const_cast<duckdb_result*>(&result_), column);
}

duckdb_logical_type Rows::logical_type(size_t column) const {
  return duckdb_column_logical_type(const_cast<duckdb_result*>(&result_), column);
}

Result<std::optional<Chunk>> Rows::next() {
  duckdb_data_chunk chunk = duckdb_fetch_chunk(result_);
  if (chunk == nullptr) {
    const char* message = duckdb_result_error(&result_);
    if (message != nullptr && *message != '\0') return fail(error_of(result_));
    return std::optional<Chunk>();
  }
  Chunk owned(chunk);
  if (owned.rows() == 0) return std::optional<Chunk>();
  return std::optional<Chunk>(std::move(owned));
}

Result<std::vector<std::vector<std::optional<std::string>>>> Rows::all_as_text() && {
  std::vector<std::vector<std::optional<std::string>>> all;
  std::vector<LogicalType> types;
  for (size_t c = 0; c < columns(); ++c) types.emplace_back(logical_type(c));
  while (true) {
    TARN_ASSIGN(std::optional<Chunk> chunk, next());
    if (!chunk) return all;
    for (size_t row = 0; row < chunk->rows(); ++row) {
      auto& values = all.emplace_back();
      for (size_t c = 0; c < types.size(); ++c)
        values.push_back(value_text(chunk->column(c), types[c].get(), row));
    }
  }
}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

Connection::~Connection() {
  if (handle_ != nullptr) duckdb_disconnect(&handle_);
}

Result<Rows> Connection::stream(const std::string& sql) {
  duckdb_prepared_statement statement = nullptr;
  if (duckdb_prepare(handle_, sql.c_str(), &statement) == DuckDBError) {
    const char* message = duckdb_prepare_error(statement);
    Error error =
        to_error(message == nullptr ? "DuckDB gave no message" : message, DUCKDB_ERROR_INVALID_INPUT);
    duckdb_destroy_prepare(&statement);
    return fail(std::move(error));
  }
  Rows rows;
  rows.owned_ = true;
  duckdb_state state = duckdb_execute_prepared_streaming(statement, &rows.result_);
  duckdb_destroy_prepare(&statement);
  if (state == DuckDBError) return fail(error_of(rows.result_));
  return rows;
}

Status Connection::run(const std::string& sql) {
  duckdb_result result{};
  duckdb_state state = duckdb_query(handle_, sql.c_str(), &result);
  Status status;
  if (state == DuckDBError) status = fail(error_of(result));
  duckdb_destroy_result(&result);
  return status;
}

Result<std::vector<std::vector<std::optional<std::string>>>> Connection::text(const std::string& sql) {
  Rows rows;
  rows.owned_ = true;
  if (duckdb_query(handle_, sql.c_str(), &rows.result_) == DuckDBError) return fail(error_of(rows.result_));
  return std::move(rows).all_as_text();
}

Result<std::unique_ptr<Database>> Database::open(const std::map<std::string, std::string>& settings) {
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) == DuckDBError) return fail(Code::kInternal, "DuckDB: no configuration");
  for (const auto& [name, value] : settings) {
    if (duckdb_set_config(config, name.c_str(), value.c_str()) == DuckDBError) {
      duckdb_destroy_config(&config);
      return fail(Code::kInvalid, "DuckDB doesn't take the setting " + name + " = " + value);
    }
  }
  std::unique_ptr<Database> database(new Database());
  char* message = nullptr;
  duckdb_state state = duckdb_open_ext(":memory:", &database->handle_, config, &message);
  duckdb_destroy_config(&config);
  if (state == DuckDBError) {
    Error error{Code::kInvalid, std::string("DuckDB can't be opened: ") + (message == nullptr ? "" : message),
                0};
    duckdb_free(message);
    return fail(std::move(error));
  }
  return database;
}

Database::~Database() {
  if (handle_ != nullptr) duckdb_close(&handle_);
}

Result<Connection> Database::connect() {
  duckdb_connection connection = nullptr;
  if (duckdb_connect(handle_, &connection) == DuckDBError)
    return fail(Code::kInternal, "DuckDB gives no further connection");
  return Connection(connection);
}

}  // namespace tarn::duck
