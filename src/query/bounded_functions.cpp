#include "query/bounded_functions.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

namespace tarn::query {

namespace {

constexpr int kCharactersMax = 100'000;   // of a text that is made
constexpr int kElementsMax = 1'000'000;   // of a list that is made
constexpr int kComparedMax = 10'000'000;  // characters of the one text times those of the other
constexpr int kPatternMax = 1000;         // characters of a LIKE

// `argument`, unless `size` is over `most`.
std::string bounded(std::string_view function, std::string_view argument, std::string_view size, int most,
                    std::string_view what) {
  return fmt::format("CASE WHEN {2} > {3} THEN error('{0}() makes at most {3} {4} here') ELSE {1} END",
                     function, argument, size, most, what);
}

std::string texts() {
  std::string out =
      fmt::format("CREATE MACRO repeat(s, n) AS system.main.repeat(s, {});\n",
                  bounded("repeat", "n", "n * length(s::VARCHAR)", kCharactersMax, "characters"));
  for (std::string_view name : {"lpad", "rpad"}) {
    out += fmt::format("CREATE MACRO {0}(s, n, p) AS system.main.{0}(s, {1}, p);\n", name,
                       bounded(name, "n", "n", kCharactersMax, "characters"));
  }
  out += fmt::format("CREATE MACRO bitstring(s, n) AS system.main.bitstring(s, {});\n",
                     bounded("bitstring", "n", "n", kElementsMax, "bits"));
  return out;
}

// Matching goes down the pattern on the stack.
std::string patterns() {
  std::string out;
  for (std::string_view name : {"~~", "~~*", "!~~", "!~~*", "~~~"}) {
    out += fmt::format(
        "CREATE MACRO \"{0}\"(s, p) AS CASE WHEN length(p) > {1} THEN error('a pattern has at most {1} "
        "characters here') ELSE system.main.\"{0}\"(s, p) END;\n",
        name, kPatternMax);
  }
  for (std::string_view name : {"like_escape", "ilike_escape", "not_like_escape", "not_ilike_escape"}) {
    out += fmt::format(
        "CREATE MACRO {0}(s, p, e) AS CASE WHEN length(p) > {1} THEN error('a pattern has at most {1} "
        "characters here') ELSE system.main.{0}(s, p, e) END;\n",
        name, kPatternMax);
  }
  return out;
}

std::string lists() {
  std::string out;
  for (std::string_view name : {"list_resize", "array_resize"}) {
    std::string count = bounded(name, "n", "n", kElementsMax, "elements");
    out += fmt::format(
        "CREATE MACRO {0}(l, n) AS system.main.{0}(l, {1}), (l, n, v) AS system.main.{0}(l, {1}, v);\n", name,
        count);
  }
  for (std::string_view name : {"range", "generate_series"}) {
    out += fmt::format(
        "CREATE MACRO {0}(n BIGINT) AS system.main.{0}({1}), "
        "(a BIGINT, b BIGINT) AS system.main.{0}(a, {2}), "
        "(a BIGINT, b BIGINT, s BIGINT) AS system.main.{0}(a, {3}, s), "
        "(a TIMESTAMP, b TIMESTAMP, s INTERVAL) AS system.main.{0}(a, b, s), "
        "(a TIMESTAMPTZ, b TIMESTAMPTZ, s INTERVAL) AS system.main.{0}(a, b, s);\n",
        name, bounded(name, "n", "n", kElementsMax, "elements"),
        bounded(name, "b", "b::HUGEINT - a", kElementsMax, "elements"),
        bounded(name, "b", "abs((b::HUGEINT - a) // s)", kElementsMax, "elements"));
  }
  return out;
}

std::string distances() {
  auto call = [](std::string_view name, std::string_view more) {
    return fmt::format(
        "CASE WHEN length(a) * length(b) > {1} THEN error('{0}() compares shorter texts here: {1} is the "
        "most for the product of their lengths') ELSE system.main.{0}(a, b{2}) END",
        name, kComparedMax, more);
  };
  std::string out;
  for (std::string_view name : {"levenshtein", "editdist3", "damerau_levenshtein", "jaccard"})
    out += fmt::format("CREATE MACRO {}(a, b) AS {};\n", name, call(name, ""));
  for (std::string_view name : {"jaro_similarity", "jaro_winkler_similarity"})
    out += fmt::format("CREATE MACRO {}(a, b) AS {}, (a, b, c) AS {};\n", name, call(name, ""),
                       call(name, ", c"));
  return out;
}

constexpr std::string_view kNames[] = {"repeat",
                                       "lpad",
                                       "rpad",
                                       "bitstring",
                                       "~~",
                                       "~~*",
                                       "!~~",
                                       "!~~*",
                                       "~~~",
                                       "like_escape",
                                       "ilike_escape",
                                       "not_like_escape",
                                       "not_ilike_escape",
                                       "list_resize",
                                       "array_resize",
                                       "range",
                                       "generate_series",
                                       "levenshtein",
                                       "editdist3",
                                       "damerau_levenshtein",
                                       "jaccard",
                                       "jaro_similarity",
                                       "jaro_winkler_similarity"};

}  // namespace

bool is_bounded_function(std::string_view name) {
  return std::ranges::find(kNames, name) != std::end(kNames);
}

std::string bounded_functions_sql() {
  return texts() + patterns() + lists() + distances();
}

}  // namespace tarn::query
