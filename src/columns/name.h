// The names of columns: when two are one, and which can't be columns at all.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace tarn::columns {

inline char lower_ascii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// As SQL compares them: without regard to ASCII case, everything else byte by byte.
inline bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && lower_ascii(a[i]) != lower_ascii(b[i])) return false;
  return true;
}

// Equal for names that same_name() holds equal (FNV-1a).
inline uint64_t name_hash(std::string_view name) {
  uint64_t hash = 14695981039346656037ull;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(lower_ascii(c))) * 1099511628211ull;
  return hash;
}

// Can a field of this name become a column or a struct's field: not empty, not too long, no control
// characters (identifiers with them can't be written in SQL, and a NUL would end them).
inline bool can_be_field_name(std::string_view name, size_t bytes_max) {
  if (name.empty() || name.size() > bytes_max) return false;
  for (char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

// Names of a stream's relation that are no data: a field called so goes to _rescued.
inline bool is_reserved_column(std::string_view name) {
  return name.size() > 3 && name[0] == '_' &&
         (same_name(name, "_rescued") || same_name(name, "_seq") || same_name(name, "_arrived") ||
          same_name(name, "_key"));
}

}  // namespace tarn::columns
