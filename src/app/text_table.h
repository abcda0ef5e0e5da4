// Rows as a table drawn with box characters, for people.
//
// Numbers stand on the right, everything else on the left; NULL is shown as such and grey. A table that is
// wider than the terminal is narrowed column by column, the widest first. Control characters in data are made
// visible.
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/terminal.h"

namespace tarn::app {

struct TableColumn {
  std::string name;
  std::string type;  // SQL's; empty: not shown
  bool right() const;
};

using TableRow = std::vector<std::optional<std::string>>;

struct TableStyle {
  Terminal terminal;
  bool types = false;     // a line with the types below the names
  bool expanded = false;  // one line a value: for rows that are too wide
};

// REQUIRES: every row has as many values as there are columns. Ends with a newline.
std::string render_table(const std::vector<TableColumn>& columns, const std::vector<TableRow>& rows,
                         const TableStyle& style);

}  // namespace tarn::app
