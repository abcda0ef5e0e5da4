// The audit trail: who asked for what, and what the guard said.
//
// Entries are gathered and given to a sink in batches by a thread of its own. While the buffer is full record()
// waits, a second at most, and then refuses: what can't be recorded must not be done, and a sink that fails for
// long must not hold every request. What was recorded in the last moments before a crash may be missing. A field
// of more than 4,096 bytes is cut, and ends in an ellipsis; bytes that are no UTF-8 become U+FFFD.
// Owns: the thread, a bounded buffer.
// Threads: any.
// Fails: record(): kBusy (the buffer stays full), kUnavailable (the trail is ending). A sink that fails is tried
// again, and logged.
// Shapes: an entry is one JSON object: time, principal, kind, key, action, resource, allowed, reason, source_ip,
// request_id.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "base/metrics.h"
#include "base/time.h"

namespace tarn::access {

struct AuditEntry {
  Timestamp time;
  std::string principal;  // ARN
  std::string kind;       // "root", "user", "session", "anonymous", "system"
  std::string key_id;
  std::string action;
  std::string resource;
  bool allowed = false;
  std::string reason;
  std::string source_ip;
  std::string request_id;
};
std::string audit_json(const AuditEntry& entry);

struct AuditLimits {
  size_t entries_max = 65'536;  // that wait
  size_t bytes_max = 64 << 20;  // of those that wait or are being stored: clients choose how long theirs are
  Duration room_wait =
      std::chrono::seconds(1);  // of the first who finds it full; later ones are refused at once
};

class Audit {
 public:
  // Takes JSON records, durably; called from the audit's thread only.
  using Sink = std::function<Status(std::span<const std::string>)>;
  static std::unique_ptr<Audit> start(Sink sink, Metrics& metrics, AuditLimits limits = {});
  virtual ~Audit() = default;  // as stop(10 s)
  virtual Status record(AuditEntry entry) = 0;
  // Returns when everything recorded before is with the sink; kTimeout. kUnavailable: it was lost at the end.
  virtual Status flush(Deadline deadline) = 0;
  // Nobody waits for room from now on: for a stop that waits for requests before it stops this.
  virtual void stop_waiting() = 0;
  // Stores what is there, trying until `deadline`; the rest is logged and counted as lost.
  virtual void stop(Deadline deadline) = 0;
};

}  // namespace tarn::access
