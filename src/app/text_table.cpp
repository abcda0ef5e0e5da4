#include "app/text_table.h"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/core.h>

namespace tarn::app {
namespace {

constexpr int kColumnWidthMin = 4;
constexpr std::string_view kNull = "NULL";

std::string shown(const std::optional<std::string>& value) {
  return value ? visible(*value) : std::string(kNull);
}

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::string rule(const std::vector<int>& widths, std::string_view left, std::string_view middle,
                 std::string_view right) {
  std::string out(left);
  for (size_t i = 0; i < widths.size(); ++i) {
    if (i > 0) out += middle;
    out += repeat("─", widths[i] + 2);
  }
  return out + std::string(right) + "\n";
}

// Narrows the widest column until the table fits, none below kColumnWidthMin.
void fit(std::vector<int>& widths, int width) {
  auto total = [&] {
    return std::accumulate(widths.begin(), widths.end(), 0) + 3 * static_cast<int>(widths.size()) + 1;
  };
  while (total() > width) {
    auto widest = std::ranges::max_element(widths);
    if (*widest <= kColumnWidthMin) return;
    *widest = std::max(kColumnWidthMin, *widest - std::max(1, (total() - width) / 2));
  }
}

std::string expanded(const std::vector<TableColumn>& columns, const std::vector<TableRow>& rows,
                     const Terminal& terminal) {
  int widest = 0;
  for (const TableColumn& column : columns) widest = std::max(widest, display_width(visible(column.name)));
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string title = fmt::format("── row {} ", r + 1);
    out += paint(terminal, Colour::kGrey, title + repeat("─", std::max(4, 40 - display_width(title)))) + "\n";
    for (size_t c = 0; c < columns.size(); ++c) {
      std::string value = shown(rows[r][c]);
      if (!rows[r][c]) value = paint(terminal, Colour::kGrey, value);
      out += fmt::format("{} │ {}\n", pad_right(visible(columns[c].name), widest), value);
    }
  }
  return out;
}

}  // namespace

bool TableColumn::right() const {
  constexpr std::array kNumbers = {"TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",  "HUGEINT",
                                   "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
                                   "FLOAT",    "DOUBLE",    "REAL"};
  if (type.ends_with("]")) return false;
  return type.starts_with("DECIMAL") ||
         std::ranges::any_of(kNumbers, [&](const char* n) { return type == n; });
}

std::string render_table(const std::vector<TableColumn>& columns, const std::vector<TableRow>& rows,
                         const TableStyle& style) {
  if (columns.empty()) return "";
  if (style.expanded) return expanded(columns, rows, style.terminal);
  std::vector<int> widths;
  for (size_t c = 0; c < columns.size(); ++c) {
    int width =
        std::max(display_width(visible(columns[c].name)), style.types ? display_width(columns[c].type) : 0);
    for (const TableRow& row : rows) width = std::max(width, display_width(shown(row[c])));
    widths.push_back(std::max(1, width));
  }
  if (style.terminal.interactive) fit(widths, style.terminal.width);

  std::string out = rule(widths, "┌", "┬", "┐");
  auto heading = [&](Colour colour, auto text_of) {
    for (size_t c = 0; c < columns.size(); ++c) {
      std::string text = shorten(visible(text_of(columns[c])), widths[c]);
      text = columns[c].right() ? pad_left(text, widths[c]) : pad_right(text, widths[c]);
      out += "│ " + paint(style.terminal, colour, text) + " ";
    }
    out += "│\n";
  };
  heading(Colour::kBold, [](const TableColumn& column) { return column.name; });
  if (style.types) heading(Colour::kGrey, [](const TableColumn& column) { return column.type; });
  out += rule(widths, "├", "┼", "┤");
  for (const TableRow& row : rows) {
    for (size_t c = 0; c < columns.size(); ++c) {
      std::string text = shorten(shown(row[c]), widths[c]);
      text = columns[c].right() ? pad_left(text, widths[c]) : pad_right(text, widths[c]);
      out += "│ " + (row[c] ? text : paint(style.terminal, Colour::kGrey, text)) + " ";
    }
    out += "│\n";
  }
  return out + rule(widths, "└", "┴", "┘");
}

}  // namespace tarn::app
