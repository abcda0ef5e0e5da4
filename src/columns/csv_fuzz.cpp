// CSV fed at once and byte by byte gives the same records, the same bad rows and the same answer.
#include <cstdio>
#include <cstdlib>

#include "columns/csv.h"

namespace {

struct Read {
  std::vector<std::string> events;
  tarn::Status status;
  bool operator==(const Read& other) const {
    return events == other.events && status.has_value() == other.status.has_value() &&
           (status || status.error().message == other.status.error().message);
  }
};

Read read(std::string_view text, size_t step) {
  constexpr size_t kRowBytesMax = 300;
  Read read;
  tarn::columns::CsvReader reader(
      {[&](std::string_view record) -> tarn::Status {
         read.events.emplace_back(record);
         return {};
       },
       [&](uint64_t line, std::string_view row, std::string_view reason) -> tarn::Status {
         read.events.push_back(std::to_string(line) + '\0' + std::string(row) + '\0' + std::string(reason));
         return {};
       }},
      kRowBytesMax);
  while (!text.empty() && read.status) {
    read.status = reader.feed(text.substr(0, step));
    text.remove_prefix(std::min(step, text.size()));
  }
  if (read.status) read.status = reader.finish();
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (read(text, size + 1) != read(text, 1) || read(text, size + 1) != read(text, 7)) std::abort();
  return 0;
}
