// tarn put: files into a stream.

#include <chrono>
#include <ostream>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "app/commands.h"
#include "app/json_text.h"
#include "app/progress.h"
#include "app/record_source.h"
#include "app/uploader.h"
#include "base/id.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

constexpr size_t kBadRowsListedMax = 20;
constexpr uint64_t kRecordsBetweenLooks = 256;  // the clock is looked at so often

struct BadRows {
  uint64_t count = 0;
  std::vector<std::string> listed;
};

class Put {
 public:
  Put(Context& context, const PutOptions& options, UploadOptions upload)
      : context_(context),
        options_(options),
        uploader_(std::move(upload)),
        progress_(context.err, context.err_terminal),
        began_(std::chrono::steady_clock::now()) {}

  Status send_file(const std::string& path) {
    RecordFormat format = record_format_of(path);
    if (!options_.format.empty()) {
      TARN_ASSIGN(format, parse_record_format(options_.format));
    }
    TARN_ASSIGN(std::unique_ptr<RecordSource> source, RecordSource::open(path, format));
    TARN_TRY(uploader_.next_producer(options_.producer.empty() ? uuid_v4() : options_.producer, path));
    RecordSource::Sink sink;
    uint64_t seen = 0;
    sink.record = [&](std::string_view record) -> Status {
      if (++seen % kRecordsBetweenLooks == 0) show(path, *source);
      return uploader_.add(record);
    };
    sink.bad = [&](std::string message) -> Status {
      ++bad_.count;
      if (bad_.listed.size() < kBadRowsListedMax) bad_.listed.push_back(std::move(message));
      return {};
    };
    return source->read(sink);
  }

  Result<int> finish() {
    auto finished = uploader_.finish();
    progress_.clear();
    if (!finished) return fail(std::move(finished).error());
    if (options_.producer.empty()) {
      // Nobody else has this run's names: what was there before are its own batches whose answers were lost.
      finished->accepted += finished->duplicates;
      finished->duplicates = 0;
    }
    report(*finished);
    return finished->refused + bad_.count > 0 ? kFailed : kDone;
  }

  // Before an error is printed.
  void abandon() { progress_.clear(); }
  uint64_t acknowledged() const { return uploader_.acknowledged(); }

 private:
  double elapsed_seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }
  void show(const std::string& path, const RecordSource& source) {
    std::string name = path == "-" ? "standard input" : std::filesystem::path(path).filename().string();
    progress_.show({name, uploader_.acknowledged(), source.done(), source.total(), elapsed_seconds()});
  }

  void report(const UploadSummary& summary) {
    double seconds = elapsed_seconds();
    if (context_.json) {
      json::array errors;
      for (const RecordError& e : summary.errors) {
        errors.push_back(json::object{{"file", e.file}, {"record", e.record}, {"message", e.message}});
      }
      for (const std::string& line : bad_.listed) errors.push_back(json::object{{"message", line}});
      json::object answer = {{"stream", options_.stream},
                             {"accepted", summary.accepted},
                             {"duplicates", summary.duplicates},
                             {"refused", summary.refused + bad_.count},
                             {"batches", summary.batches},
                             {"retries", summary.retries},
                             {"seconds", seconds},
                             {"errors", std::move(errors)}};
      context_.out << pretty_json(answer) << "\n";
      return;
    }
    for (const RecordError& e : summary.errors) {
      context_.err << fmt::format("{}: record {}: {}\n", e.file, e.record, e.message);
    }
    for (const std::string& line : bad_.listed) context_.err << line << "\n";
    std::string text =
        fmt::format("{} records into {} in {:.1f} s ({}/s)", with_commas(summary.accepted), options_.stream,
                    seconds, human_number(static_cast<double>(summary.accepted) / std::max(seconds, 1e-3)));
    if (summary.duplicates > 0)
      text += fmt::format(", {} were there before", with_commas(summary.duplicates));
    if (summary.retries > 0) text += fmt::format(", {} retries", with_commas(summary.retries));
    context_.err << text << "\n";
    uint64_t refused = summary.refused + bad_.count;
    if (refused == 0) return;
    size_t listed = summary.errors.size() + bad_.listed.size();
    context_.err << paint(context_.err_terminal, Colour::kRed,
                          fmt::format(
                              "{} records were refused{}", with_commas(refused),
                              listed < refused ? fmt::format(" (the first {} are listed)", listed) : ""))
                 << "\n";
  }

  Context& context_;
  const PutOptions& options_;
  Uploader uploader_;
  Progress progress_;
  BadRows bad_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace

Result<int> command_put(Context& context, const PutOptions& options) {
  // A lake that isn't there, or has no such stream, is told before anything is read.
  HttpClient client(context.endpoint);
  TARN_ASSIGN(json::value found, client.call({.target = "/v1/streams/" + encode_url(options.stream)}));
  UploadOptions upload;
  upload.endpoint = context.endpoint;
  upload.stream = options.stream;
  upload.batch_records = options.batch;
  upload.gzip = options.gzip;
  Put put(context, options, std::move(upload));
  std::vector<std::string> files = options.files;
  if (files.empty()) files.push_back("-");
  for (const std::string& file : files) {
    if (Status sent = put.send_file(file); !sent) {
      put.abandon();
      auto rest = put.finish();  // what was read before the mistake is sent all the same
      context.err << fmt::format("{} records were sent before this:\n", with_commas(put.acknowledged()));
      if (!rest) return fail(std::move(rest).error());
      return fail(std::move(sent).error());
    }
  }
  return put.finish();
}

}  // namespace tarn::app
