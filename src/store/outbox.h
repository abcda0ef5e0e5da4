// Changes of objects that happened and were not told yet: rows of the metastore, written in the transaction
// of the change, removed once somebody durably has them. So each is told at least once, whatever crashes; the
// numbers let the one who is told count each once.
//
// Owns: nothing. Borrows the metastore.
// Threads: any; one reader.
// Fails: as the metastore; kCorrupt for a row that no Outbox wrote.
// Durable: forget() when it returns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/thread.h"
#include "base/time.h"
#include "meta/metastore.h"

namespace tarn::store {

enum class ObjectChange { kCreated, kDeleted, kTagsAdded, kTagsDeleted };

struct ObjectEvent {
  uint64_t number = 0;  // grows by one with each event of the lake
  ObjectChange change = ObjectChange::kCreated;
  Timestamp at;
  std::string bucket;
  std::string key;
  uint64_t bytes = 0;          // kCreated
  std::string etag;            // kCreated
  std::string version_id;      // empty: unversioned
  std::string sequencer;       // hex, ordered for one key
  std::string reason;          // as Cause::reason
  bool delete_marker = false;  // kDeleted: a delete marker was made; else the object is gone for good
  std::string requester;
  std::string source_ip;
  std::string request_id;
};

class Outbox {
 public:
  explicit Outbox(meta::Metastore& metastore) : metastore_(metastore) {}
  // In the transaction of the change; its number is set.
  static Status add(meta::Transaction& transaction, ObjectEvent& event);
  // The oldest, in order of their numbers.
  Result<std::vector<ObjectEvent>> next(size_t limit) const;
  Status forget(uint64_t up_to_number);

  // Waits until something may have been added since the last call, or the time passed. Told by added().
  void wait(Duration at_most);
  void added();  // after a commit
  void close();  // wakes wait() for good

 private:
  meta::Metastore& metastore_;
  Mutex mu_;
  CondVar changed_;
  bool news_ TARN_GUARDED_BY(mu_) = true;
  bool closed_ TARN_GUARDED_BY(mu_) = false;
};

}  // namespace tarn::store
