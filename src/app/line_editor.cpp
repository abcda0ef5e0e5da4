#include "app/line_editor.h"

#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>

#include <histedit.h>

namespace tarn::app {
namespace {

constexpr int kHistoryLines = 10'000;

void ignore(int) {}

// SIGINT interrupts the read of a line, and does nothing else, while this lives.
class InterruptedReads {
 public:
  InterruptedReads() {
    struct sigaction action{};
    action.sa_handler = ignore;  // without SA_RESTART: the read returns with EINTR
    sigaction(SIGINT, &action, &before_);
  }
  ~InterruptedReads() { sigaction(SIGINT, &before_, nullptr); }
  InterruptedReads(const InterruptedReads&) = delete;
  InterruptedReads& operator=(const InterruptedReads&) = delete;

 private:
  struct sigaction before_{};
};

}  // namespace

struct LineEditor::Impl {
  std::string history_file;
  std::string prompt;
  EditLine* editor = nullptr;
  History* history = nullptr;
  HistEvent event{};

  static char* show_prompt(EditLine* editor) {
    void* data = nullptr;
    el_get(editor, EL_CLIENTDATA, &data);
    return static_cast<Impl*>(data)->prompt.data();
  }
};

LineEditor::LineEditor(std::string history_file) : impl_(std::make_unique<Impl>()) {
  if (std::setlocale(LC_CTYPE, "") == nullptr) std::setlocale(LC_CTYPE, "C.UTF-8");
  impl_->history_file = std::move(history_file);
  impl_->editor = el_init("tarn", stdin, stderr, stderr);
  impl_->history = history_init();
  history(impl_->history, &impl_->event, H_SETSIZE, kHistoryLines);
  history(impl_->history, &impl_->event, H_SETUNIQUE, 1);
  if (!impl_->history_file.empty())
    history(impl_->history, &impl_->event, H_LOAD, impl_->history_file.c_str());
  el_set(impl_->editor, EL_CLIENTDATA, impl_.get());
  el_set(impl_->editor, EL_PROMPT, &Impl::show_prompt);
  el_set(impl_->editor, EL_EDITOR, "emacs");
  el_set(impl_->editor, EL_HIST, ::history, impl_->history);
  el_set(impl_->editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_source(impl_->editor, nullptr);  // the user's ~/.editrc
}

LineEditor::~LineEditor() {
  history_end(impl_->history);
  el_end(impl_->editor);
}

LineEditor::Outcome LineEditor::read(const std::string& prompt, std::string& line) {
  impl_->prompt = prompt;
  InterruptedReads reads;
  int count = 0;
  errno = 0;
  const char* typed = el_gets(impl_->editor, &count);
  if (typed == nullptr || count <= 0) {
    if (errno != EINTR) return Outcome::kEnd;
    el_reset(impl_->editor);
    std::fputs("\n", stderr);
    return Outcome::kInterrupted;
  }
  line.assign(typed, static_cast<size_t>(count));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return Outcome::kLine;
}

void LineEditor::remember(const std::string& line) {
  if (line.empty()) return;
  history(impl_->history, &impl_->event, H_ENTER, line.c_str());
  if (!impl_->history_file.empty())
    history(impl_->history, &impl_->event, H_SAVE, impl_->history_file.c_str());
}

}  // namespace tarn::app
