// The grammar of JSON over an index: see json_check.h.
#include "columns/json_check.h"

#include <array>
#include <cstring>

namespace tarn::columns {

namespace {

constexpr std::array<bool, 256> make_ends() {
  std::array<bool, 256> ends{};
  for (char c : {' ', '\t', '\n', '\r', ',', ':', '[', ']', '{', '}'}) ends[static_cast<uint8_t>(c)] = true;
  return ends;
}
constexpr std::array<bool, 256> kEndsScalar = make_ends();

inline bool ends_scalar(char c) {
  return kEndsScalar[static_cast<uint8_t>(c)];
}
inline bool digit(char c) {
  return static_cast<uint8_t>(c - '0') < 10;
}

inline bool word(const char* p, const char* text, size_t bytes) {
  return std::memcmp(p, text, bytes) == 0 && ends_scalar(p[bytes]);
}

}  // namespace

const char* number_end(const char* p) {
  if (*p == '-') ++p;
  if (!digit(*p)) return nullptr;
  if (*p++ != '0') {
    while (digit(*p)) ++p;
  }
  if (*p == '.') {
    if (!digit(*++p)) return nullptr;
    while (digit(*p)) ++p;
  }
  if (*p == 'e' || *p == 'E') {
    ++p;
    if (*p == '+' || *p == '-') ++p;
    if (!digit(*p)) return nullptr;
    while (digit(*p)) ++p;
  }
  return p;
}

JsonChecker::JsonChecker(const JsonIndex& index, int depth_max)
    : index_(index), depth_max_(depth_max < 1 ? 1 : depth_max), closers_(depth_max_ + 1) {}

void JsonChecker::open(const char* base, uint32_t bytes) {
  record_.base = base;
  bytes_ = bytes;
  auto* backslash = static_cast<const char*>(std::memchr(base, '\\', bytes));
  next_backslash_ = backslash ? static_cast<uint32_t>(backslash - base) : bytes;
}

std::string JsonChecker::fault() const {
  if (reason_ == kEmptyRecord) return std::string(kEmptyRecord);
  return std::string(reason_) + " at byte " + std::to_string(fault_at_ - record_.begin);
}

bool JsonChecker::fail(std::string_view reason, uint32_t at) {
  reason_ = at >= record_.end && reason != kEmptyRecord ? "the record ends too early" : reason;
  fault_at_ = at < record_.end ? at : record_.end;
  return false;
}

const uint32_t* JsonChecker::stop(std::string_view reason, uint32_t at) {
  fail(reason, at);
  return nullptr;
}

// Are the escapes in [from, to) legal. Called when the next backslash stands before `to`.
bool JsonChecker::escapes(uint32_t from, uint32_t to) {
  const char* base = record_.base;
  auto next = [&](uint32_t at) {
    auto* backslash = static_cast<const char*>(std::memchr(base + at, '\\', bytes_ - at));
    return backslash ? static_cast<uint32_t>(backslash - base) : bytes_;
  };
  if (next_backslash_ < from) next_backslash_ = next(from);
  if (next_backslash_ >= to) return true;
  record_.escapes = true;
  if (scratch_.size() < to - from + kJsonPadding) scratch_.resize(2 * (to - from) + kJsonPadding);
  uint32_t first = next_backslash_;
  next_backslash_ = next(to);
  char* end = index_.unescape(base + from, scratch_.data());
  return end != nullptr || fail("malformed escape in a string, from the backslash", first);
}

bool JsonChecker::string(const uint32_t* t, uint32_t& close) {
  uint32_t limit = t[1] < record_.end ? t[1] : record_.end;
  close = last_byte(record_.base, limit);
  return next_backslash_ >= close || escapes(*t + 1, close);
}

bool JsonChecker::key(const uint32_t* t, uint32_t& close) {
  const char* base = record_.base;
  if (*t >= record_.end || base[*t] != '"') return fail("expected a field's name in quotes", *t);
  if (t[1] >= record_.end || base[t[1]] != ':') return fail("expected ':'", t[1]);
  close = last_byte(base, t[1]);
  return next_backslash_ >= close || escapes(*t + 1, close);
}

// Checks the value at `t`; the token after it, or null.
inline const uint32_t* JsonChecker::value(const uint32_t* t) {
  if (*t >= record_.end) return stop("", *t);
  const char* p = record_.base + *t;
  uint32_t close;
  switch (*p) {
    case '"':
      return string(t, close) ? t + 1 : nullptr;
    case '{':
    case '[':
      return nested(t);
    case 't':
      return word(p, "true", 4) ? t + 1 : stop("unknown word", *t);
    case 'f':
      return word(p, "false", 5) ? t + 1 : stop("unknown word", *t);
    case 'n':
      return word(p, "null", 4) ? t + 1 : stop("unknown word", *t);
    case '-':
    case '0' ... '9': {
      const char* end = number_end(p);
      return end && ends_scalar(*end) ? t + 1 : stop("malformed number", *t);
    }
    default:
      return stop("expected a value", *t);
  }
}

const uint32_t* JsonChecker::nested(const uint32_t* t) {
  const char* base = record_.base;
  const uint32_t end = record_.end;
  int depth = 1;  // the record itself
  for (;;) {
    // At an opening brace or bracket.
    if (++depth > depth_max_) return stop("nested too deeply", *t);
    bool object = base[*t] == '{';
    closers_[depth] = object ? '}' : ']';
    ++t;
    if (*t >= end || base[*t] != closers_[depth]) {
      // At an element.
    element:
      uint32_t close;
      if (object) {
        if (!key(t, close)) return nullptr;
        t += 2;
      }
      if (*t >= end) return stop("", *t);
      if (base[*t] == '{' || base[*t] == '[') continue;
      t = value(t);
      if (t == nullptr) return nullptr;
    } else {
      --depth;
      ++t;
    }
    // After a value: what is open says what may follow.
    for (;;) {
      if (depth == 1) return t;
      if (*t >= end) return stop("", *t);
      char c = base[*t];
      object = closers_[depth] == '}';
      if (c == ',') {
        ++t;
        goto element;
      }
      if (c != closers_[depth]) return stop(object ? "expected ',' or '}'" : "expected ',' or ']'", *t);
      --depth;
      ++t;
    }
  }
}

bool JsonChecker::check(const uint32_t* t, uint32_t begin, uint32_t end) {
  const char* base = record_.base;
  record_.begin = begin;
  record_.end = end;
  record_.escapes = false;
  record_.fields.clear();
  stopped_ = t;
  if (*t >= end) return fail(kEmptyRecord, begin);
  if (base[*t] != '{') return fail("not a JSON object", *t);
  ++t;
  if (*t < end && base[*t] == '}') {
    stopped_ = ++t;
    return *t >= end || fail("something follows the object", *t);
  }
  for (;;) {
    stopped_ = t;
    uint32_t close;
    if (!key(t, close)) return false;
    const uint32_t* after = value(t + 2);
    if (after == nullptr) return false;
    record_.fields.push_back(JsonField{*t + 1, close - *t - 1, t + 2, after});
    stopped_ = after;
    if (*after >= end) return fail("", *after);
    char c = base[*after];
    t = after + 1;
    if (c == ',') continue;
    if (c != '}') return fail("expected ',' or '}'", *after);
    stopped_ = t;
    return *t >= end || fail("something follows the object", *t);
  }
}

}  // namespace tarn::columns
