// The answer of POST /v1/sql, read as it comes: {"columns":[{"name","type"}…],"rows":[[…],…]}.
//
// Values keep the digits that the lake sent: only the places of brackets, commas and quotes are looked at.
// Threads: one thread.
// Fails: kInternal when the text is not such an answer.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/text_table.h"
#include "base/error.h"

namespace tarn::app {

class ResultReader {
 public:
  // `row` may fail to end the reading.
  ResultReader(std::function<Status(const std::vector<TableColumn>&)> columns,
               std::function<Status(TableRow)> row)
      : on_columns_(std::move(columns)), on_row_(std::move(row)) {}

  Status feed(std::string_view bytes);  // any split of the text
  Status finish() const;                // kInternal when the answer is not whole

 private:
  enum class State { kHead, kRows, kDone };
  Status head_byte(char c);
  Status row_byte(char c);
  Status read_columns();
  Status end_row();
  bool in_text(char c);

  std::function<Status(const std::vector<TableColumn>&)> on_columns_;
  std::function<Status(TableRow)> on_row_;
  State state_ = State::kHead;
  std::string text_;  // of the head, then of one row
  int depth_ = 0;
  bool quoted_ = false;
  bool escaped_ = false;
  size_t columns_ = 0;
};

}  // namespace tarn::app
