#include "store/outbox.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "store/object_rows.h"

namespace tarn::store {
namespace {

using meta::Row;
using meta::Value;

// What the column `change` holds: part of the format.
constexpr std::array<ObjectChange, 4> kChanges{ObjectChange::kCreated, ObjectChange::kDeleted,
                                               ObjectChange::kTagsAdded, ObjectChange::kTagsDeleted};

int64_t code_of(ObjectChange change) {
  return std::ranges::find(kChanges, change) - kChanges.begin();
}

Result<ObjectEvent> event_of(const Row& row) {
  ObjectEvent event;
  TARN_ASSIGN(int64_t number, meta::integer(row, 0));
  TARN_ASSIGN(int64_t change, meta::integer(row, 1));
  if (change < 0 || static_cast<size_t>(change) >= kChanges.size())
    return fail(Code::kCorrupt, fmt::format("object_outbox: event {} is of unknown kind {}", number, change));
  TARN_ASSIGN(event.at.us, meta::integer(row, 2));
  TARN_ASSIGN(event.bucket, meta::text(row, 3));
  TARN_ASSIGN(event.key, meta::text(row, 4));
  TARN_ASSIGN(int64_t bytes, meta::integer(row, 5));
  TARN_ASSIGN(event.etag, meta::text(row, 6));
  TARN_ASSIGN(event.version_id, meta::text(row, 7));
  TARN_ASSIGN(event.sequencer, meta::text(row, 8));
  TARN_ASSIGN(event.reason, meta::text(row, 9));
  TARN_ASSIGN(int64_t delete_marker, meta::integer(row, 10));
  TARN_ASSIGN(event.requester, meta::text(row, 11));
  TARN_ASSIGN(event.source_ip, meta::text(row, 12));
  TARN_ASSIGN(event.request_id, meta::text(row, 13));
  event.number = static_cast<uint64_t>(number);
  event.change = kChanges[static_cast<size_t>(change)];
  event.bytes = static_cast<uint64_t>(bytes);
  event.delete_marker = delete_marker != 0;
  return event;
}

}  // namespace

Status Outbox::add(meta::Transaction& transaction, ObjectEvent& event) {
  // The counter stays when the events are forgotten, so that no number comes twice.
  TARN_ASSIGN(int64_t number, next_number(transaction, "event"));
  event.number = static_cast<uint64_t>(number);
  const std::array<Value, 14> values{number,
                                     code_of(event.change),
                                     event.at.us,
                                     event.bucket,
                                     event.key,
                                     static_cast<int64_t>(event.bytes),
                                     event.etag,
                                     event.version_id,
                                     event.sequencer,
                                     event.reason,
                                     int64_t{event.delete_marker},
                                     event.requester,
                                     event.source_ip,
                                     event.request_id};
  TARN_TRY(transaction.execute(
      "INSERT INTO object_outbox (number, change, at_us, bucket, key, bytes, etag, version_id, sequencer, "
      "reason, delete_marker, requester, source_ip, request_id) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      values));
  return {};
}

Result<std::vector<ObjectEvent>> Outbox::next(size_t limit) const {
  std::vector<ObjectEvent> events;
  TARN_TRY(metastore_.read([&](meta::Transaction& transaction) -> Status {
    const std::array<Value, 1> values{static_cast<int64_t>(limit)};
    TARN_ASSIGN(
        std::vector<Row> rows,
        transaction.query("SELECT number, change, at_us, bucket, key, bytes, etag, version_id, sequencer, "
                          "reason, delete_marker, requester, source_ip, request_id "
                          "FROM object_outbox ORDER BY number LIMIT ?",
                          values));
    for (const Row& row : rows) {
      TARN_ASSIGN(ObjectEvent event, event_of(row));
      events.push_back(std::move(event));
    }
    return {};
  }));
  return events;
}

Status Outbox::forget(uint64_t up_to_number) {
  return metastore_.transact([&](meta::Transaction& transaction) -> Status {
    const std::array<Value, 1> values{static_cast<int64_t>(up_to_number)};
    TARN_TRY(transaction.execute("DELETE FROM object_outbox WHERE number <= ?", values));
    return {};
  });
}

void Outbox::wait(Duration at_most) {
  auto until = std::chrono::steady_clock::now() + at_most;
  Lock lock(mu_);
  while (!news_ && !closed_) {
    if (!changed_.wait_until(mu_, until)) break;
  }
  news_ = false;
}

void Outbox::added() {
  Lock lock(mu_);
  news_ = true;
  changed_.notify_all();
}

void Outbox::close() {
  Lock lock(mu_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace tarn::store
