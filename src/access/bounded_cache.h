// The values used last, at most so many; the one not used for longest goes first.
//
// Owns: copies of the values.
// Threads: any; one short lock.
// Fails: never.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/thread.h"

namespace tarn::access {

template <typename Value>
class BoundedCache {
 public:
  explicit BoundedCache(size_t entries_max) : entries_max_(entries_max) {}

  std::optional<Value> find(std::string_view key) TARN_EXCLUDES(mu_) {
    Lock lock(mu_);
    auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->second;
  }

  void put(std::string_view key, Value value) TARN_EXCLUDES(mu_) {
    Lock lock(mu_);
    if (auto found = by_key_.find(key); found != by_key_.end()) {
      found->second->second = std::move(value);
      entries_.splice(entries_.begin(), entries_, found->second);
      return;
    }
    entries_.emplace_front(std::string(key), std::move(value));
    by_key_.emplace(entries_.front().first, entries_.begin());
    if (entries_.size() <= entries_max_) return;
    by_key_.erase(entries_.back().first);
    entries_.pop_back();
  }

  void remove(std::string_view key) TARN_EXCLUDES(mu_) {
    Lock lock(mu_);
    auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    auto entry = found->second;
    by_key_.erase(found);
    entries_.erase(entry);
  }

  size_t size() const TARN_EXCLUDES(mu_) {
    Lock lock(mu_);
    return entries_.size();
  }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;  // used last first
  const size_t entries_max_;
  mutable Mutex mu_;
  Entries entries_ TARN_GUARDED_BY(mu_);
  std::unordered_map<std::string_view, typename Entries::iterator> by_key_ TARN_GUARDED_BY(mu_);
};

}  // namespace tarn::access
