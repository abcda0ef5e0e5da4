#include "app/terminal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tarn::app {
namespace {

struct Decoded {
  uint32_t code = 0;
  size_t bytes = 1;
};

// The character at `at`; a byte that is no UTF-8 counts as one character.
Decoded decode(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = byte(at);
  if (first < 0x80) return {first, 1};
  size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  if (length == 1 || at + length > text.size()) return {0xFFFD, 1};
  uint32_t code = first & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {0xFFFD, 1};
    code = (code << 6) | (byte(at + i) & 0x3F);
  }
  return {code, length};
}

struct Range {
  uint32_t first;
  uint32_t last;
};
constexpr std::array kNoWidth = {Range{0x0300, 0x036F}, Range{0x200B, 0x200F}, Range{0x20D0, 0x20FF},
                                 Range{0xFE00, 0xFE0F}, Range{0xFEFF, 0xFEFF}};
constexpr std::array kWide = {Range{0x1100, 0x115F},   Range{0x2E80, 0x303E},   Range{0x3041, 0x33FF},
                              Range{0x3400, 0x4DBF},   Range{0x4E00, 0x9FFF},   Range{0xA000, 0xA4CF},
                              Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},
                              Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F},
                              Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1F9FF}, Range{0x20000, 0x3FFFD}};

template <size_t N>
bool within(const std::array<Range, N>& ranges, uint32_t code) {
  return std::ranges::any_of(ranges, [&](Range r) { return code >= r.first && code <= r.last; });
}

int width_of(uint32_t code) {
  return within(kNoWidth, code) ? 0 : within(kWide, code) ? 2 : 1;
}

const char* escape_of(Colour colour) {
  switch (colour) {
    case Colour::kRed:
      return "\033[31m";
    case Colour::kGreen:
      return "\033[32m";
    case Colour::kYellow:
      return "\033[33m";
    case Colour::kBlue:
      return "\033[34m";
    case Colour::kGrey:
      return "\033[90m";
    case Colour::kBold:
      return "\033[1m";
  }
  return "";
}

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

}  // namespace

Terminal Terminal::of(int descriptor) {
  Terminal terminal;
  terminal.interactive = isatty(descriptor) == 1;
  const char* kind = std::getenv("TERM");
  bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
  terminal.colour = terminal.interactive && !dumb && !is_set("NO_COLOR");
  winsize size{};
  if (terminal.interactive && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.width = size.ws_col;
  }
  return terminal;
}

std::string paint(const Terminal& terminal, Colour colour, std::string_view text) {
  if (!terminal.colour) return std::string(text);
  return fmt::format("{}{}\033[0m", escape_of(colour), text);
}

int display_width(std::string_view text) {
  int width = 0;
  for (size_t at = 0; at < text.size();) {
    Decoded character = decode(text, at);
    width += width_of(character.code);
    at += character.bytes;
  }
  return width;
}

std::string shorten(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  if (width <= 0) return "";
  int used = 0;
  size_t at = 0;
  while (at < text.size()) {
    Decoded character = decode(text, at);
    if (used + width_of(character.code) > width - 1) break;
    used += width_of(character.code);
    at += character.bytes;
  }
  return std::string(text.substr(0, at)) + "…";
}

std::string visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    Decoded character = decode(text, at);
    std::string_view bytes = text.substr(at, character.bytes);
    at += character.bytes;
    if (character.code == '\n') {
      out += "\\n";
    } else if (character.code == '\r') {
      out += "\\r";
    } else if (character.code == '\t') {
      out += "\\t";
    } else if (character.code < 0x20 || character.code == 0x7F ||
               (character.code >= 0x80 && character.code < 0xA0)) {
      out += fmt::format("\\x{:02x}", character.code);
    } else if (character.code == 0xFFFD && bytes.size() == 1) {
      out += "\xEF\xBF\xBD";  // U+FFFD for a byte that is no UTF-8
    } else {
      out += bytes;
    }
  }
  return out;
}

std::string pad_right(std::string_view text, int width) {
  int blanks = std::max(0, width - display_width(text));
  return std::string(text) + std::string(static_cast<size_t>(blanks), ' ');
}

std::string pad_left(std::string_view text, int width) {
  int blanks = std::max(0, width - display_width(text));
  return std::string(static_cast<size_t>(blanks), ' ') + std::string(text);
}

std::string with_commas(uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string human_number(double number) {
  if (number >= 999'950'000) return fmt::format("{:.1f} G", number / 1e9);
  if (number >= 999'950) return fmt::format("{:.1f} M", number / 1e6);
  if (number >= 1'000) return fmt::format("{:.1f} k", number / 1e3);
  return fmt::format("{:.0f}", number);
}

std::string human_seconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "-";
  auto whole = static_cast<uint64_t>(std::llround(std::min(seconds, 1e12)));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  return fmt::format("{}h {:02}m", whole / 3600, whole / 60 % 60);
}

}  // namespace tarn::app
