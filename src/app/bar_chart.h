// Horizontal bars made of block characters: a picture of two columns in a terminal.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "app/terminal.h"
#include "app/text_table.h"
#include "base/error.h"

namespace tarn::app {

struct Bar {
  std::string label;
  double value = 0;
  std::string shown;  // the value as text, beside the bar
};

// Bars start at zero; negative ones go to the left of it. Ends with a newline; nothing for no bars.
std::string render_bars(const std::vector<Bar>& bars, const Terminal& terminal);

// From a result of two columns: labels, and numbers. kInvalid for any other result.
Result<std::vector<Bar>> bars_of(const std::vector<TableColumn>& columns, const std::vector<TableRow>& rows);

}  // namespace tarn::app
