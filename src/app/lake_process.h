// A whole lake in this process: opened from its data folder, brought to its lake file, listening.
//
// In the folder: lock (who has it), log/ (streams' records), objects/ (tables' files), meta.db (the metastore),
// objects.db and blobs/ (what is in buckets), root.key and secret.key (mode 0600), spill/ (queries that need more
// than memory; emptied at start), http.address (where it listens, while it does).
// Owns: every part. Started bottom up, stopped top down: door, maintenance, streams, then the rest.
// Threads: start() and stop() from the owner's.
// Fails: start: kBusy (another process has the folder), kIo (it can't be written), kExists (the port is
// taken), kCorrupt. What can't be applied of the lake file is logged, and the lake serves what it has.
// Durable: stop() returns after what was acknowledged is delivered, or kept in the log for the next start.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "access/identities.h"
#include "app/lake_file.h"
#include "base/error.h"
#include "base/time.h"

namespace tarn::app {

class LakeProcess {
 public:
  static Result<std::unique_ptr<LakeProcess>> start(const std::filesystem::path& data, const LakeFile& file);
  ~LakeProcess();
  LakeProcess(const LakeProcess&) = delete;
  LakeProcess& operator=(const LakeProcess&) = delete;

  // At the first start of a lake: its root key, to be shown once. It is in DATA/root.key too.
  const std::optional<access::NewAccessKey>& new_root_key() const;
  const std::string& address() const;  // "127.0.0.1:9700"
  Status stop(Deadline deadline);

 private:
  struct Parts;
  explicit LakeProcess(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// An address that only this machine reaches.
bool is_loopback(const HostPort& at);

}  // namespace tarn::app
