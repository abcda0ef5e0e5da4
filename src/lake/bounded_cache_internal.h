// Things that never change under their key, kept while there is room: the least recently used goes first.
//
// Owns: the values, together with whoever got them.
// Threads: any.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/thread.h"

namespace tarn::lake {

template <typename T>
class BoundedCache {
 public:
  // Shared by the cache and by whoever reads the value.
  using Pointer = std::shared_ptr<const T>;

  explicit BoundedCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  Pointer get(const std::string& key) {
    Lock lock(mu_);
    auto found = items_.find(key);
    if (found == items_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second.place);
    return found->second.value;
  }

  // `bytes` is about what the value takes; one that is larger than the whole cache is not kept.
  void put(const std::string& key, Pointer value, size_t bytes) {
    Lock lock(mu_);
    if (bytes > bytes_max_ || items_.contains(key)) return;
    order_.push_front(key);
    items_[key] = Item{std::move(value), bytes, order_.begin()};
    bytes_ += bytes;
    while (bytes_ > bytes_max_) erase_locked(items_.find(order_.back()));
  }

  void erase(const std::string& key) {
    Lock lock(mu_);
    if (auto found = items_.find(key); found != items_.end()) erase_locked(found);
  }

  size_t bytes() const {
    Lock lock(mu_);
    return bytes_;
  }

 private:
  struct Item {
    Pointer value;
    size_t bytes = 0;
    std::list<std::string>::iterator place;
  };

  void erase_locked(typename std::unordered_map<std::string, Item>::iterator item) TARN_REQUIRES(mu_) {
    bytes_ -= item->second.bytes;
    order_.erase(item->second.place);
    items_.erase(item);
  }

  const size_t bytes_max_;
  mutable Mutex mu_;
  std::unordered_map<std::string, Item> items_ TARN_GUARDED_BY(mu_);
  std::list<std::string> order_ TARN_GUARDED_BY(mu_);  // of use, the latest first
  size_t bytes_ TARN_GUARDED_BY(mu_) = 0;
};

}  // namespace tarn::lake
