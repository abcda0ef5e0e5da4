#include "app/uploader.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/core.h>
#include <zlib.h>

#include "app/json_text.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

constexpr auto kBackoffFirst = std::chrono::milliseconds(50);
constexpr auto kBackoffMax = std::chrono::milliseconds(5'000);
constexpr int kGzipHeader = 15 + 16;
constexpr int kGzipLevel = 1;  // the network is seldom slower than a higher level

std::string gzip(std::string_view plain) {
  z_stream stream{};
  deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipHeader, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// Is it worth sending the same batch again? The producer's number makes that safe whatever happened to the
// first.
bool can_retry(const Error& error) {
  return error.code == Code::kBusy || error.code == Code::kUnavailable ||
         error.code == Code::kUnknownOutcome || error.code == Code::kTimeout || error.code == Code::kFull;
}

// An error status can still be the answer to each record of the batch: all were refused, or all were there
// before.
bool answers_each(const HttpResponse& response, uint32_t records) {
  auto parsed = parse_json(response.body);
  const json::object* answer = parsed ? parsed->if_object() : nullptr;
  if (answer == nullptr) return false;
  return integer_at(*answer, "errors_total") == records || answer->contains("duplicate");
}

}  // namespace

Uploader::Uploader(UploadOptions options) : options_(std::move(options)) {
  for (int i = 0; i < std::max(1, options_.connections); ++i)
    senders_.emplace_back([this] { send_batches(); });
}

Uploader::~Uploader() {
  stop();
}

void Uploader::stop() {
  {
    Lock lock(mu_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread& sender : senders_) {
    if (sender.joinable()) sender.join();
  }
}

Status Uploader::next_producer(std::string producer, std::string file) {
  TARN_TRY(queue_batch());
  uint64_t first_number = batch_.producer == producer ? batch_.number : 0;
  batch_ = Batch{};
  batch_.producer = std::move(producer);
  batch_.file = std::move(file);
  batch_.number = first_number;
  return {};
}

Status Uploader::add(std::string_view record) {
  if (!batch_.body.empty() && batch_.body.size() + record.size() > options_.batch_bytes_max)
    TARN_TRY(queue_batch());
  batch_.body += record;
  batch_.body += '\n';
  if (++batch_.records >= options_.batch_records) TARN_TRY(queue_batch());
  return {};
}

Status Uploader::queue_batch() {
  if (batch_.records == 0) return {};
  Batch next;
  next.producer = batch_.producer;
  next.file = batch_.file;
  next.number = batch_.number + 1;
  next.first_record = batch_.first_record + batch_.records;
  next.body.reserve(batch_.body.size() + batch_.body.size() / 8);
  Lock lock(mu_);
  // Twice as many wait as are under way: enough that no sender idles, little enough to be memory's friend.
  while (queue_.size() >= senders_.size() * 2 && !failure_) changed_.wait(mu_);
  if (failure_) return fail(*failure_);
  queue_.push_back(std::move(batch_));
  changed_.notify_all();
  batch_ = std::move(next);
  return {};
}

Result<UploadSummary> Uploader::finish() {
  TARN_TRY(queue_batch());
  {
    Lock lock(mu_);
    while ((!queue_.empty() || sending_ > 0) && !failure_) changed_.wait(mu_);
  }
  stop();
  Lock lock(mu_);
  if (failure_) return fail(*failure_);
  return summary_;
}

void Uploader::send_batches() {
  HttpClient client(options_.endpoint);
  for (;;) {
    Batch batch;
    {
      Lock lock(mu_);
      while (queue_.empty() && !stopping_ && !failure_) changed_.wait(mu_);
      if (failure_ || queue_.empty()) return;
      batch = std::move(queue_.front());
      queue_.pop_front();
      ++sending_;
      changed_.notify_all();
    }
    Status sent = send(client, batch);
    Lock lock(mu_);
    --sending_;
    if (!sent && !failure_) failure_ = std::move(sent).error();
    changed_.notify_all();
  }
}

// False when there is no sense in going on.
bool Uploader::wait_to_retry(std::chrono::milliseconds delay) {
  auto until = std::chrono::steady_clock::now() + delay;
  Lock lock(mu_);
  ++summary_.retries;
  while (!failure_ && !stopping_ && std::chrono::steady_clock::now() < until) changed_.wait_until(mu_, until);
  return !failure_ && !stopping_;
}

Status Uploader::send(HttpClient& client, const Batch& batch) {
  std::string packed;
  HttpRequest request;
  request.method = "POST";
  request.target = fmt::format("/v1/streams/{}/records", encode_url(options_.stream));
  request.headers = {{"Content-Type", "application/x-ndjson"},
                     {"Tarn-Producer", batch.producer},
                     {"Tarn-Batch", fmt::format("{}", batch.number)}};
  request.body = batch.body;
  if (options_.gzip) {
    packed = gzip(batch.body);
    request.body = packed;
    request.headers.emplace_back("Content-Encoding", "gzip");
  }
  auto began = std::chrono::steady_clock::now();
  auto backoff = kBackoffFirst;
  for (;;) {
    auto response = client.send(request);
    std::optional<Error> error;
    if (!response) {
      error = std::move(response).error();
    } else if (response->status < 200 || response->status >= 300) {
      error = error_of(*response);
      if (error->code == Code::kInvalid && answers_each(*response, batch.records))
        return read_answer(batch, *response);
    } else {
      return read_answer(batch, *response);
    }
    bool late = std::chrono::steady_clock::now() - began > options_.give_up_after;
    if (!can_retry(*error) || late) return fail(std::move(*error));
    auto delay = std::max(backoff, std::chrono::milliseconds(error->retry_after_ms));
    backoff = std::min(backoff * 2, kBackoffMax);
    if (!wait_to_retry(delay)) return fail(std::move(*error));
  }
}

// {"accepted": 498, "duplicate": true, "errors_total": 2, "errors": [{"index": 3, "message": "…"}]}
Status Uploader::read_answer(const Batch& batch, const HttpResponse& response) {
  auto parsed = parse_json(response.body);
  const json::object* answer = parsed ? parsed->if_object() : nullptr;
  if (answer == nullptr || !answer->contains("accepted")) {
    return fail(Code::kInternal,
                fmt::format("{} did not answer as a lake does: is that its address?", options_.endpoint.url));
  }
  uint64_t refused = static_cast<uint64_t>(integer_at(*answer, "errors_total"));
  uint64_t taken = batch.records - std::min<uint64_t>(refused, batch.records);
  const json::value* duplicate = answer->if_contains("duplicate");
  bool repeated = duplicate != nullptr && duplicate->is_bool() && duplicate->get_bool();
  Lock lock(mu_);
  ++summary_.batches;
  summary_.refused += refused;
  (repeated ? summary_.duplicates : summary_.accepted) += taken;
  acknowledged_ += batch.records;
  const json::array* errors = array_at(*answer, "errors");
  if (errors == nullptr) return {};
  for (const json::value& error : *errors) {
    if (!error.is_object() || summary_.errors.size() >= options_.listed_errors_max) continue;
    uint64_t index = static_cast<uint64_t>(integer_at(error.get_object(), "index"));
    summary_.errors.push_back(
        {batch.first_record + index, batch.file, text_at(error.get_object(), "message", "refused")});
  }
  return {};
}

}  // namespace tarn::app
