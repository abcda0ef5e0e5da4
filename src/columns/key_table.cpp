// Names to columns: see key_table.h.
#include "columns/key_table.h"

#include <algorithm>

#include "columns/json_text.h"

namespace tarn::columns {

namespace {

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

}  // namespace

KeyTable::KeyTable(const std::vector<std::string>& names) : keys_max_(names.size() + kKeysMax) {
  for (size_t i = 0; i < names.size(); ++i) {
    exact_.emplace(names[i], static_cast<int>(i));
    lower_.emplace(to_lower(names[i]), static_cast<int>(i));
  }
}

void KeyTable::Key::set(std::string_view text, int to) {
  raw = text;
  column = to;
  next = nullptr;
  char head[2 * sizeof(uint64_t)] = {};
  char mask[2 * sizeof(uint64_t)] = {};
  for (size_t i = 0; i < std::min(sizeof(head), text.size()); ++i) {
    head[i] = text[i];
    mask[i] = static_cast<char>(0xFF);
  }
  std::memcpy(&low, head, sizeof(low));
  std::memcpy(&high, head + sizeof(low), sizeof(high));
  std::memcpy(&low_mask, mask, sizeof(low_mask));
  std::memcpy(&high_mask, mask + sizeof(low), sizeof(high_mask));
}

int KeyTable::column_of(std::string_view raw) const {
  std::string name = unescaped(raw);
  if (auto found = exact_.find(name); found != exact_.end()) return found->second;
  if (auto found = lower_.find(to_lower(name)); found != lower_.end()) return found->second;
  return kNoColumn;
}

KeyTable::Key* KeyTable::search(Key* previous, std::string_view raw) {
  auto found = by_raw_.find(raw);
  Key* key;
  if (found != by_raw_.end()) {
    key = found->second;
  } else if (keys_.size() >= keys_max_ || raw.size() > 1024) {
    passing_.set(raw, column_of(raw));
    return &passing_;
  } else {
    key = &keys_.emplace_back();
    key->set(raw, column_of(raw));
    by_raw_.emplace(key->raw, key);
  }
  previous->next = key;
  return key;
}

}  // namespace tarn::columns
