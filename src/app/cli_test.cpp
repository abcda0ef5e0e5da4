#include "app/cli.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/commands.h"
#include "app/lake_keys.h"
#include "app/lake_process.h"

namespace tarn::app {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome tarn(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "tarn");
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out;
  std::ostringstream err;
  int status = run(static_cast<int>(argv.size()), argv.data(), out, err);
  return {status, out.str(), err.str()};
}

// Port 1 is nobody's.
const std::string kNobody = "http://127.0.0.1:1";

TEST(Cli, WrongUseIsStatus2) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{},
                                             {"bogus"},
                                             {"put"},
                                             {"put", "s", "--format", "xml"},
                                             {"put", "s", "--batch", "0"},
                                             {"sql", "--format", "pdf"},
                                             {"sql", "SELECT 1", "-c", "SELECT 2"},
                                             {"up", "--bogus"},
                                             {"up", "--http", "nowhere"},
                                             {"redrive"},
                                             {"destroy", "x", "--kind", "bus"}}) {
    Outcome outcome = tarn(wrong);
    EXPECT_EQ(outcome.status, kWrongUse) << (wrong.empty() ? "" : wrong[0]) << outcome.err;
    EXPECT_NE(outcome.err, "");
  }
}

TEST(Cli, NamesTheNearestCommand) {
  EXPECT_THAT(tarn({"staus"}).err, HasSubstr("did you mean 'status'?"));
}

TEST(Cli, EveryCommandHasHelpWithExamples) {
  for (const char* command : {"up", "plan", "apply", "destroy", "put", "sql", "status", "describe", "flush",
                              "maintain", "verify", "redrive", "env", "schema", "version"}) {
    Outcome outcome = tarn({command, "--help"});
    EXPECT_EQ(outcome.status, kDone) << command;
    EXPECT_THAT(outcome.out, HasSubstr("Examples:\n  ")) << command;
    EXPECT_THAT(tarn({"--help"}).out, HasSubstr(std::string("\n  ") + command + " ")) << command;
  }
}

TEST(Cli, ALakeThatIsNotThereIsStatus3) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"status"},
                                             {"sql", "SELECT 1"},
                                             {"put", "s", "/dev/null"},
                                             {"flush"},
                                             {"maintain"},
                                             {"describe", "s"},
                                             {"redrive", "s"},
                                             {"destroy", "s", "--yes"}}) {
    std::vector<std::string> with_url = arguments;
    with_url.insert(with_url.end(), {"--url", kNobody});
    Outcome outcome = tarn(with_url);
    EXPECT_EQ(outcome.status, kNotReached) << arguments[0];
    EXPECT_THAT(outcome.err, HasSubstr("is `tarn up` running?")) << arguments[0];
  }
}

TEST(Cli, FailureIsStatus1) {
  Outcome outcome = tarn({"verify", "--data", "/nowhere"});
  EXPECT_EQ(outcome.status, kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("there is no lake in /nowhere"));
  EXPECT_EQ(tarn({"plan", "-f", "/nowhere.yaml", "--url", kNobody}).status, kFailed);
}

TEST(Cli, PrintsWhatNeedsNoLake) {
  EXPECT_EQ(tarn({"schema"}).out, lake_json_schema());
  EXPECT_THAT(tarn({"version"}).out, HasSubstr("tarn "));
  Outcome env = tarn({"env", "--data", "/nowhere", "--url", "http://h:1"});
  EXPECT_THAT(env.out, HasSubstr("export TARN_URL='http://h:1'\nexport AWS_ENDPOINT_URL='http://h:1'\n"));
}

TEST(Cli, KnowsAddressesThatOnlyThisMachineReaches) {
  for (const char* here : {"127.0.0.1:1", "localhost:1", "[::1]:1", "127.1.2.3:1"})
    EXPECT_TRUE(is_loopback(parse_address(here).value())) << here;
  for (const char* open :
       {"0.0.0.0:9700", "192.168.1.2:9700", "[::]:9700", "example.com:9700", "127.evil.com:80"})
    EXPECT_FALSE(is_loopback(parse_address(open).value())) << open;
}

}  // namespace
}  // namespace tarn::app
