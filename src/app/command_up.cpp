// tarn up: a lake, until it is told to stop.

#include <chrono>
#include <csignal>
#include <ostream>

#include <fmt/core.h>

#include "app/commands.h"
#include "app/interrupts.h"
#include "app/lake_file.h"
#include "app/lake_process.h"
#include "app/version.h"
#include "base/logging.h"

namespace tarn::app {
namespace {

constexpr Duration kStopTimeout = std::chrono::seconds(30);

Result<LakeFile> file_to_apply(const UpOptions& options) {
  if (!options.file.empty()) return read_lake_file(options.file);
  std::error_code ignored;
  if (std::filesystem::exists("lake.yaml", ignored)) return read_lake_file("lake.yaml");
  TARN_LOG(
      info,
      "no lake file: the lake is as it was left. Write lake.yaml (docs/lake-file.md) or name one with -f");
  return LakeFile{};
}

}  // namespace

Result<int> command_up(Context&, const UpOptions& options) {
  TARN_ASSIGN(LakeFile file, file_to_apply(options));
  if (!options.http.empty()) file.http = options.http;
  // Before any thread starts, so that every thread leaves these signals to this one.
  Interrupts interrupts({SIGTERM, SIGINT});
  TARN_LOG(info, "tarn {} opens lake {} in {}", kVersion, file.name, options.data.string());
  TARN_ASSIGN(std::unique_ptr<LakeProcess> lake, LakeProcess::start(options.data, file));
  TARN_LOG(
      info,
      "listening on http://{} (this machine only, and open to every user of it: principals don't exist yet)",
      lake->address());
  int signal = interrupts.wait();
  TARN_LOG(info, "{}: delivering what is there, then stopping; once more to stop at once",
           signal == SIGINT ? "interrupted" : "told to stop");
  interrupts.release();
  if (Status stopped = lake->stop(Deadline::after(kStopTimeout)); !stopped) {
    TARN_LOG(warn, "not everything was delivered; it is kept and will be at the next start: {}",
             stopped.error().message);
  }
  TARN_LOG(info, "stopped");
  return kDone;
}

}  // namespace tarn::app
