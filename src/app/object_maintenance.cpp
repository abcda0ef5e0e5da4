#include "app/object_maintenance.h"

#include "base/logging.h"
#include "store/lifecycle.h"

namespace tarn::app {

void ObjectMaintenance::start() {
  thread_ = std::thread([this] { run(); });
}

void ObjectMaintenance::stop() {
  {
    Lock lock(mu_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool ObjectMaintenance::stopping() {
  Lock lock(mu_);
  return stopping_;
}

void ObjectMaintenance::run() {
  sweep();
  while (!stopping()) {
    expire();
    if (auto swept = objects_.sweep_removed(); !swept)
      TARN_LOG(warn, "objects: files of removed objects could not be removed: {}", swept.error().message);
    auto next = std::chrono::steady_clock::now() + every_;
    Lock lock(mu_);
    while (!stopping_ && std::chrono::steady_clock::now() < next) changed_.wait_until(mu_, next);
  }
}

void ObjectMaintenance::sweep() {
  auto swept = objects_.sweep();
  if (!swept) {
    TARN_LOG(warn, "objects: files that nothing names could not be removed: {}", swept.error().message);
  } else if (*swept > 0) {
    TARN_LOG(info, "objects: removed {} files that a crash left behind", *swept);
  }
}

void ObjectMaintenance::expire() {
  auto done = store::run_lifecycle(objects_, clock_, [this] { return stopping(); });
  if (!done) {
    TARN_LOG(warn, "objects: lifecycle rules could not be run: {}", done.error().message);
    return;
  }
  size_t all = done->expired + done->versions_removed + done->markers_removed + done->uploads_aborted;
  if (all > 0)
    TARN_LOG(info, "objects: lifecycle rules expired {} objects, {} older versions, {} markers, {} uploads",
             done->expired, done->versions_removed, done->markers_removed, done->uploads_aborted);
}

}  // namespace tarn::app
