// Which column a field's name means, found in a few compares.
//
// Records of a stream repeat their names in the same order, so the key that followed last time is tried
// first; then a hash of the raw bytes; only a key never seen before is unescaped and matched with the
// columns: exactly, or else without regard to ASCII case.
//
// Owns: the keys it has seen, at most kKeysMax more than there are columns; further ones are matched each
// time.
// Threads: one thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tarn::columns {

class KeyTable {
 public:
  static constexpr int kNoColumn = -1;
  static constexpr size_t kKeysMax = 4096;

  struct Key {
    std::string raw;  // as it stands between the quotes
    int column = kNoColumn;
    Key* next = nullptr;  // which followed it last time
    // The first 16 bytes, and which of them count: short keys are compared as two numbers.
    uint64_t low = 0, high = 0, low_mask = 0, high_mask = 0;

    void set(std::string_view text, int to);
    // REQUIRES: 16 readable bytes at `text`.
    bool is(const char* text, size_t bytes) const {
      if (raw.size() != bytes) return false;
      if (bytes > 2 * sizeof(uint64_t)) return std::memcmp(raw.data(), text, bytes) == 0;
      uint64_t low_text, high_text;
      std::memcpy(&low_text, text, sizeof(low_text));
      std::memcpy(&high_text, text + sizeof(low_text), sizeof(high_text));
      return (((low_text ^ low) & low_mask) | ((high_text ^ high) & high_mask)) == 0;
    }
  };

  explicit KeyTable(const std::vector<std::string>& names);
  KeyTable(KeyTable&&) noexcept = default;

  Key* start() { return &start_; }

  // The key of the field after `previous` (or start()), whose text was checked. Valid until the next call,
  // when it is one too many to be kept.
  Key* find(Key* previous, const char* raw, size_t bytes) {
    Key* guess = previous->next;
    if (guess && guess->is(raw, bytes)) [[likely]]
      return guess;
    return search(previous, std::string_view(raw, bytes));
  }

 private:
  Key* search(Key* previous, std::string_view raw);
  int column_of(std::string_view raw) const;

  Key start_;
  Key passing_;  // one that isn't kept
  size_t keys_max_;
  std::deque<Key> keys_;
  std::unordered_map<std::string_view, Key*> by_raw_;
  std::unordered_map<std::string, int> exact_;
  std::unordered_map<std::string, int> lower_;
};

}  // namespace tarn::columns
