#include "access/audit.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/thread.h"

namespace tarn::access {
namespace {

// A sink that can be held shut or made to fail.
class Sink {
 public:
  Audit::Sink function() {
    return [this](std::span<const std::string> lines) { return take(lines); };
  }
  void hold(bool held) {
    Lock lock(mu_);
    held_ = held;
    changed_.notify_all();
  }
  void fail_next(int times) {
    Lock lock(mu_);
    failures_ = times;
  }
  void wait_for_call() {
    Lock lock(mu_);
    while (calls_ == 0) changed_.wait(mu_);
  }
  std::vector<std::string> lines() {
    Lock lock(mu_);
    return lines_;
  }

 private:
  Status take(std::span<const std::string> lines) {
    Lock lock(mu_);
    ++calls_;
    changed_.notify_all();
    while (held_) changed_.wait(mu_);
    if (failures_ > 0) {
      --failures_;
      return fail(Code::kFull, "no space");
    }
    lines_.insert(lines_.end(), lines.begin(), lines.end());
    return {};
  }

  Mutex mu_;
  CondVar changed_;
  bool held_ TARN_GUARDED_BY(mu_) = false;
  int failures_ TARN_GUARDED_BY(mu_) = 0;
  int calls_ TARN_GUARDED_BY(mu_) = 0;
  std::vector<std::string> lines_ TARN_GUARDED_BY(mu_);
};

AuditEntry entry(std::string resource) {
  AuditEntry out;
  out.time = parse_timestamp("2026-11-21T07:00:00Z").value();
  out.principal = "arn:aws:iam::000000000000:user/alice";
  out.kind = "user";
  out.action = "s3:GetObject";
  out.resource = std::move(resource);
  return out;
}

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

uint64_t lost(Metrics& metrics) {
  return metrics
      .counter("tarn_audit_lost_entries_total",
               "Entries of the audit trail that could not be stored before the end")
      .value();
}

TEST(AuditJson, IsOneObjectOfEveryField) {
  AuditEntry full = entry("arn:aws:s3:::b/k");
  full.key_id = "AKIA1";
  full.allowed = true;
  full.reason = "role analyst allows it";
  full.source_ip = "::1";
  full.request_id = "R1";
  EXPECT_EQ(
      audit_json(full),
      R"({"time":"2026-11-21T07:00:00Z","principal":"arn:aws:iam::000000000000:user/alice","kind":"user",)"
      R"("key_id":"AKIA1","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","allowed":true,)"
      R"("reason":"role analyst allows it","source_ip":"::1","request_id":"R1"})");
}

TEST(AuditJson, EscapesWhateverAClientSends) {
  const std::string bytes = std::string("\"\\\n\t\0\x01\x7f", 7) + "äö\U0001F600" + "\xff\xc3(" + "\xe2\x82";
  const auto json = boost::json::parse(audit_json(entry(bytes)));
  EXPECT_EQ(json.at("resource").as_string(),
            std::string("\"\\\n\t\0\x01\x7f", 7) + "äö\U0001F600" + "\uFFFD\uFFFD(" + "\uFFFD\uFFFD");
  EXPECT_EQ(audit_json(entry(bytes)).find('\n'), std::string::npos);
}

TEST(AuditJson, CutsWhatIsTooLong) {
  std::string text;
  while (text.size() < 100'000) text += "ä";
  const std::string line = audit_json(entry("x" + text));
  EXPECT_LT(line.size(), 5'000u);
  const std::string shown(boost::json::parse(line).at("resource").as_string());
  EXPECT_TRUE(shown.ends_with("ä\u2026"));
}

TEST(Audit, GivesEverythingToTheSinkInOrder) {
  Sink sink;
  Metrics metrics;
  auto audit = Audit::start(sink.function(), metrics);
  constexpr int kThreads = 4, kEach = 2'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i)
        EXPECT_TRUE(audit->record(entry(std::to_string(t) + "/" + std::to_string(i))));
    });
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(audit->flush(soon()));
  const auto lines = sink.lines();
  ASSERT_EQ(lines.size(), static_cast<size_t>(kThreads * kEach));
  std::vector<int> next(kThreads);
  for (const std::string& line : lines) {
    const std::string resource(boost::json::parse(line).at("resource").as_string());
    ASSERT_EQ(resource.substr(2), std::to_string(next[resource[0] - '0']++));
  }
  EXPECT_EQ(metrics.gauge("tarn_audit_waiting_entries", "Entries of the audit trail not stored yet").value(),
            0);
}

TEST(Audit, TriesAgainUntilTheSinkTakesIt) {
  Sink sink;
  Metrics metrics;
  sink.fail_next(3);
  auto audit = Audit::start(sink.function(), metrics);
  ASSERT_TRUE(audit->record(entry("a")));
  ASSERT_TRUE(audit->flush(soon()));
  EXPECT_EQ(sink.lines().size(), 1u);
  EXPECT_EQ(metrics
                .counter("tarn_audit_sink_failures_total",
                         "Batches of the audit trail that could not be stored and are tried again")
                .value(),
            3u);
}

// Long enough that a test which waits for it to pass fails by its own time limit.
constexpr Duration kPatient = std::chrono::minutes(10);
constexpr Duration kShort = std::chrono::milliseconds(20);

Counter& waits(Metrics& metrics) {
  return metrics.counter("tarn_audit_waits_total",
                         "Requests that waited because the audit trail's buffer was full");
}
Counter& refusals(Metrics& metrics) {
  return metrics.counter("tarn_audit_refusals_total",
                         "Requests refused because they could not be put on the audit trail");
}

TEST(Audit, WaitsWhileTheBufferIsFullAndLosesNothing) {
  Sink sink;
  Metrics metrics;
  sink.hold(true);
  auto audit = Audit::start(sink.function(), metrics, {.entries_max = 4, .room_wait = kPatient});
  ASSERT_TRUE(audit->record(entry("first")));
  sink.wait_for_call();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(audit->record(entry("more")));
  std::atomic<bool> recorded = false;
  std::thread blocked([&] {
    EXPECT_TRUE(audit->record(entry("last")));
    recorded = true;
  });
  while (waits(metrics).value() == 0) std::this_thread::yield();
  EXPECT_FALSE(recorded);
  EXPECT_EQ(audit->flush(Deadline::after(kShort)).error().code, Code::kTimeout);
  sink.hold(false);
  blocked.join();
  ASSERT_TRUE(audit->flush(soon()));
  EXPECT_EQ(sink.lines().size(), 6u);
}

TEST(Audit, RefusesWhenThereIsNoRoomForLongAndTakesEntriesAgainLater) {
  Sink sink;
  Metrics metrics;
  sink.hold(true);
  auto audit = Audit::start(sink.function(), metrics, {.entries_max = 1, .room_wait = kShort});
  ASSERT_TRUE(audit->record(entry("first")));
  sink.wait_for_call();
  ASSERT_TRUE(audit->record(entry("second")));
  for (int i = 0; i < 3; ++i) {
    Status refused = audit->record(entry("third"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kBusy);
    EXPECT_GT(refused.error().retry_after_ms, 0);
  }
  // Only the first waited; the others knew.
  EXPECT_EQ(waits(metrics).value(), 1u);
  EXPECT_EQ(refusals(metrics).value(), 3u);
  sink.hold(false);
  ASSERT_TRUE(audit->flush(soon()));
  ASSERT_TRUE(audit->record(entry("fourth")));
  ASSERT_TRUE(audit->flush(soon()));
  EXPECT_EQ(sink.lines().size(), 3u);
  EXPECT_EQ(lost(metrics), 0u);
}

TEST(Audit, ItsBytesAreBoundedAlsoThoseOnTheirWayToTheSink) {
  Sink sink;
  Metrics metrics;
  sink.hold(true);
  auto audit = Audit::start(sink.function(), metrics, {.bytes_max = 10'000, .room_wait = kShort});
  const AuditEntry large = entry(std::string(4'000, 'x'));
  ASSERT_TRUE(audit->record(large));
  sink.wait_for_call();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(audit->record(large));
  EXPECT_EQ(audit->record(entry("small")).error().code, Code::kBusy);
  sink.hold(false);
  ASSERT_TRUE(audit->flush(soon()));
  EXPECT_TRUE(audit->record(large));
  ASSERT_TRUE(audit->flush(soon()));
  EXPECT_EQ(sink.lines().size(), 4u);
}

TEST(Audit, StoresTheRestWhenItStops) {
  Sink sink;
  Metrics metrics;
  sink.hold(true);
  auto audit = Audit::start(sink.function(), metrics);
  for (int i = 0; i < 2'500; ++i) ASSERT_TRUE(audit->record(entry("x")));
  sink.hold(false);
  audit->stop(soon());
  EXPECT_EQ(sink.lines().size(), 2'500u);
  EXPECT_EQ(audit->record(entry("late")).error().code, Code::kUnavailable);
  EXPECT_EQ(lost(metrics), 0u);
  EXPECT_TRUE(audit->flush(soon()));
  audit->stop(soon());
}

TEST(Audit, GivesUpAtTheDeadlineOfStop) {
  Sink sink;
  Metrics metrics;
  sink.fail_next(1'000'000);
  auto audit = Audit::start(sink.function(), metrics, {.entries_max = 2});
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(audit->record(entry("x")));
  const auto start = std::chrono::steady_clock::now();
  audit->stop(Deadline::after(std::chrono::milliseconds(100)));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(lost(metrics), 2u);
  EXPECT_EQ(audit->flush(soon()).error().code, Code::kUnavailable);
}

// A server that stops waits for its requests, and these must not wait for a trail that is stopped after it.
TEST(Audit, StopWaitingLetsGoWhoWaitsForRoomAndStillTakesWhatFits) {
  Sink sink;
  Metrics metrics;
  sink.hold(true);
  auto audit = Audit::start(sink.function(), metrics, {.entries_max = 1, .room_wait = kPatient});
  ASSERT_TRUE(audit->record(entry("first")));
  sink.wait_for_call();
  ASSERT_TRUE(audit->record(entry("second")));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { EXPECT_EQ(audit->record(entry("x")).error().code, Code::kUnavailable); });
  while (waits(metrics).value() < 4) std::this_thread::yield();
  audit->stop_waiting();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(audit->record(entry("x")).error().code, Code::kUnavailable);
  sink.hold(false);
  ASSERT_TRUE(audit->flush(soon()));
  EXPECT_TRUE(audit->record(entry("third")));
  audit->stop(soon());
  EXPECT_EQ(sink.lines().size(), 3u);
  EXPECT_EQ(lost(metrics), 0u);
}

}  // namespace
}  // namespace tarn::access
