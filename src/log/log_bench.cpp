// How fast the log appends, recovers and is read. The disk decides the first, so its own speed is measured
// beside it.
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "base/bytes.h"
#include "log/log.h"

namespace tarn::log {
namespace {

namespace fs = std::filesystem;

// In the working directory, which is on a disk; the folder for temporary files often isn't.
class Folder {
 public:
  Folder() {
    std::string name = (fs::current_path() / "log-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::vector<Record> records(const std::string& data, size_t n) {
  return std::vector<Record>(n, Record{data});
}

// What a lone append can't beat: overwriting written blocks and syncing them.
void BM_RawSync(benchmark::State& state) {
  Folder folder;
  auto file = *FileSystem::real().open(folder.path() / "raw", OpenMode::kCreate);
  std::string zeros(16 * kMiB, '\0');
  (void)file->write_at(0, zeros);
  (void)file->sync_data();
  std::string bytes(static_cast<size_t>(state.range(0)), 'x');
  uint64_t offset = 0;
  for (auto _ : state) {
    (void)file->write_at(offset, bytes);
    (void)file->sync_data();
    offset = (offset + bytes.size()) % (15 * kMiB);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(BM_RawSync)->Arg(1000)->Arg(200'000)->UseRealTime();

// One producer, each batch acknowledged before the next: records of 100 bytes.
void BM_Append(benchmark::State& state) {
  Folder folder;
  auto log = *Log::open(folder.path(), {});
  std::string data(100, 'x');
  auto batch = records(data, static_cast<size_t>(state.range(0)));
  for (auto _ : state)
    if (!log->append(batch)) state.SkipWithError("append failed");
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch.size()));
  state.SetBytesProcessed(static_cast<int64_t>(log->bytes_between(0, log->end())));
}
BENCHMARK(BM_Append)->Arg(10)->Arg(500)->Arg(2000)->UseRealTime();

// Many batches of 500 records of 400 bytes under way at once.
void BM_AppendAsync(benchmark::State& state) {
  Folder folder;
  auto log = *Log::open(folder.path(), {});
  std::string data(400, 'x');
  auto batch = records(data, 500);
  std::atomic<int64_t> open = 0;
  for (auto _ : state) {
    while (open.load() >= state.range(0)) std::this_thread::yield();
    ++open;
    log->append_async(batch, std::nullopt, [&](const Result<Appended>&) { --open; });
  }
  while (open.load() > 0) std::this_thread::yield();
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * 200'000));
}
BENCHMARK(BM_AppendAsync)->Arg(1)->Arg(16)->Arg(128)->UseRealTime();

// Group commit: threads that each wait for their own batch of 10 records.
std::unique_ptr<Folder> shared_folder;  // of the benchmark that runs
std::unique_ptr<Log> shared_log;
void BM_GroupCommit(benchmark::State& state) {
  std::string data(100, 'x');
  auto batch = records(data, 10);
  for (auto _ : state)
    if (!shared_log->append(batch)) state.SkipWithError("append failed");
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch.size()));
}
BENCHMARK(BM_GroupCommit)
    ->ThreadRange(1, 32)
    ->UseRealTime()
    ->Setup([](const benchmark::State&) {
      shared_folder = std::make_unique<Folder>();
      shared_log = *Log::open(shared_folder->path(), {});
    })
    ->Teardown([](const benchmark::State&) {
      shared_log.reset();
      shared_folder.reset();
    });

constexpr int kGigabyteBatches = 5368;  // of 200 KB

void fill(Log& log) {
  std::string data(400, 'x');
  auto batch = records(data, 500);
  std::atomic<int> open = 0;
  for (int i = 0; i < kGigabyteBatches; ++i) {
    while (open.load() >= 100) std::this_thread::yield();
    ++open;
    log.append_async(batch, std::nullopt, [&](const Result<Appended>&) { --open; });
  }
  while (open.load() > 0) std::this_thread::yield();
  TARN_CHECK(log.end() == Sequence{kGigabyteBatches} * 500);
}

void BM_Recovery1GiB(benchmark::State& state) {
  Folder folder;
  fill(**Log::open(folder.path(), {}));
  for (auto _ : state) benchmark::DoNotOptimize(Log::open(folder.path(), {}));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * kGigabyteBatches * 200'000);
}
BENCHMARK(BM_Recovery1GiB)->Unit(benchmark::kMillisecond)->Iterations(3)->UseRealTime();

void BM_MappingScan1GiB(benchmark::State& state) {
  Folder folder;
  auto log = *Log::open(folder.path(), {});
  fill(*log);
  uint64_t sum = 0;
  auto chunks = *log->split(0, log->end(), 4 * kMiB);
  for (auto _ : state)
    for (const Chunk& chunk : chunks) {
      auto mapping = *Mapping::map(chunk);
      while (auto frame = *mapping.next())
        for (uint64_t i = 0; i < frame->data_bytes; i += 64)
          sum += static_cast<unsigned char>(frame->data[i]);
    }
  benchmark::DoNotOptimize(sum);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * kGigabyteBatches * 200'000);
}
BENCHMARK(BM_MappingScan1GiB)->Unit(benchmark::kMillisecond)->Iterations(3)->UseRealTime();

}  // namespace
}  // namespace tarn::log
