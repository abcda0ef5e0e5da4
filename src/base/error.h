// The one error type of Tarn.
//
// A Code says what the caller should do, so that one file per door can translate it (HTTP status, AWS error,
// SQLSTATE) and nobody compares message texts. Messages name the object and, for users, the next step.
//
// Threads: values; copy and move freely.
// Fails: never. Exceptions of libraries are caught in the wrapper that calls the library and become an
// Error.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace tarn {

enum class Code {
  kInvalid,         // the request is wrong and will stay wrong: fix it
  kNotFound,        // no such stream, table, object
  kExists,          // already there with another definition
  kConflict,        // somebody else committed first: reload and try again
  kDenied,          // the principal may not
  kTooLarge,        // over a stated limit: split it
  kBusy,            // a bound is reached: wait (Error::retry_after_ms) and send again
  kFull,            // no space left on the device: nothing was stored
  kUnavailable,     // a part is stopping or a server can't be reached: try again later
  kTimeout,         // the deadline passed
  kCancelled,       // the caller gave up
  kCorrupt,         // stored bytes are damaged: the message names file and offset
  kUnknownOutcome,  // it may or may not have happened: look before repeating
  kIo,              // the operating system refused: the message has path and errno text
  kUnsupported,     // a legal request that this build doesn't do
  kInternal,        // our bug
};

// The code's stable name in JSON answers and logs: "invalid", "not_found", …
std::string_view code_name(Code code);

struct [[nodiscard]] Error {
  Code code = Code::kInternal;
  std::string message;
  int retry_after_ms = 0;  // for kBusy: when to try again; 0 where it has no meaning

  // The same error, told from further up: "<context>: <message>".
  Error in(std::string_view context) &&;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(Code code, std::string message) {
  return std::unexpected<Error>(Error{code, std::move(message), 0});
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}

// An Error for the current errno: kFull for ENOSPC and EDQUOT, kNotFound for ENOENT, kIo otherwise.
// `what` names the operation and the path: "write /data/log/0.seg".
Error errno_error(std::string_view what, int error_number);

}  // namespace tarn

#define TARN_CONCAT_INNER(a, b) a##b
#define TARN_CONCAT(a, b) TARN_CONCAT_INNER(a, b)

// TARN_TRY(expression): returns the error of a failed Status or Result to the caller.
#define TARN_TRY(...)                                             \
  do {                                                            \
    if (auto tarn_try_status = (__VA_ARGS__); !tarn_try_status)   \
      return std::unexpected(std::move(tarn_try_status).error()); \
  } while (false)

// TARN_ASSIGN(declaration, expression): declares from a Result's value, or returns its error.
#define TARN_ASSIGN(declaration, ...) \
  TARN_ASSIGN_INNER(TARN_CONCAT(tarn_result_, __LINE__), declaration, __VA_ARGS__)
#define TARN_ASSIGN_INNER(name, declaration, ...)             \
  auto name = (__VA_ARGS__);                                  \
  if (!name) return std::unexpected(std::move(name).error()); \
  declaration = std::move(*name)

// TARN_CHECK(condition): an invariant of ours, held in release builds too. Never for user input.
#define TARN_CHECK(condition)                               \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::tarn::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)

namespace tarn {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}
