// The program's own log: one line an event, to standard error.
//
// Use TARN_LOG(info, "delivered {} records of {}", n, stream). Levels: debug, info, warn, error.
// The level comes from TARN_LOG_LEVEL (default info). A line has an RFC 3339 time, level and text.
// Threads: any.
#pragma once

#include <string_view>

#include <fmt/core.h>

namespace tarn {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

void log_line(LogLevel level, std::string_view text);
bool log_enabled(LogLevel level);

}  // namespace tarn

#define TARN_LOG_LEVEL_debug ::tarn::LogLevel::kDebug
#define TARN_LOG_LEVEL_info ::tarn::LogLevel::kInfo
#define TARN_LOG_LEVEL_warn ::tarn::LogLevel::kWarn
#define TARN_LOG_LEVEL_error ::tarn::LogLevel::kError
#define TARN_LOG(level, ...)                                              \
  do {                                                                    \
    if (::tarn::log_enabled(TARN_LOG_LEVEL_##level))                      \
      ::tarn::log_line(TARN_LOG_LEVEL_##level, fmt::format(__VA_ARGS__)); \
  } while (false)
