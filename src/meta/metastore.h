// Small, transactional state: names, definitions, pointers to table metadata. SQLite here; PostgreSQL behind
// the same face later, so statements stay in the SQL that both take, with ? parameters.
//
// Owns: one database file and its connections.
// Threads: any; the bodies of transactions that write run one after the other, on their callers' threads. Those
// that wait for each other share one commit: each sees what the ones before it did, and when the commit fails
// all of them fail.
// Fails: kBusy after 10 s of waiting, kFull, kIo, kCorrupt; kInternal for SQL that is wrong.
// Durable: transact() returns after the commit is on disk (synchronous = FULL), whoever of the group made it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

namespace tarn::meta {

struct Blob {  // bytes that are no text
  std::string bytes;
  bool operator==(const Blob&) const = default;
};
using Value = std::variant<std::monostate, int64_t, double, std::string, Blob>;  // monostate is NULL
using Row = std::vector<Value>;

// One step of a part's schema: `part` + `number` is run once, in order, and remembered in the table
// `migrations`.
struct Migration {
  std::string_view part;  // "lake", "flow"
  int number = 0;
  std::string_view sql;  // one or more statements
};

class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual Result<std::vector<Row>> query(std::string_view sql, std::span<const Value> parameters = {}) = 0;
  // The number of rows changed.
  virtual Result<int64_t> execute(std::string_view sql, std::span<const Value> parameters = {}) = 0;
};

class Metastore {
 public:
  virtual ~Metastore() = default;
  // Unknown, newer migrations in the file are kUnsupported: the lake was written by a newer Tarn.
  virtual Status migrate(std::span<const Migration> migrations) = 0;
  // Commits when `body` succeeds, takes back what it did when it fails or throws.
  virtual Status transact(const std::function<Status(Transaction&)>& body) = 0;
  // A consistent read; never waits for writers.
  virtual Status read(const std::function<Status(Transaction&)>& body) const = 0;
};

inline constexpr size_t kGroupMax =
    256;  // transactions that share a commit: bounds how long the first one waits

Result<std::unique_ptr<Metastore>> open_sqlite(const std::filesystem::path& file,
                                               size_t group_max = kGroupMax);

// Values of a row, checked: kCorrupt when the column has another type.
Result<std::string> text(const Row& row, size_t column);
Result<int64_t> integer(const Row& row, size_t column);
Result<std::string> blob(const Row& row, size_t column);

}  // namespace tarn::meta
