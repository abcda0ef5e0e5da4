#include "flow/object_events.h"

#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/core.h>

#include "base/logging.h"
#include "flow/system_streams.h"

namespace tarn::flow {

namespace json = boost::json;

namespace {

constexpr size_t kBatchEvents = 1000;
constexpr Duration kLookAgain = std::chrono::seconds(5);  // the longest that a change goes unnoticed
constexpr Duration kRetryFirst = std::chrono::milliseconds(100);
constexpr Duration kRetryMax = std::chrono::seconds(10);
constexpr Duration kBusyWait = std::chrono::seconds(1);
constexpr std::string_view kAccount = "000000000000";

std::string_view detail_type(store::ObjectChange change) {
  switch (change) {
    case store::ObjectChange::kCreated:
      return "Object Created";
    case store::ObjectChange::kDeleted:
      return "Object Deleted";
    case store::ObjectChange::kTagsAdded:
      return "Object Tags Added";
    case store::ObjectChange::kTagsDeleted:
      return "Object Tags Deleted";
  }
  return "";
}

// The same number always has the same id, so that an event that is told twice can be known again.
std::string event_id(const store::ObjectEvent& event) {
  uint64_t a = event.number * 0x9E3779B97F4A7C15ull;
  uint64_t b = (a ^ (a >> 29)) * 0xBF58476D1CE4E5B9ull ^ static_cast<uint64_t>(event.at.us);
  return fmt::format("{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xfff,
                     0x8000 | ((b >> 48) & 0x3fff), event.number & 0xffffffffffff);
}

}  // namespace

std::string event_json(const store::ObjectEvent& event, const std::string& region) {
  json::object object{{"key", event.key}};
  if (event.change == store::ObjectChange::kCreated) object["size"] = event.bytes;
  if (!event.etag.empty()) object["etag"] = event.etag;
  if (!event.version_id.empty()) object["version-id"] = event.version_id;
  object["sequencer"] = event.sequencer;
  json::object detail{{"version", "0"},
                      {"bucket", json::object{{"name", event.bucket}}},
                      {"object", std::move(object)},
                      {"request-id", event.request_id},
                      {"requester", event.requester},
                      {"source-ip-address", event.source_ip}};
  if (event.change == store::ObjectChange::kCreated || event.change == store::ObjectChange::kDeleted)
    detail["reason"] = event.reason;
  if (event.change == store::ObjectChange::kDeleted)
    detail["deletion-type"] = event.delete_marker ? "Delete Marker Created" : "Permanently Deleted";
  json::object out{{"version", "0"},
                   {"id", event_id(event)},
                   {"detail-type", detail_type(event.change)},
                   {"source", "aws.s3"},
                   {"account", kAccount},
                   {"time", to_string(event.at)},
                   {"region", region},
                   {"resources", json::array{"arn:aws:s3:::" + event.bucket}},
                   {"detail", std::move(detail)}};
  return json::serialize(out);
}

ObjectEvents::ObjectEvents(store::Outbox& outbox, Streams& streams, Metrics& metrics, std::string region)
    : outbox_(outbox),
      streams_(streams),
      region_(std::move(region)),
      told_(metrics.counter("tarn_object_events_total", "Changes of objects that the bus was told")) {}

ObjectEvents::~ObjectEvents() {
  stop();
}

void ObjectEvents::start() {
  thread_ = std::thread([this] { run(); });
}

void ObjectEvents::stop() {
  stopping_ = true;
  outbox_.close();
  if (thread_.joinable()) thread_.join();
}

Result<size_t> ObjectEvents::tell() {
  TARN_ASSIGN(std::vector<store::ObjectEvent> events, outbox_.next(kBatchEvents));
  if (events.empty()) return 0;
  std::vector<std::string> lines;
  lines.reserve(events.size());
  for (const store::ObjectEvent& event : events) lines.push_back(event_json(event, region_));
  TARN_ASSIGN(auto stream, streams_.find(kEventStream));
  TARN_TRY(append_lines(*stream, lines, Deadline::after(kBusyWait)));
  TARN_TRY(outbox_.forget(events.back().number));
  told_.add(events.size());
  return events.size();
}

void ObjectEvents::run() {
  Duration pause = kRetryFirst;
  Code last = Code::kInvalid;  // which no round fails with
  while (true) {
    auto told = tell();
    if (told) {
      pause = kRetryFirst;
      last = Code::kInvalid;
      if (*told > 0) continue;
      if (stopping_) return;
      outbox_.wait(kLookAgain);
      continue;
    }
    if (stopping_) return;
    if (told.error().code != last)
      TARN_LOG(warn, "events of objects wait in the outbox: {}", told.error().message);
    last = told.error().code;
    outbox_.wait(pause);
    pause = std::min(pause * 2, kRetryMax);
  }
}

}  // namespace tarn::flow
