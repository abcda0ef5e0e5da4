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

// Shown at the first start and never again; a log that is kept is no place for it.
void show_root_key(Context& context, const access::NewAccessKey& key, const std::filesystem::path& data) {
  std::string file = (data / "root.key").string();
  TARN_LOG(info, "a new lake: its root key is in {} (mode 0600); `tarn env --data {}` prints it for SDKs",
           file, data.string());
  if (!context.out_terminal.interactive) return;
  context.out << fmt::format("\n  access key id      {}\n  secret access key  {}\n\n", key.key.id,
                             key.secret);
  context.out.flush();
}

void say_where(const LakeFile& file, const std::string& address) {
  bool tls = !file.tls.certificate.empty();
  TARN_LOG(info, "listening on http{}://{}", tls ? "s" : "", address);
  auto at = parse_address(address);
  if (at && !is_loopback(*at) && !tls)
    TARN_LOG(
        warn,
        "other machines reach this port without TLS: only signed requests (SigV4) are taken from them, and "
        "what is sent can be read on the way. Set tls.certificate and tls.key in the lake file");
}

}  // namespace

Result<int> command_up(Context& context, const UpOptions& options) {
  TARN_ASSIGN(LakeFile file, file_to_apply(options));
  if (!options.http.empty()) file.http = options.http;
  // Before any thread starts, so that every thread leaves these signals to this one.
  Interrupts interrupts({SIGTERM, SIGINT});
  TARN_LOG(info, "tarn {} opens lake {} in {}", kVersion, file.name, options.data.string());
  TARN_ASSIGN(std::unique_ptr<LakeProcess> lake, LakeProcess::start(options.data, file));
  if (lake->new_root_key()) show_root_key(context, *lake->new_root_key(), options.data);
  say_where(file, lake->address());
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
