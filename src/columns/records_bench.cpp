// How fast records become columns, beside DuckDB's own JSON reader on the same bytes, threads and settings.
//
//   records_bench [--events=N] [--threads=N] [--rounds=N] [--folder=PATH] [--case=PART_OF_A_NAME] [--alone]
// Writes N events (default 2 M of about 400 bytes and 13 fields) to a log and, the same bytes, to an NDJSON
// file; then times scans and COPY to zstd Parquet, each the best of its rounds, ours and DuckDB's in turn;
// ours --alone, for a profiler.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include <fmt/format.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "columns/records.h"

namespace tarn::columns {
namespace {

struct Flags {
  size_t events = 2'000'000;
  int threads = 2;
  int rounds = 3;
  bool alone = false;
  std::string copy_options;  // further ones, for our COPY alone
  std::string only;
  std::filesystem::path folder = std::filesystem::temp_directory_path() / "tarn-records-bench";
};

struct BenchColumn {
  const char* name;
  const char* type;
};
constexpr BenchColumn kColumns[] = {
    {"id", "BIGINT"},      {"event_id", "VARCHAR"}, {"time", "TIMESTAMPTZ"}, {"received", "TIMESTAMPTZ"},
    {"user_id", "BIGINT"}, {"name", "VARCHAR"},     {"email", "VARCHAR"},    {"country", "VARCHAR"},
    {"amount", "DOUBLE"},  {"balance", "DOUBLE"},   {"approved", "BOOLEAN"}, {"attempts", "BIGINT"},
    {"text", "VARCHAR"}};

std::string time_text(uint64_t ms) {
  auto seconds = static_cast<time_t>(ms / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03d}Z", text, ms % 1000);
}

// Ids, times, names, amounts, booleans and a line of prose: what events are made of.
std::string make_event(size_t i, std::mt19937_64& random) {
  static constexpr const char* kCountries[] = {"IN", "DE", "US", "GB", "FR", "BR", "JP", "ZA"};
  static constexpr const char* kFirst[] = {"Asha", "Bruno",  "Chen",  "Dina",
                                           "Emil", "Fatima", "Goran", "Hana"};
  static constexpr const char* kLast[] = {"Adler",   "Bose",   "Costa", "Dubois",
                                          "Eriksen", "Fujita", "Gupta", "Hughes"};
  static constexpr const char* kWords[] = {
      "payment",   "at",     "the", "terminal", "was",      "accepted", "after", "a",
      "second",    "check",  "by",  "issuing",  "bank",     "and",      "card",  "holder",
      "confirmed", "amount", "in",  "local",    "currency", "with",     "pin",   "receipt"};
  uint64_t ms = 1'700'000'000'000 + i * 7;
  uint64_t user = random() % 1'000'000;
  const char* first = kFirst[user % 8];
  const char* last = kLast[user / 8 % 8];
  std::string text;
  while (text.size() < 95) {
    if (!text.empty()) text += ' ';
    text += kWords[random() % std::size(kWords)];
  }
  return fmt::format(
      R"({{"id":{},"event_id":"{:016x}","time":"{}","received":"{}","user_id":{},"name":"{} {}",)"
      R"("email":"{}.{}.{}@example.com","country":"{}","amount":{}.{:02d},"balance":{}.{:02d},)"
      R"("approved":{},"attempts":{},"text":"{}"}})",
      i, random(), time_text(ms), time_text(ms + random() % 2000), user, first, last, first, last, user,
      kCountries[random() % 8], random() % 5000, random() % 100, random() % 100'000, random() % 100,
      random() % 10 ? "true" : "false", random() % 4, text);
}

struct Cost {  // in seconds; the least of all rounds
  double wall = 1e9;
  double cpu = 1e9;
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Bench {
 public:
  explicit Bench(Flags flags) : flags_(std::move(flags)), file_((flags_.folder / "events.ndjson").string()) {}

  Status run();

 private:
  Status generate();
  Result<std::string> ours(std::string_view select, bool declared);
  std::string peers(std::string_view select, bool declared) const;
  Status compare(const char* name, std::string_view select, bool copy, bool declared);
  Status infer_sample();

  Flags flags_;
  std::string file_;
  Scans scans_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<duck::Database> database_;
  std::optional<duck::Connection> connection_;
  uint64_t bytes_ = 0;
};

Status Bench::generate() {
  std::error_code ignored;
  std::filesystem::remove_all(flags_.folder, ignored);
  std::filesystem::create_directories(flags_.folder, ignored);
  TARN_ASSIGN(log_, log::Log::open(flags_.folder / "log", {}));
  std::ofstream ndjson(file_, std::ios::binary);
  std::mt19937_64 random(1);
  std::vector<std::string> events;
  for (size_t i = 0; i < flags_.events; ++i) {
    events.push_back(make_event(i, random));
    ndjson << events.back() << '\n';
    bytes_ += events.back().size() + 1;
    if (events.size() == 5000 || i + 1 == flags_.events) {
      std::vector<log::Record> batch(events.begin(), events.end());
      TARN_TRY(log_->append(batch));
      events.clear();
    }
  }
  ndjson.close();
  return ndjson ? Status{} : fail(Code::kIo, "can't write " + file_);
}

Result<std::string> Bench::ours(std::string_view select, bool declared) {
  auto scan = std::make_shared<Scan>();
  for (const BenchColumn& column : kColumns) {
    TARN_ASSIGN(Type type, parse_type(column.type));
    scan->spec.schema.fields.push_back(Field{0, column.name, std::move(type), false, ""});
  }
  assign_ids(scan->spec.schema, 0);
  scan->spec.declared = declared;
  scan->spec.watch_drift = !declared;
  scan->records_estimate = flags_.events;
  TARN_ASSIGN(std::vector<log::Chunk> chunks, log_->split(log_->begin(), log_->end(), 4 * kMiB));
  for (log::Chunk& chunk : chunks) scan->chunks.push_back({0, std::move(chunk)});
  return fmt::format("SELECT {} FROM tarn_records({})", select, scans_.add(scan));
}

std::string Bench::peers(std::string_view select, bool declared) const {
  if (!declared)
    return fmt::format("SELECT {} FROM read_json({}, format='newline_delimited')", select, quote_text(file_));
  std::string columns;
  for (const BenchColumn& column : kColumns)
    columns += fmt::format("{}{}: '{}'", columns.empty() ? "" : ", ", quote_name(column.name), column.type);
  return fmt::format("SELECT {} FROM read_json({}, columns={{{}}}, format='newline_delimited')", select,
                     quote_text(file_), columns);
}

// What a delivery does before it writes the first records of a stream: learns their shape from 4 MiB of them.
Status Bench::infer_sample() {
  TARN_ASSIGN(std::vector<log::Chunk> chunks, log_->split(log_->begin(), log_->end(), 4 * kMiB));
  TARN_ASSIGN(log::Mapping mapping, log::Mapping::map(chunks.at(0)));
  Inference seen{RecordLimits{}};
  while (true) {
    TARN_ASSIGN(std::optional<log::FrameView> frame, mapping.next());
    if (!frame) break;
    const char* at = frame->data;
    for (uint32_t i = 0; i < frame->count; at += frame->lengths[i] + 1, ++i)
      seen.observe({at, frame->lengths[i]});
  }
  return evolve(Schema{}, seen, RecordLimits{}, 0).fields.empty() ? Status(fail(Code::kInternal, "no shape"))
                                                                  : Status();
}

Status Bench::compare(const char* name, std::string_view select, bool copy, bool declared) {
  if (!std::string_view(name).contains(flags_.only)) return {};
  Cost our_best;
  Cost peer_best;
  auto timed = [&](const std::string& query, const std::string& options, bool infer, Cost& best) -> Status {
    std::string sql = query;
    if (copy) {
      sql = fmt::format("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd{})", query,
                        quote_text((flags_.folder / "out.parquet").string()), options);
    }
    auto start = std::chrono::steady_clock::now();
    double cpu = cpu_seconds();
    if (infer) TARN_TRY(infer_sample());
    TARN_TRY(connection_->run(sql));
    best.cpu = std::min(best.cpu, cpu_seconds() - cpu);
    best.wall =
        std::min(best.wall, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return {};
  };
  for (int round = 0; round < flags_.rounds; ++round) {
    TARN_ASSIGN(std::string query, ours(select, declared));
    TARN_TRY(
        timed(query, flags_.copy_options.empty() ? "" : ", " + flags_.copy_options, !declared, our_best));
    if (!flags_.alone) TARN_TRY(timed(peers(select, declared), "", false, peer_best));
  }
  auto events = static_cast<double>(flags_.events);
  fmt::print(
      "{:<24}{:>6.2f} M events/s, {:>5.0f} ns CPU each   DuckDB {:>6.2f} M events/s, {:>5.0f} ns   ratio "
      "{:.2f} ({:.2f} by "
      "CPU)\n",
      name, events / our_best.wall / 1e6, our_best.cpu / events * 1e9, events / peer_best.wall / 1e6,
      peer_best.cpu / events * 1e9, peer_best.wall / our_best.wall, peer_best.cpu / our_best.cpu);
  if (copy) {
    std::error_code ignored;
    fmt::print("    the file: {}\n",
               human_bytes(std::filesystem::file_size(flags_.folder / "out.parquet", ignored)));
  }
  std::fflush(stdout);
  return {};
}

Status Bench::run() {
  TARN_TRY(generate());
  TARN_ASSIGN(database_, duck::Database::open({{"threads", std::to_string(flags_.threads)},
                                               {"preserve_insertion_order", "false"}}));
  TARN_ASSIGN(duck::Connection connection, database_->connect());
  connection_.emplace(std::move(connection));
  TARN_TRY(register_scans(*connection_, scans_));
  fmt::print("{} events, {:.0f} bytes each, {} threads, best of {}\n", flags_.events,
             static_cast<double>(bytes_) / static_cast<double>(flags_.events), flags_.threads, flags_.rounds);
  std::string all;
  std::string hashes;
  for (const BenchColumn& column : kColumns) {
    all += (all.empty() ? "" : ", ") + quote_name(column.name);
    hashes += (hashes.empty() ? "count(" : "), count(") + quote_name(column.name);
  }
  hashes += ")";
  TARN_TRY(compare("count(*)", "count(*)", false, true));
  TARN_TRY(compare("scan, all columns", hashes, false, true));
  TARN_TRY(compare("scan, one column", "sum(amount)", false, true));
  TARN_TRY(compare("zstd Parquet, declared", all, true, true));
  TARN_TRY(compare("zstd Parquet, inferred", all, true, false));
  std::error_code ignored;
  connection_.reset();
  log_.reset();
  std::filesystem::remove_all(flags_.folder, ignored);
  return {};
}

}  // namespace
}  // namespace tarn::columns

int main(int argc, char** argv) {
  tarn::columns::Flags flags;
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    auto value = [&](std::string_view name) -> const char* {
      return argument.starts_with(name) ? argv[i] + name.size() : nullptr;
    };
    if (const char* events = value("--events=")) {
      flags.events = std::strtoull(events, nullptr, 10);
    } else if (const char* threads = value("--threads=")) {
      flags.threads = std::atoi(threads);
    } else if (const char* rounds = value("--rounds=")) {
      flags.rounds = std::atoi(rounds);
    } else if (const char* folder = value("--folder=")) {
      flags.folder = folder;
    } else if (const char* only = value("--case=")) {
      flags.only = only;
    } else if (const char* options = value("--copy-options=")) {
      flags.copy_options = options;
    } else if (argument == "--alone") {
      flags.alone = true;
    } else {
      fmt::print(
          stderr,
          "records_bench [--events=N] [--threads=N] [--rounds=N] [--folder=PATH] [--case=NAME] [--alone]\n");
      return 2;
    }
  }
  if (tarn::Status status = tarn::columns::Bench(flags).run(); !status) {
    fmt::print(stderr, "records_bench: {}\n", status.error().message);
    return 1;
  }
  return 0;
}
