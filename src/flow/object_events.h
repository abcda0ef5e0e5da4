// Tells the bus `default` what happened to objects: from the store's outbox to the stream system.events.
//
// An event is forgotten by the outbox once it is durable in the stream, so each is told at least once, and after a
// crash perhaps twice, with the same id. Shapes are EventBridge's: source aws.s3, detail-type Object Created,
// Object Deleted, Object Tags Added, Object Tags Deleted.
// Owns: its thread. Borrows the outbox and the streams.
// Threads: start() and stop() from the owner's.
// Fails: what can't be told now is tried again; `last_error` is logged once a kind.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "base/metrics.h"
#include "base/time.h"
#include "flow/streams.h"
#include "store/outbox.h"

namespace tarn::flow {

class ObjectEvents {
 public:
  ObjectEvents(store::Outbox& outbox, Streams& streams, Metrics& metrics, std::string region);
  ~ObjectEvents();
  ObjectEvents(const ObjectEvents&) = delete;
  ObjectEvents& operator=(const ObjectEvents&) = delete;
  void start();
  // Tells what is there, if that is quick, then ends the thread.
  void stop();
  // One round: tells what the outbox has now. The number of events.
  Result<size_t> tell();

 private:
  void run();

  store::Outbox& outbox_;
  Streams& streams_;
  const std::string region_;
  Counter& told_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// The event as JSON, as it stands on the bus.
std::string event_json(const store::ObjectEvent& event, const std::string& region);

}  // namespace tarn::flow
