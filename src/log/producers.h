// Which batch numbers of which producers the log holds or held: what makes a batch that is sent again count
// once.
//
// Numbers of a producer may come in any order, so they are kept as a set of closed intervals. The newest few
// also keep the sequence number they got. The table outlives the frames: it is stored in the file `producers`
// before segments are removed (docs/formats/log.md), and completed from the frames when the log is opened.
// Threads: none of its own; the log guards it.
// Fails: decode() answers kCorrupt for anything that encode() didn't write.
// Durable: only numbers of durable frames may be added.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "log/log.h"

namespace tarn::log {

// Closed intervals [first, last] of numbers, apart from each other, ascending.
class NumberSet {
 public:
  struct Interval {
    uint64_t first;
    uint64_t last;
  };
  bool contains(uint64_t n) const;
  void add(uint64_t n);
  // How many holes lie between the numbers once `n` is added.
  size_t gaps_with(uint64_t n) const;
  const std::vector<Interval>& intervals() const { return intervals_; }
  // REQUIRES: beyond all that is in it.
  void add_interval(Interval i) { intervals_.push_back(i); }

 private:
  std::vector<Interval>::const_iterator after(uint64_t n) const;  // the first interval that starts beyond n
  std::vector<Interval> intervals_;
};

class Producers {
 public:
  Producers(uint32_t producers_max, uint32_t gaps_max) : producers_max_(producers_max), gaps_max_(gaps_max) {}

  bool contains(std::string_view id, uint64_t number) const;
  // The first sequence number that this batch got, while it is remembered.
  std::optional<Sequence> first_of(std::string_view id, uint64_t number) const;
  // kInvalid when `number` would leave more holes than allowed.
  Status check(std::string_view id, uint64_t number) const;
  // Forgets the longest silent producer when there are too many.
  void add(std::string_view id, uint64_t number, Sequence first);
  size_t size() const { return by_id_.size(); }

  // The content of the file `producers`. `begin`: the log's begin() once the removal that follows is done.
  std::string encode(uint64_t log_id, Sequence begin) const;
  struct Stored {
    uint64_t log_id = 0;
    Sequence begin = 0;
  };
  // Fills an empty table.
  Result<Stored> decode(std::string_view bytes);

 private:
  static constexpr size_t kRecent = 4;
  struct Recent {
    uint64_t number = 0;
    Sequence first = 0;
  };
  struct Entry {
    NumberSet numbers;
    std::array<Recent, kRecent> recent{};
    uint32_t recent_count = 0;  // ever remembered; the newest is at (recent_count - 1) % kRecent
    std::list<std::string_view>::iterator place;  // in silence_
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  Entry& touch(std::string_view id);

  uint32_t producers_max_;
  uint32_t gaps_max_;
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> by_id_;
  std::list<std::string_view> silence_;  // ids (keys of by_id_), the longest silent first
};

}  // namespace tarn::log
