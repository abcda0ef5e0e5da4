// Names to columns: see key_table.h.
#include "columns/key_table.h"

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
    passing_.raw = raw;
    passing_.column = column_of(raw);
    passing_.next = nullptr;
    return &passing_;
  } else {
    key = &keys_.emplace_back(Key{std::string(raw), column_of(raw), nullptr});
    by_raw_.emplace(key->raw, key);
  }
  previous->next = key;
  return key;
}

}  // namespace tarn::columns
