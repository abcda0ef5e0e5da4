#include "app/cli.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <ostream>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/lake_file.h"
#include "app/version.h"
#include "base/nearest.h"

namespace tarn::app {
namespace {

// What the options of all commands are read into; the chosen command is a function over them.
struct Arguments {
  std::string url;
  bool json = false;
  UpOptions up;
  PlanOptions plan;
  DestroyOptions destroy;
  PutOptions put;
  SqlOptions sql;
  VerifyOptions verify;
  KeyOptions key;
  UserOptions user;
  SecretOptions secret;
  std::string name;
  std::filesystem::path data = ".tarn";
  bool table = false;
  std::function<Result<int>(Context&)> command;
};

CLI::Validator is_address() {
  return CLI::Validator(
      [](const std::string& text) {
        auto address = parse_address(text);
        return address ? std::string() : address.error().message;
      },
      "ADDRESS:PORT");
}

class CommandLine {
 public:
  explicit CommandLine(Arguments& arguments)
      : arguments_(arguments), app_("A real-time data lake in one program.", "tarn") {
    app_.require_subcommand(1);
    app_.failure_message(CLI::FailureMessage::simple);
    app_.set_version_flag("--version", std::string(kVersion));
    app_.footer(
        "`tarn COMMAND --help` has examples. Exit status: 0 done, 1 failed, 2 wrong use, 3 could not reach "
        "the "
        "lake.");
    add_up();
    add_plan();
    add_destroy();
    add_put();
    add_sql();
    add_looking();
    add_doing();
    add_keys();
    add_users();
    add_secrets();
    add_local();
  }
  CLI::App& app() { return app_; }
  std::vector<std::string> commands() const {
    std::vector<std::string> names;
    for (const CLI::App* sub : app_.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(sub->get_name());
    return names;
  }

 private:
  CLI::App* add(const std::string& name, const std::string& help, const std::string& examples,
                std::function<Result<int>(Context&)> command) {
    CLI::App* sub = app_.add_subcommand(name, help);
    sub->footer("Examples:\n" + examples);
    sub->callback([this, command = std::move(command)] { arguments_.command = command; });
    return sub;
  }
  void with_url(CLI::App* sub) {
    sub->add_option("--url", arguments_.url,
                    "The lake's address (default: TARN_URL, or http://127.0.0.1:9700)");
  }
  void with_json(CLI::App* sub) { sub->add_flag("--json", arguments_.json, "Print JSON"); }
  void with_file(CLI::App* sub) {
    sub->add_option("-f,--file", arguments_.plan.file, "The lake file")->capture_default_str();
  }

  void add_up() {
    UpOptions& options = arguments_.up;
    CLI::App* sub = add("up", "Run a lake and apply its file first",
                        "  tarn up\n  tarn up -f lake.yaml --data /var/lib/tarn --http 127.0.0.1:9700",
                        [&options](Context& context) { return command_up(context, options); });
    sub->add_option("-f,--file", options.file, "The lake file (default: ./lake.yaml if it is there)");
    sub->add_option("--data", options.data, "The folder that holds the lake")->capture_default_str();
    sub->add_option("--http", options.http,
                    "Where to listen; port 0 takes a free one (default: the lake file's)")
        ->check(is_address());
  }

  void add_plan() {
    PlanOptions& options = arguments_.plan;
    CLI::App* plan =
        add("plan", "Show what apply would change", "  tarn plan\n  tarn plan -f lake.yaml --json",
            [&options](Context& context) { return command_plan(context, options); });
    CLI::App* apply =
        add("apply", "Bring a running lake to its file", "  tarn apply\n  tarn apply -f lake.yaml --prune",
            [&options](Context& context) { return command_apply(context, options); });
    for (CLI::App* sub : {plan, apply}) {
      with_file(sub);
      sub->add_flag("--prune", options.prune, "Delete what the file doesn't name");
      with_url(sub);
      with_json(sub);
    }
  }

  void add_destroy() {
    DestroyOptions& options = arguments_.destroy;
    CLI::App* sub = add("destroy", "Delete a stream, a table or another resource",
                        "  tarn destroy clicks\n  tarn destroy raw.clicks --yes",
                        [&options](Context& context) { return command_destroy(context, options); });
    sub->add_option("name", options.name, "Its name")->required();
    sub->add_option("--kind", options.kind,
                    "stream, table, bucket, role, principal or secret, when more than one has the name")
        ->check(CLI::IsMember({"stream", "table", "bucket", "role", "principal", "secret"}));
    sub->add_flag("-y,--yes", options.yes, "Don't ask");
    with_url(sub);
  }

  void add_put() {
    PutOptions& options = arguments_.put;
    CLI::App* sub =
        add("put", "Send files into a stream",
            "  tarn put transactions events.ndjson\n  zcat big.csv.gz | tarn put transactions --format csv\n"
            "  tarn put flights flights-3m.parquet --batch 2000\n"
            "  tarn put transactions day.ndjson --producer nightly-2026-11-21   # again is safe",
            [&options](Context& context) { return command_put(context, options); });
    sub->add_option("stream", options.stream, "The stream")->required();
    sub->add_option("files", options.files, "Files, .gz and .zst too; - or none: standard input");
    sub->add_option("--format", options.format, "ndjson, json, csv, parquet (default: by the file's name)")
        ->check(CLI::IsMember({"ndjson", "json", "csv", "parquet"}));
    sub->add_option("--batch", options.batch, "Records in a batch")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    sub->add_flag("--gzip", options.gzip, "Compress what is sent");
    sub->add_option("--producer", options.producer,
                    "The producer's name: the same files under the same name and --batch count once");
    with_url(sub);
    with_json(sub);
  }

  void add_sql() {
    SqlOptions& options = arguments_.sql;
    CLI::App* sub =
        add("sql", "Ask SQL, once or in a conversation",
            "  tarn sql\n  tarn sql \"SELECT count(*) FROM raw.transactions\"\n"
            "  tarn sql -c 'FROM raw.transactions LIMIT 3' --format json\n  tarn sql --chart \"SELECT "
            "hour(time) AS hour, avg(delay) FROM raw.flights GROUP BY 1 ORDER BY 1\"\n"
            "  tarn sql < report.sql",
            [&options](Context& context) { return command_sql(context, options); });
    auto statement = [&options](const std::string& text) { options.statement = text; };
    CLI::Option* positional = sub->add_option_function<std::string>("statement", statement,
                                                                    "The statement, or - for standard input");
    sub->add_option_function<std::string>("-c,--command", statement, "The statement")->excludes(positional);
    sub->add_option("--format", options.format, "table, csv, json, ndjson")
        ->capture_default_str()
        ->check(CLI::IsMember({"table", "csv", "json", "ndjson"}));
    sub->add_flag("--chart", options.chart, "Show two columns, a label and a number, as bars");
    sub->add_flag("-x,--expanded", options.expanded, "One line a value");
    sub->add_option("--rows", options.rows_max, "Rows shown in a table; 0: all")->capture_default_str();
    with_url(sub);
    with_json(sub);
  }

  void add_looking() {
    std::string& name = arguments_.name;
    CLI::App* status = add("status", "Show the streams and tables", "  tarn status\n  tarn status --json",
                           [](Context& context) { return command_status(context); });
    CLI::App* describe = add("describe", "Show everything about a stream or a table",
                             "  tarn describe flights\n  tarn describe raw.flights --json",
                             [&name](Context& context) { return command_describe(context, name); });
    describe->add_option("name", name, "A stream, or database.table")->required();
    for (CLI::App* sub : {status, describe}) {
      with_url(sub);
      with_json(sub);
    }
  }

  void add_doing() {
    std::string& name = arguments_.name;
    CLI::App* flush =
        add("flush", "Deliver what a stream holds, now", "  tarn flush\n  tarn flush transactions",
            [&name](Context& context) { return command_flush(context, name); });
    flush->add_option("stream", name, "The stream (default: all)");
    CLI::App* maintain = add("maintain", "Join small files, expire snapshots, remove what nothing names",
                             "  tarn maintain\n  tarn maintain raw.transactions",
                             [&name](Context& context) { return command_maintain(context, name); });
    maintain->add_option("table", name, "The table (default: all)");
    CLI::App* redrive = add("redrive", "Send the records of a stream's error table through again",
                            "  tarn redrive transactions",
                            [&name](Context& context) { return command_redrive(context, name); });
    redrive->add_option("stream", name, "The stream")->required();
    for (CLI::App* sub : {flush, maintain, redrive}) {
      with_url(sub);
      with_json(sub);
    }
  }

  // One of a command's actions: `tarn key create`.
  CLI::App* add_action(CLI::App* command, const std::string& name, const std::string& help,
                       std::function<void()> chosen) {
    CLI::App* sub = command->add_subcommand(name, help);
    sub->callback(std::move(chosen));
    with_url(sub);
    with_json(sub);
    return sub;
  }

  void add_keys() {
    KeyOptions& options = arguments_.key;
    CLI::App* key = add("key", "Access keys: create, list, enable, disable, delete",
                        "  tarn key create alice --description laptop\n  tarn key list\n"
                        "  tarn key disable AKIAIOSFODNN7EXAMPLE",
                        [&options](Context& context) { return command_key(context, options); });
    key->require_subcommand(1);
    auto act = [&options](KeyAction action) { return [&options, action] { options.action = action; }; };
    CLI::App* sub =
        add_action(key, "create", "Make a key; its secret is shown once", act(KeyAction::kCreate));
    sub->add_option("user", options.user, "Whose (default: your own)");
    sub->add_option("--description", options.description, "What it is for");
    sub = add_action(key, "list", "List the keys", act(KeyAction::kList));
    sub->add_option("user", options.user, "Whose (default: all)");
    for (auto [name, help, action] : {std::tuple{"enable", "Let a key in again", KeyAction::kEnable},
                                      {"disable", "Keep a key out", KeyAction::kDisable},
                                      {"delete", "Remove a key", KeyAction::kDelete}}) {
      add_action(key, name, help, act(action))->add_option("id", options.id, "The key's id")->required();
    }
  }

  void add_users() {
    UserOptions& options = arguments_.user;
    CLI::App* user =
        add("user", "Users: create, list, show, password, delete",
            "  tarn user create alice --role analyst\n  tarn user password alice\n  tarn user list",
            [&options](Context& context) { return command_user(context, options); });
    user->require_subcommand(1);
    auto act = [&options](UserAction action) { return [&options, action] { options.action = action; }; };
    CLI::App* sub =
        add_action(user, "create", "Make a user, or give it other roles", act(UserAction::kCreate));
    sub->add_option("name", options.name, "Its name")->required();
    sub->add_option("--role", options.roles, "A role; may be said more than once");
    add_action(user, "list", "List the users", act(UserAction::kList));
    sub = add_action(user, "show", "Show a user", act(UserAction::kShow));
    sub->add_option("name", options.name, "Its name")->required();
    sub =
        add_action(user, "password", "Set a password, read from standard input", act(UserAction::kPassword));
    sub->add_option("name", options.name, "Whose")->required();
    sub->add_flag("--none", options.no_password, "Take the password away");
    sub = add_action(user, "delete", "Remove a user and its keys", act(UserAction::kDelete));
    sub->add_option("name", options.name, "Its name")->required();
    sub->add_flag("-y,--yes", options.yes, "Don't ask");
  }

  void add_secrets() {
    SecretOptions& options = arguments_.secret;
    CLI::App* secret =
        add("secret", "Secrets: set, list, show, rotate, delete, rekey",
            "  tarn secret set warehouse-password < password.txt\n  tarn secret rotate api-token\n"
            "  tarn secret rekey   # a new key file, everything sealed again",
            [&options](Context& context) { return command_secret(context, options); });
    secret->require_subcommand(1);
    auto act = [&options](SecretAction action) { return [&options, action] { options.action = action; }; };
    CLI::App* sub = add_action(secret, "set", "Give a secret a value", act(SecretAction::kSet));
    sub->add_option("name", options.name, "Its name")->required();
    sub->add_option("file", options.file, "Where the value is (default: standard input)");
    add_action(secret, "list", "List the secrets, not their values", act(SecretAction::kList));
    sub = add_action(secret, "show", "Print a secret's value", act(SecretAction::kShow));
    sub->add_option("name", options.name, "Its name")->required();
    sub = add_action(secret, "rotate", "Give a secret a new random value", act(SecretAction::kRotate));
    sub->add_option("name", options.name, "Its name")->required();
    sub->add_option("--length", options.length, "Characters")
        ->capture_default_str()
        ->check(CLI::Range(8, 4096));
    sub = add_action(secret, "delete", "Remove a secret", act(SecretAction::kDelete));
    sub->add_option("name", options.name, "Its name")->required();
    sub->add_flag("-y,--yes", options.yes, "Don't ask");
    add_action(secret, "rekey", "Make a new key file and seal everything with it", act(SecretAction::kRekey));
  }

  void add_local() {
    VerifyOptions& verify = arguments_.verify;
    CLI::App* sub = add("verify", "Check a stored lake, as fsck does a disk",
                        "  tarn verify\n  tarn verify --data /var/lib/tarn --json",
                        [&verify](Context& context) { return command_verify(context, verify); });
    sub->add_option("--data", verify.data, "The folder that holds the lake")->capture_default_str();
    with_json(sub);
    std::filesystem::path& data = arguments_.data;
    sub = add("env", "Print what points programs at the lake", "  eval \"$(tarn env)\"",
              [&data](Context& context) { return command_env(context, data); });
    sub->add_option("--data", data, "The folder of a lake that runs here")->capture_default_str();
    with_url(sub);
    with_json(sub);
    bool& table = arguments_.table;
    sub = add("schema", "Print the JSON Schema of a lake file", "  tarn schema > lake.schema.json",
              [&table](Context& context) { return command_schema(context, table); });
    sub->add_flag("--table", table, "Print the keys as a Markdown table instead");
    sub = add("version", "Print the version", "  tarn version",
              [](Context& context) { return command_version(context); });
    with_json(sub);
  }

  Arguments& arguments_;
  CLI::App app_;
};

int run_command(Arguments& arguments, std::ostream& out, std::ostream& err) {
  HttpLibrary http;
  Context context{out,
                  err,
                  Terminal::of(STDOUT_FILENO),
                  Terminal::of(STDERR_FILENO),
                  find_endpoint(arguments.url),
                  arguments.json};
  auto done = arguments.command(context);
  out.flush();
  if (done) return *done;
  err << paint(context.err_terminal, Colour::kRed, "error: ") << done.error().message << "\n";
  return exit_status(done.error());
}

}  // namespace

int exit_status(const Error& error) {
  return error.code == Code::kUnavailable ? kNotReached : kFailed;
}

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  Arguments arguments;
  CommandLine line(arguments);
  std::vector<std::string> commands = line.commands();
  // Said here, because the parser would only say that a command is missing.
  if (argc > 1 && argv[1][0] != '-' && std::ranges::find(commands, argv[1]) == commands.end()) {
    err << fmt::format("there is no command '{}'{}\nRun with --help for more information.\n", argv[1],
                       did_you_mean(argv[1], commands));
    return kWrongUse;
  }
  try {
    line.app().parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return line.app().exit(e, out, err) == 0 ? kDone : kWrongUse;
  } catch (const std::exception& e) {
    err << "error: " << e.what() << "\n";
    return kWrongUse;
  }
  return run_command(arguments, out, err);
}

}  // namespace tarn::app
