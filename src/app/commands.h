// The commands of the program, one function each; cli.h reads the command line and calls them.
//
// Threads: the main thread.
// Fails: an Error is printed by the caller, and its code decides the exit status (exit_status()). A command
// that did its work and has bad news (verify found damage) returns the status itself.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "app/endpoint.h"
#include "app/http_client.h"
#include "app/terminal.h"
#include "base/error.h"

namespace tarn::app {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUse = 2;
inline constexpr int kNotReached = 3;

// What every command has.
struct Context {
  std::ostream& out;
  std::ostream& err;
  Terminal out_terminal;
  Terminal err_terminal;
  Endpoint endpoint;
  bool json = false;
};

struct UpOptions {
  std::filesystem::path file;  // empty: ./lake.yaml if it is there
  std::filesystem::path data = ".tarn";
  std::string http;  // empty: what the lake file says
};
struct PlanOptions {
  std::filesystem::path file = "lake.yaml";
  bool prune = false;
};
struct DestroyOptions {
  std::string name;
  std::string kind;  // stream, table; empty: whichever has the name
  bool yes = false;
};
struct PutOptions {
  std::string stream;
  std::vector<std::string> files;
  std::string format;  // empty: by the file's name
  uint32_t batch = 500;
  bool gzip = false;
  std::string producer;
};
struct SqlOptions {
  std::optional<std::string> statement;
  std::string format = "table";
  bool chart = false;
  bool expanded = false;
  size_t rows_max = 1000;  // shown in a table; 0: all
};
enum class KeyAction { kCreate, kList, kEnable, kDisable, kDelete };
struct KeyOptions {
  KeyAction action = KeyAction::kList;
  std::string user;  // empty: the caller's own; of list: all
  std::string id;
  std::string description;
};
enum class UserAction { kCreate, kList, kShow, kPassword, kDelete };
struct UserOptions {
  UserAction action = UserAction::kList;
  std::string name;
  std::vector<std::string> roles;
  bool no_password = false;  // of kPassword: take it away
  bool yes = false;
};
enum class SecretAction { kSet, kList, kShow, kRotate, kDelete, kRekey };
struct SecretOptions {
  SecretAction action = SecretAction::kList;
  std::string name;
  std::string file;  // of kSet: where the value is; empty or -: standard input
  size_t length = 32;
  bool yes = false;
};
struct VerifyOptions {
  std::filesystem::path data = ".tarn";
};

Result<int> command_up(Context& context, const UpOptions& options);
Result<int> command_plan(Context& context, const PlanOptions& options);
Result<int> command_apply(Context& context, const PlanOptions& options);
Result<int> command_destroy(Context& context, const DestroyOptions& options);
Result<int> command_put(Context& context, const PutOptions& options);
Result<int> command_sql(Context& context, const SqlOptions& options);
Result<int> command_status(Context& context);
Result<int> command_describe(Context& context, const std::string& name);
Result<int> command_flush(Context& context, const std::string& stream);
Result<int> command_maintain(Context& context, const std::string& table);
Result<int> command_verify(Context& context, const VerifyOptions& options);
Result<int> command_redrive(Context& context, const std::string& stream);
Result<int> command_env(Context& context, const std::filesystem::path& data);
Result<int> command_key(Context& context, const KeyOptions& options);
Result<int> command_user(Context& context, const UserOptions& options);
Result<int> command_secret(Context& context, const SecretOptions& options);
Result<int> command_schema(Context& context, bool table);
Result<int> command_version(Context& context);

}  // namespace tarn::app
