#include "log/producers.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/crc32c.h"
#include "log/frame.h"

namespace tarn::log {
namespace {

constexpr std::string_view kMagic = "TARNPRD\n";

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// Takes fixed-size values off the front; after the end everything is zero and ok() false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <typename T>
  T get() {
    T value{};
    std::string_view bytes = take(sizeof(T));
    if (ok_) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  std::string_view take(size_t n) {
    if (n > rest_.size()) ok_ = false;
    if (!ok_) return {};
    std::string_view bytes = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return bytes;
  }
  bool ok() const { return ok_; }
  size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::vector<NumberSet::Interval>::const_iterator NumberSet::after(uint64_t n) const {
  return std::upper_bound(intervals_.begin(), intervals_.end(), n,
                          [](uint64_t value, const Interval& i) { return value < i.first; });
}

bool NumberSet::contains(uint64_t n) const {
  auto next = after(n);
  return next != intervals_.begin() && n <= std::prev(next)->last;
}

void NumberSet::add(uint64_t n) {
  if (contains(n)) return;
  auto next = intervals_.begin() + (after(n) - intervals_.cbegin());
  bool joins_next = next != intervals_.end() && next->first == n + 1;  // n + 1 can't wrap to a stored first
  bool joins_previous = next != intervals_.begin() && std::prev(next)->last + 1 == n;
  if (joins_next && joins_previous) {
    std::prev(next)->last = next->last;
    intervals_.erase(next);
  } else if (joins_next) {
    next->first = n;
  } else if (joins_previous) {
    std::prev(next)->last = n;
  } else {
    intervals_.insert(next, {n, n});
  }
}

size_t NumberSet::gaps_with(uint64_t n) const {
  size_t count = intervals_.size();
  if (!contains(n)) {
    auto next = after(n);
    ++count;
    if (next != intervals_.end() && next->first == n + 1) --count;
    if (next != intervals_.begin() && std::prev(next)->last + 1 == n) --count;
  }
  return count - 1;
}

bool Producers::contains(std::string_view id, uint64_t number) const {
  auto it = by_id_.find(id);
  return it != by_id_.end() && it->second.numbers.contains(number);
}

std::optional<Sequence> Producers::first_of(std::string_view id, uint64_t number) const {
  auto it = by_id_.find(id);
  if (it == by_id_.end()) return std::nullopt;
  const Entry& entry = it->second;
  for (size_t i = 0; i < std::min<size_t>(entry.recent_count, kRecent); ++i)
    if (entry.recent[i].number == number) return entry.recent[i].first;
  return std::nullopt;
}

Status Producers::check(std::string_view id, uint64_t number) const {
  auto it = by_id_.find(id);
  if (it == by_id_.end() || it->second.numbers.gaps_with(number) <= gaps_max_) return {};
  return fail(Code::kInvalid,
              "producer '" + std::string(id) + "': batch number " + std::to_string(number) +
                  " leaves more than " + std::to_string(gaps_max_) +
                  " holes in its numbers: send the missing ones first, or use a new producer id");
}

Producers::Entry& Producers::touch(std::string_view id) {
  auto it = by_id_.find(id);
  if (it != by_id_.end()) {
    silence_.splice(silence_.end(), silence_, it->second.place);
    return it->second;
  }
  if (by_id_.size() >= std::max<uint32_t>(1, producers_max_)) {
    auto oldest = by_id_.find(silence_.front());
    silence_.pop_front();
    by_id_.erase(oldest);
  }
  it = by_id_.emplace(std::string(id), Entry{}).first;
  it->second.place = silence_.insert(silence_.end(), it->first);
  return it->second;
}

void Producers::add(std::string_view id, uint64_t number, Sequence first) {
  Entry& entry = touch(id);
  entry.numbers.add(number);
  entry.recent[entry.recent_count % kRecent] = {number, first};
  // Stays small but congruent, so that it never wraps.
  entry.recent_count =
      entry.recent_count < 2 * kRecent ? entry.recent_count + 1 : entry.recent_count + 1 - kRecent;
}

// magic, CRC-32C of all that follows it, version, log id, begin, number of producers; per producer, the
// longest silent first: length of the id (u32), number of intervals (u32), the id, first and last of each
// interval (u64).
std::string Producers::encode(uint64_t log_id, Sequence begin) const {
  std::string body;
  put<uint32_t>(body, kVersion);
  put<uint64_t>(body, log_id);
  put<uint64_t>(body, begin);
  put<uint64_t>(body, by_id_.size());
  for (std::string_view id : silence_) {
    const auto& intervals = by_id_.find(id)->second.numbers.intervals();
    put<uint32_t>(body, static_cast<uint32_t>(id.size()));
    put<uint32_t>(body, static_cast<uint32_t>(intervals.size()));
    body.append(id);
    for (const auto& i : intervals) {
      put(body, i.first);
      put(body, i.last);
    }
  }
  std::string bytes(kMagic);
  put<uint32_t>(bytes, crc32c(body.data(), body.size()));
  return bytes + body;
}

Result<Producers::Stored> Producers::decode(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + 4 || !bytes.starts_with(kMagic))
    return fail(Code::kCorrupt, "not a producers file");
  Reader reader(bytes.substr(kMagic.size()));
  auto crc = reader.get<uint32_t>();
  std::string_view body = bytes.substr(kMagic.size() + 4);
  if (crc != crc32c(body.data(), body.size())) return fail(Code::kCorrupt, "the checksum is wrong");
  if (auto version = reader.get<uint32_t>(); version != kVersion)
    return fail(Code::kUnsupported, "version " + std::to_string(version) +
                                        " of the producers file; this Tarn knows " +
                                        std::to_string(kVersion));
  Stored stored;
  stored.log_id = reader.get<uint64_t>();
  stored.begin = reader.get<uint64_t>();
  auto count = reader.get<uint64_t>();
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    auto id_bytes = reader.get<uint32_t>();
    auto intervals = reader.get<uint32_t>();
    std::string_view id = reader.take(id_bytes);
    if (!reader.ok() || intervals > reader.left() / 16) return fail(Code::kCorrupt, "it ends too early");
    NumberSet numbers;
    for (uint32_t k = 0; k < intervals; ++k) {
      NumberSet::Interval interval{reader.get<uint64_t>(), reader.get<uint64_t>()};
      bool ascending = numbers.intervals().empty() || numbers.intervals().back().last < interval.first;
      if (!ascending || interval.last < interval.first)
        return fail(Code::kCorrupt, "its intervals are not in order");
      numbers.add_interval(interval);
    }
    touch(id).numbers = std::move(numbers);
  }
  if (!reader.ok() || reader.left() != 0) return fail(Code::kCorrupt, "its size is wrong");
  return stored;
}

}  // namespace tarn::log
