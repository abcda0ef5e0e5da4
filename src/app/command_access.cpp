// tarn key, user, secret: who may come in, with what, and what jobs need to get in elsewhere.

#include <iostream>
#include <istream>
#include <ostream>

#include <boost/json.hpp>
#include <fmt/core.h>
#include <termios.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/json_text.h"
#include "app/text_table.h"
#include "base/file.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

std::unexpected<Error> no_lake(const HttpClient& client) {
  return fail(Code::kInternal,
              fmt::format("{} did not answer as a lake does: is that its address?", client.url()));
}

Result<json::object> call(HttpClient& client, std::string method, std::string target,
                          const json::object& body = {}) {
  std::string text = body.empty() ? "" : json::serialize(body);
  HttpRequest request{std::move(method), std::move(target), {{"Content-Type", "application/json"}}, text};
  TARN_ASSIGN(json::value answer, client.call(request));
  if (answer.is_null()) return json::object();
  if (!answer.is_object()) return no_lake(client);
  return std::move(answer.get_object());
}

std::string shown(const json::value& value) {
  if (value.is_null()) return "";
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (value.is_array()) {
    std::string out;
    for (const json::value& item : value.get_array()) out += (out.empty() ? "" : ", ") + shown(item);
    return out;
  }
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

// A list of the API as a table with these columns.
Status show_list(Context& context, HttpClient& client, std::string_view what, const std::string& target,
                 std::initializer_list<const char*> keys) {
  TARN_ASSIGN(json::object answer, call(client, "GET", target));
  const json::array* list = array_at(answer, what);
  if (list == nullptr) return no_lake(client);
  if (context.json) {
    context.out << pretty_json(*list) << "\n";
    return {};
  }
  if (list->empty()) {
    context.out << fmt::format("No {}.\n", what);
    return {};
  }
  std::vector<TableColumn> columns;
  for (const char* key : keys) columns.push_back({key, ""});
  std::vector<TableRow> rows;
  for (const json::value& item : *list) {
    TableRow& row = rows.emplace_back();
    for (const char* key : keys) {
      const json::value* value = item.is_object() ? item.get_object().if_contains(key) : nullptr;
      row.emplace_back(value == nullptr ? "" : shown(*value));
    }
  }
  context.out << render_table(columns, rows, {context.out_terminal, false, false});
  return {};
}

Status show_object(Context& context, const json::object& object) {
  if (context.json) {
    context.out << pretty_json(object) << "\n";
    return {};
  }
  for (const auto& member : object)
    context.out << fmt::format("{:<18} {}\n", std::string_view(member.key()), visible(shown(member.value())));
  return {};
}

Status say(Context& context, const std::string& text) {
  if (!context.json) context.out << text << "\n";
  return {};
}

Result<bool> sure(Context& context, bool yes, const std::string& what) {
  if (yes) return true;
  if (!context.err_terminal.interactive || ::isatty(STDIN_FILENO) == 0)
    return fail(Code::kInvalid, fmt::format("{}: say --yes", what));
  context.err << what << "? [y/N] ";
  context.err.flush();
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

// A line of standard input, or typed without being shown.
Result<std::string> read_hidden(Context& context, const std::string& prompt) {
  bool typed = ::isatty(STDIN_FILENO) == 1;
  termios before{};
  if (typed) {
    context.err << prompt;
    context.err.flush();
    ::tcgetattr(STDIN_FILENO, &before);
    termios hidden = before;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  std::string line;
  std::getline(std::cin, line);
  if (typed) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    context.err << "\n";
  }
  if (line.empty()) return fail(Code::kInvalid, "nothing was given on standard input");
  return line;
}

Result<std::string> secret_value(Context& context, const SecretOptions& options) {
  if (!options.file.empty() && options.file != "-") return read_file(options.file);
  if (::isatty(STDIN_FILENO) == 1) return read_hidden(context, "value: ");
  std::string value(std::istreambuf_iterator<char>(std::cin), {});
  // What `echo` adds is hardly ever meant.
  if (value.ends_with('\n') && value.find('\n') == value.size() - 1) value.pop_back();
  return value;
}

}  // namespace

Result<int> command_key(Context& context, const KeyOptions& options) {
  HttpClient client(context.endpoint);
  std::string target = "/v1/keys/" + encode_url(options.id);
  switch (options.action) {
    case KeyAction::kCreate: {
      json::object body;
      if (!options.user.empty()) body["user"] = options.user;
      if (!options.description.empty()) body["description"] = options.description;
      TARN_ASSIGN(json::object made, call(client, "POST", "/v1/keys", body));
      TARN_TRY(show_object(context, made));
      if (!context.json) context.err << "The secret is shown this once.\n";
      return kDone;
    }
    case KeyAction::kList: {
      std::string list = "/v1/keys";
      if (!options.user.empty()) list += "?user=" + encode_url(options.user);
      TARN_TRY(show_list(context, client, "keys", list,
                         {"id", "user", "active", "created", "used", "description"}));
      return kDone;
    }
    case KeyAction::kEnable:
    case KeyAction::kDisable: {
      bool active = options.action == KeyAction::kEnable;
      TARN_TRY(call(client, "PUT", target, {{"active", active}}));
      TARN_TRY(say(context, fmt::format("{} is {}.", options.id, active ? "enabled" : "disabled")));
      return kDone;
    }
    case KeyAction::kDelete:
      TARN_TRY(call(client, "DELETE", target));
      TARN_TRY(say(context, fmt::format("{} is gone.", options.id)));
      return kDone;
  }
  return kWrongUse;
}

Result<int> command_user(Context& context, const UserOptions& options) {
  HttpClient client(context.endpoint);
  std::string target = "/v1/principals/" + encode_url(options.name);
  switch (options.action) {
    case UserAction::kCreate: {
      json::array roles;
      for (const std::string& role : options.roles) roles.push_back(json::string(role));
      TARN_ASSIGN(json::object made, call(client, "PUT", target, {{"roles", std::move(roles)}}));
      if (context.json) TARN_TRY(show_object(context, made));
      TARN_TRY(
          say(context, fmt::format("user {} is there; `tarn key create {}` makes a key, `tarn user password "
                                   "{}` a password.",
                                   options.name, options.name, options.name)));
      return kDone;
    }
    case UserAction::kList:
      TARN_TRY(show_list(context, client, "principals", "/v1/principals",
                         {"name", "roles", "keys", "password", "origin", "created"}));
      return kDone;
    case UserAction::kShow: {
      TARN_ASSIGN(json::object user, call(client, "GET", target));
      TARN_TRY(show_object(context, user));
      return kDone;
    }
    case UserAction::kPassword: {
      json::object body{{"password", nullptr}};
      if (!options.no_password) {
        TARN_ASSIGN(std::string password,
                    read_hidden(context, fmt::format("password of {}: ", options.name)));
        body["password"] = password;
      }
      TARN_TRY(call(client, "PUT", target + "/password", body));
      TARN_TRY(say(context, fmt::format("{} has {}.", options.name,
                                        options.no_password ? "no password any more" : "a new password")));
      return kDone;
    }
    case UserAction::kDelete: {
      TARN_ASSIGN(bool go_on,
                  sure(context, options.yes, fmt::format("delete user {} and its keys", options.name)));
      if (!go_on) return kFailed;
      TARN_TRY(call(client, "DELETE", target));
      TARN_TRY(say(context, fmt::format("user {} is gone, and its keys.", options.name)));
      return kDone;
    }
  }
  return kWrongUse;
}

Result<int> command_secret(Context& context, const SecretOptions& options) {
  HttpClient client(context.endpoint);
  std::string target = "/v1/secrets/" + encode_url(options.name);
  switch (options.action) {
    case SecretAction::kSet: {
      TARN_ASSIGN(std::string value, secret_value(context, options));
      TARN_TRY(call(client, "PUT", target + "/value", {{"value", value}}));
      TARN_TRY(say(context, fmt::format("secret {} has a new value.", options.name)));
      return kDone;
    }
    case SecretAction::kList:
      TARN_TRY(show_list(context, client, "secrets", "/v1/secrets",
                         {"name", "description", "versions", "changed", "origin"}));
      return kDone;
    case SecretAction::kShow: {
      TARN_ASSIGN(json::object value, call(client, "GET", target + "/value"));
      if (context.json) {
        TARN_TRY(show_object(context, value));
      } else {
        context.out << text_at(value, "value") << "\n";
      }
      return kDone;
    }
    case SecretAction::kRotate:
      TARN_TRY(call(client, "POST", target + "/rotate", {{"length", options.length}}));
      TARN_TRY(say(context, fmt::format("secret {} has a new random value; the one before is kept as "
                                        "AWSPREVIOUS.",
                                        options.name)));
      return kDone;
    case SecretAction::kDelete: {
      TARN_ASSIGN(bool go_on, sure(context, options.yes, fmt::format("delete secret {}", options.name)));
      if (!go_on) return kFailed;
      TARN_TRY(call(client, "DELETE", target));
      TARN_TRY(say(context, fmt::format("secret {} is gone.", options.name)));
      return kDone;
    }
    case SecretAction::kRekey:
      TARN_TRY(call(client, "POST", "/v1/rekey"));
      TARN_TRY(say(context, "Everything is sealed with a new key; the old one is forgotten."));
      return kDone;
  }
  return kWrongUse;
}

}  // namespace tarn::app
