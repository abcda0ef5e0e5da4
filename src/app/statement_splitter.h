// Cuts typed text into SQL statements at each `;` that is not inside of a string, a name or a comment.
//
// Knows 'text' and E'text\'', "names", -- and nested /* */ comments, and $tag$ … $tag$. What a statement
// means is the lake's business.
// Threads: one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tarn::app {

class StatementSplitter {
 public:
  // Takes a line (its newline is added) and gives the statements that are complete now, without their `;`.
  std::vector<std::string> feed(std::string_view line);
  // The rest, if it is more than blanks and comments; the splitter is empty afterwards.
  std::string take_rest();
  // True when a statement is begun and not complete.
  bool pending() const { return has_content_; }
  void clear();

 private:
  enum class State { kPlain, kText, kEscapedText, kName, kLineComment, kBlockComment, kDollar };
  size_t step(std::string_view line, size_t at);
  size_t step_plain(std::string_view line, size_t at);
  void take(std::string_view line, size_t at, size_t bytes);

  State state_ = State::kPlain;
  int comment_depth_ = 0;
  std::string dollar_;  // "$tag$"
  std::string text_;
  bool has_content_ = false;
  bool complete_ = false;
};

}  // namespace tarn::app
