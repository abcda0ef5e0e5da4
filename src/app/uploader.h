// Sends records to a stream in numbered batches, several under way at once, each until it is acknowledged.
//
// A batch goes out under a producer's name and a number, so that sending it again after a lost answer counts
// once. Where the lake says "slow down" or can't be reached, a batch waits (doubling up to kBackoffMax) and
// goes again.
// Owns: its sender threads, one connection each.
// Threads: add(), next_producer() and finish() from one thread; progress from any.
// Fails: the first failure that sending again can't mend; add() returns it as soon as it is known.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "app/endpoint.h"
#include "app/http_client.h"
#include "base/error.h"
#include "base/thread.h"

namespace tarn::app {

struct UploadOptions {
  Endpoint endpoint;
  std::string stream;
  int connections = 2;
  uint32_t batch_records = 500;
  uint64_t batch_bytes_max = 4u << 20;  // a batch is closed at this size too
  bool gzip = false;
  std::chrono::milliseconds give_up_after = std::chrono::minutes(5);  // of one batch, without an answer
  size_t listed_errors_max = 20;
};

struct RecordError {
  uint64_t record = 0;  // its number in the file, from 1
  std::string file;
  std::string message;
};

struct UploadSummary {
  uint64_t accepted = 0;
  uint64_t duplicates = 0;  // accepted before, under the same producer and number
  uint64_t refused = 0;
  uint64_t batches = 0;
  uint64_t retries = 0;
  std::vector<RecordError> errors;  // the first of the refused
};

class Uploader {
 public:
  explicit Uploader(UploadOptions options);
  ~Uploader();
  Uploader(const Uploader&) = delete;
  Uploader& operator=(const Uploader&) = delete;

  // The records that follow come from `file`. Batches of the same producer are numbered on from file to file.
  Status next_producer(std::string producer, std::string file);
  Status add(std::string_view record);
  // Sends what is left and waits for every answer.
  Result<UploadSummary> finish();

  uint64_t acknowledged() const { return acknowledged_; }  // records

 private:
  struct Batch {
    std::string body;
    uint32_t records = 0;
    uint64_t number = 0;
    uint64_t first_record = 1;  // in the file
    std::string producer;
    std::string file;
  };
  Status queue_batch();
  void send_batches();
  Status send(HttpClient& client, const Batch& batch);
  Status read_answer(const Batch& batch, const HttpResponse& response);
  bool wait_to_retry(std::chrono::milliseconds delay) TARN_EXCLUDES(mu_);
  void stop() TARN_EXCLUDES(mu_);

  const UploadOptions options_;
  std::atomic<uint64_t> acknowledged_ = 0;
  Batch batch_;  // being filled

  Mutex mu_;
  CondVar changed_;
  std::deque<Batch> queue_ TARN_GUARDED_BY(mu_);
  int sending_ TARN_GUARDED_BY(mu_) = 0;
  bool stopping_ TARN_GUARDED_BY(mu_) = false;
  std::optional<Error> failure_ TARN_GUARDED_BY(mu_);
  UploadSummary summary_ TARN_GUARDED_BY(mu_);
  std::vector<std::thread> senders_;
};

}  // namespace tarn::app
