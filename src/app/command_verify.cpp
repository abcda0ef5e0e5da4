// tarn verify: the report of verify.h, for people and as JSON.

#include <ostream>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "app/commands.h"
#include "app/json_text.h"
#include "app/verify.h"
#include "base/bytes.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

std::string report_json(const VerifyReport& report) {
  json::array shards;
  for (const ShardReport& s : report.shards) {
    shards.push_back(json::object{{"stream", s.stream},
                                  {"shard", s.shard},
                                  {"begin", s.log.begin},
                                  {"end", s.log.end},
                                  {"frames", s.log.frames},
                                  {"bytes", s.log.bytes},
                                  {"torn_bytes", s.log.torn_bytes},
                                  {"damaged", s.log.damage.size()}});
  }
  json::array tables;
  for (const TableReport& t : report.tables) {
    json::object positions;
    for (const auto& [shard, position] : t.positions) positions[std::to_string(shard)] = position;
    tables.push_back(json::object{{"table", t.table},
                                  {"stream", t.stream},
                                  {"records", t.records},
                                  {"snapshots", t.snapshots},
                                  {"positions", std::move(positions)}});
  }
  json::array problems(report.problems.begin(), report.problems.end());
  return pretty_json(json::object{{"ok", report.problems.empty()},
                                  {"running", report.running},
                                  {"shards", std::move(shards)},
                                  {"tables", std::move(tables)},
                                  {"objects", json::object{{"versions", report.objects.versions},
                                                           {"bytes", report.objects.bytes}}},
                                  {"problems", std::move(problems)}}) +
         "\n";
}

void show(Context& context, const VerifyReport& report) {
  if (report.running) context.out << "A lake runs on this folder; it was read beside it, without a lock.\n";
  for (const ShardReport& s : report.shards) {
    context.out << fmt::format(
        "log    {} shard {}: records {} to {}, {} frames, {}{}\n", s.stream, s.shard,
        with_commas(s.log.begin), with_commas(s.log.end), with_commas(s.log.frames), human_bytes(s.log.bytes),
        s.log.torn_bytes > 0 && !report.running
            ? fmt::format(", a torn end of {} bytes that was never acknowledged", s.log.torn_bytes)
            : "");
  }
  for (const TableReport& t : report.tables) {
    std::string positions;
    for (const auto& [shard, position] : t.positions) {
      positions += fmt::format("{}{}: {}", positions.empty() ? ", delivered up to " : ", ", shard,
                               with_commas(position));
    }
    context.out << fmt::format("table  {}: {} records, {} snapshots{}\n", t.table, with_commas(t.records),
                               t.snapshots, positions);
  }
  if (report.objects.versions > 0)
    context.out << fmt::format("bucket objects: {} versions, {}\n", with_commas(report.objects.versions),
                               human_bytes(report.objects.bytes));
  for (const std::string& problem : report.problems) {
    context.out << paint(context.out_terminal, Colour::kRed, "problem ") << problem << "\n";
  }
  context.out << (report.problems.empty() ? paint(context.out_terminal, Colour::kGreen, "no problems") + "\n"
                                          : fmt::format("{} problems\n", report.problems.size()));
}

}  // namespace

Result<int> command_verify(Context& context, const VerifyOptions& options) {
  TARN_ASSIGN(VerifyReport report, verify_lake(options.data));
  if (context.json) {
    context.out << report_json(report);
  } else {
    show(context, report);
  }
  return report.problems.empty() ? kDone : kFailed;
}

}  // namespace tarn::app
