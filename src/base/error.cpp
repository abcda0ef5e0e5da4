#include "base/error.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace tarn {

std::string_view code_name(Code code) {
  static constexpr std::array names = {"invalid",         "not_found", "exists",      "conflict",
                                       "denied",          "too_large", "busy",        "full",
                                       "unavailable",     "timeout",   "cancelled",   "corrupt",
                                       "unknown_outcome", "io",        "unsupported", "internal"};
  static_assert(names.size() == static_cast<size_t>(Code::kInternal) + 1);
  return names.at(static_cast<size_t>(code));
}

Error Error::in(std::string_view context) && {
  message.insert(0, ": ");
  message.insert(0, context);
  return std::move(*this);
}

Error errno_error(std::string_view what, int error_number) {
  Code code = Code::kIo;
  if (error_number == ENOSPC || error_number == EDQUOT) code = Code::kFull;
  if (error_number == ENOENT) code = Code::kNotFound;
  return Error{code, std::string(what) + ": " + std::system_category().message(error_number), 0};
}

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "tarn: broken invariant: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace tarn
