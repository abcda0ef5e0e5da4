#include "access/policy_pattern.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <fmt/core.h>

#include "access/policy.h"

namespace tarn::access {

namespace {

constexpr size_t kNowhere = std::string_view::npos;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Patterns as the matcher sees them: characters, of which some are wildcards. A part without '?' can be searched
// for as text.
struct Plain {
  std::string_view text;
  bool run(size_t i) const { return text[i] == '*'; }
  bool one(size_t i) const { return text[i] == '?'; }
  bool fits(size_t i, char c) const { return text[i] == c; }
};
struct IgnoringCase : Plain {
  bool fits(size_t i, char c) const { return lower(text[i]) == lower(c); }
};
struct Filled {  // variables filled in: their characters are none
  std::string text;
  std::string wild;  // at each character: '*', '?' or 0
  bool run(size_t i) const { return wild[i] == '*'; }
  bool one(size_t i) const { return wild[i] == '?'; }
  bool fits(size_t i, char c) const { return text[i] == c; }
};

template <typename Pattern>
bool fits_at(const Pattern& pattern, size_t from, size_t to, std::string_view text, size_t at) {
  for (size_t i = from; i < to; ++i)
    if (!pattern.one(i) && !pattern.fits(i, text[at + i - from])) return false;
  return true;
}

// The first place from `at` on where the part [from, to) of the pattern, which has no '*', fits.
template <typename Pattern>
size_t find_part(const Pattern& pattern, size_t from, size_t to, std::string_view text, size_t at) {
  const size_t length = to - from;
  if (text.size() - at < length) return kNowhere;
  if constexpr (!std::is_same_v<Pattern, IgnoringCase>) {
    bool ones = false;
    for (size_t i = from; i < to && !ones; ++i) ones = pattern.one(i);
    if (!ones) {
      const void* found = memmem(text.data() + at, text.size() - at, pattern.text.data() + from, length);
      return found == nullptr ? kNowhere : static_cast<size_t>(static_cast<const char*>(found) - text.data());
    }
  }
  for (; at + length <= text.size(); ++at)
    if (fits_at(pattern, from, to, text, at)) return at;
  return kNowhere;
}

// The part before the first '*' must begin the text, the one behind the last must end it; each in between is taken
// at its first place, which leaves the most for the rest.
template <typename Pattern>
bool matches(const Pattern& pattern, std::string_view text) {
  const size_t size = pattern.text.size();
  size_t head = 0;
  while (head < size && !pattern.run(head)) ++head;
  if (head == size) return size == text.size() && fits_at(pattern, 0, size, text, 0);
  size_t tail = size;
  while (!pattern.run(tail - 1)) --tail;
  const size_t tail_length = size - tail;
  if (text.size() < head + tail_length) return false;
  if (!fits_at(pattern, 0, head, text, 0)) return false;
  if (!fits_at(pattern, tail, size, text, text.size() - tail_length)) return false;
  const std::string_view middle = text.substr(0, text.size() - tail_length);
  size_t at = head;
  for (size_t from = head; from < tail;) {
    if (pattern.run(from)) {
      ++from;
      continue;
    }
    size_t to = from;
    while (!pattern.run(to)) ++to;  // the last before `tail` is a '*'
    const size_t place = find_part(pattern, from, to, middle, at);
    if (place == kNowhere) return false;
    at = place + (to - from);
    from = to;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

struct Variable {
  std::string_view key;
  std::optional<std::string_view> fallback;
};

// Of what stands between ${ and }. Nothing: it isn't well formed.
std::optional<Variable> variable_of(std::string_view inside) {
  const size_t comma = inside.find(',');
  Variable variable;
  variable.key = trimmed(inside.substr(0, comma));
  if (variable.key.empty() || variable.key.find_first_of("'${ ") != kNowhere) return std::nullopt;
  if (comma == kNowhere) return variable;
  std::string_view quoted = trimmed(inside.substr(comma + 1));
  if (quoted.size() < 2 || !quoted.starts_with('\'') || !quoted.ends_with('\'')) return std::nullopt;
  quoted = quoted.substr(1, quoted.size() - 2);
  if (quoted.find('\'') != kNowhere) return std::nullopt;
  variable.fallback = quoted;
  return variable;
}

bool is_character(std::string_view inside) {
  return inside == "*" || inside == "?" || inside == "$";
}

// Calls literal(text) for what variables stand for and plain(text) for the rest. False: a variable has no value.
template <typename Literal, typename Ordinary>
bool fill_in(std::string_view text, const Facts& facts, Literal literal, Ordinary ordinary) {
  size_t at = 0;
  for (;;) {
    const size_t start = text.find("${", at);
    const size_t end = start == kNowhere ? kNowhere : variable_end(text, start);
    if (end == kNowhere) break;
    ordinary(text.substr(at, start - at));
    at = end;
    const std::string_view inside = text.substr(start + 2, end - start - 3);
    if (is_character(inside)) {
      literal(inside);
      continue;
    }
    const auto variable = variable_of(inside);
    if (!variable) return false;
    const auto* values = facts.find_lower(to_lower(variable->key));
    if (values != nullptr && values->size() == 1) {
      literal(std::string_view(values->front()));
    } else if (variable->fallback && (values == nullptr || values->empty())) {
      literal(*variable->fallback);
    } else {
      return false;
    }
  }
  ordinary(text.substr(at));
  return true;
}

bool has_variable(std::string_view text, const Facts* facts) {
  return facts != nullptr && text.find("${") != kNowhere;
}

// The six parts of an ARN, or of a pattern of one: colons within ${} divide nothing. Fewer: no ARN.
struct ArnParts {
  std::array<std::string_view, 6> part;
  bool whole = false;
};
ArnParts split_arn(std::string_view text, bool variables) {
  ArnParts parts;
  size_t from = 0;
  size_t count = 0;
  for (size_t i = 0; i < text.size() && count < 5; ++i) {
    if (variables && text[i] == '$') {
      const size_t end = variable_end(text, i);
      if (end != kNowhere) i = end - 1;
    } else if (text[i] == ':') {
      parts.part[count++] = text.substr(from, i - from);
      from = i + 1;
    }
  }
  parts.part[count] = text.substr(from);
  parts.whole = count == 5;
  return parts;
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

size_t variable_end(std::string_view text, size_t from) {
  if (!text.substr(from).starts_with("${")) return kNowhere;
  const size_t brace = text.find('}', from);
  return brace == kNowhere ? kNowhere : brace + 1;
}

Status check_variables(std::string_view text) {
  for (size_t at = text.find("${"); at != kNowhere; at = text.find("${", at)) {
    const size_t end = variable_end(text, at);
    if (end == kNowhere)
      return fail(Code::kInvalid,
                  fmt::format("'{}': a variable has no '}}'; write ${{$}}{{ for the characters", text));
    const std::string_view inside = text.substr(at + 2, end - at - 3);
    if (!is_character(inside) && !variable_of(inside))
      return fail(
          Code::kInvalid,
          fmt::format("'{}': ${{{}}} is no variable; it is ${{key}} or ${{key, 'default'}}", text, inside));
    at = end;
  }
  return {};
}

std::optional<std::string> filled_in(std::string_view text, const Facts& facts) {
  std::string out;
  const auto add = [&](std::string_view part) { out += part; };
  if (!fill_in(text, facts, add, add)) return std::nullopt;
  return out;
}

bool like(std::string_view pattern, std::string_view text, const Facts* facts) {
  if (!has_variable(pattern, facts)) return matches(Plain{pattern}, text);
  Filled filled;
  const auto literal = [&](std::string_view part) {
    filled.text += part;
    filled.wild.append(part.size(), '\0');
  };
  const auto ordinary = [&](std::string_view part) {
    filled.text += part;
    for (const char c : part) filled.wild += c == '*' || c == '?' ? c : '\0';
  };
  return fill_in(pattern, *facts, literal, ordinary) && matches(filled, text);
}

bool like_ignoring_case(std::string_view pattern, std::string_view text) {
  return matches(IgnoringCase{{pattern}}, text);
}

bool like_arn(std::string_view pattern, std::string_view arn, const Facts* facts) {
  const ArnParts patterns = split_arn(pattern, facts != nullptr);
  if (!patterns.whole) return like(pattern, arn, facts);
  const ArnParts parts = split_arn(arn, false);
  if (!parts.whole) return false;
  for (size_t i = 0; i < parts.part.size(); ++i)
    if (!like(patterns.part[i], parts.part[i], facts)) return false;
  return true;
}

bool match_action(std::string_view pattern, std::string_view action) {
  return like_ignoring_case(pattern, action);
}

bool match_resource(std::string_view pattern, std::string_view resource) {
  return like(pattern, resource, nullptr);
}

}  // namespace tarn::access
