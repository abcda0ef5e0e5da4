#include "lake/staged_files.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <system_error>
#include <thread>

#include "base/id.h"
#include "base/thread.h"

namespace tarn::lake {
namespace {

constexpr size_t kThreadsMax = 8;  // more don't make a disk's syncs any faster

class FirstError {
 public:
  void set(Error error) {
    Lock lock(mu_);
    if (!error_) error_ = std::move(error);
  }
  Status take() {
    Lock lock(mu_);
    if (error_) return fail(std::move(*error_));
    return {};
  }

 private:
  Mutex mu_;
  std::optional<Error> error_ TARN_GUARDED_BY(mu_);
};

}  // namespace

StagedFiles::StagedFiles(store::Store& store)
    : store_(store), folder_(store.staging() / ("write-" + uuid_v4())) {}

StagedFiles::~StagedFiles() {
  std::error_code ignored;  // what stays behind goes when the store is opened next
  std::filesystem::remove_all(folder_, ignored);
  for (const store::Uri& uri : adopted_) (void)store_.remove(uri);
}

Status StagedFiles::adopt(const std::vector<Move>& moves) {
  std::vector<store::Uri> uris;
  for (const Move& move : moves) {
    TARN_ASSIGN(store::Uri uri, store::Uri::parse(move.uri));
    uris.push_back(std::move(uri));
  }
  adopted_ = uris;  // before the first: one whose outcome isn't known is removed too
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  FirstError error;
  auto work = [&] {
    for (size_t i = next++; i < moves.size() && !failed; i = next++) {
      Status done = store_.adopt(moves[i].file, uris[i]);
      if (done) continue;
      failed = true;
      error.set(std::move(done).error());
    }
  };
  std::vector<std::jthread> helpers;  // joined at the end of the block, before what they use goes
  for (size_t i = 1; i < std::min(moves.size(), kThreadsMax); ++i) helpers.emplace_back(work);
  work();
  helpers.clear();
  return error.take();
}

}  // namespace tarn::lake
