// What we print to: is it a terminal, how wide, in colour; and how wide a text is on it.
//
// Colour is used only on a terminal, and not when NO_COLOR is set (https://no-color.org) or TERM is dumb.
// Threads: values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tarn::app {

struct Terminal {
  bool interactive = false;
  bool colour = false;
  int width = 80;

  static Terminal of(int descriptor);
};

enum class Colour { kRed, kGreen, kYellow, kBlue, kGrey, kBold };

// `text` in that colour on a terminal that has colours; else as it is.
std::string paint(const Terminal& terminal, Colour colour, std::string_view text);

// The columns that UTF-8 text takes on a terminal: wide characters count two, combining ones none.
int display_width(std::string_view text);
// At most `width` columns of it; what was cut is shown by an ellipsis.
std::string shorten(std::string_view text, int width);
// Control characters made visible (a newline as \n), so that data can't move the cursor or change colours.
std::string visible(std::string_view text);
// Filled up with blanks to `width` columns, on the right or on the left.
std::string pad_right(std::string_view text, int width);
std::string pad_left(std::string_view text, int width);

// For people: 1234567 → "1,234,567"; a rate → "12.3 k".
std::string with_commas(uint64_t number);
std::string human_number(double number);
// "3s", "2m 05s", "1h 04m".
std::string human_seconds(double seconds);

}  // namespace tarn::app
