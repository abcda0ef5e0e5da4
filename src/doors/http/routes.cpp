#include "doors/http/routes.h"

#include "doors/http/api.h"

namespace tarn::http {

namespace {

using Of = Needs::Of;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kNdjson = "application/x-ndjson";
constexpr std::string_view kText = R"({"type":"string"})";

constexpr std::string_view kRecordsExample =
    "{\"time\": \"2026-11-21T03:22:56Z\", \"amount\": 12.5}\n{\"time\": \"2026-11-21T03:22:57Z\", "
    "\"amount\": 3}\n";
constexpr std::string_view kStreamExample =
    R"json({"deliver":{"table":"raw.transactions","partition":["day(time)"],"every":{"age":"60s"}}})json";
constexpr std::string_view kTableExample =
    R"json({"columns":{"id":"BIGINT","at":"TIMESTAMP WITH TIME ZONE"},"partition":["day(at)"]})json";

Answer answer(std::string_view description, std::string_view schema, std::string_view example = {},
              int status = 200) {
  return {status, description, {{kJson, schema, example}}};
}

void add_records(std::vector<Route>& out) {
  out.push_back(
      {"POST",
       "/v1/streams/{stream}/records",
       "sendRecords",
       "records",
       "Send records",
       "Answers when every record that it counts is on stable storage. Records that are refused are listed "
       "by their "
       "index in the body, from 0. A long body is appended in pieces while it arrives; when something fails "
       "in the "
       "middle, `accepted` of the error says how many records are in. With Tarn-Producer and Tarn-Batch the "
       "whole "
       "body is one batch, which counts once however often it is sent.",
       {{"key", "query", kText, "The partition key; records of one key stay in order"},
        {"separator", "query", R"({"type":"string","default":",","minLength":1,"maxLength":1})",
         "What stands between the values of a CSV body"},
        {"Tarn-Key", "header", kText, "As the parameter `key`"},
        {"Tarn-Producer", "header", R"({"type":"string","minLength":1,"maxLength":256})",
         "Who sends; only together with Tarn-Batch"},
        {"Tarn-Batch", "header", R"({"type":"integer","minimum":0})",
         "The number of this batch of that producer"},
        {"Content-Encoding", "header", R"({"type":"string","enum":["gzip","zstd","identity"]})",
         "How the body is compressed"}},
       {{kNdjson, kText, kRecordsExample},
        {kJson, R"({"oneOf":[{"type":"object"},{"type":"array"}]})", R"([{"amount":12.5},{"amount":3}])"},
        {"text/csv", kText, "time,amount\n2026-11-21T03:22:56Z,12.5\n"}},
       {answer("The records that were accepted are durable", "#Accepted",
               R"({"accepted":2,"shard":0,"first_sequence":12000})")},
       {404, 408, 413, 415, 429, 503, 507},
       &post_records,
       {Of::kStream, access::kPutRecords}});
}

void add_sql(std::vector<Route>& out) {
  out.push_back(
      {"POST",
       "/v1/sql",
       "query",
       "sql",
       "Ask SQL",
       "One SELECT in DuckDB's SQL. The result is streamed. An error after the first bytes is a last line "
       "{\"error\":…}, and the connection is cut. The query is cancelled when the client closes the "
       "connection.",
       {{"format", "query", R"({"type":"string","enum":["json","ndjson","csv","parquet"]})",
         "The form of the result; the Accept header does the same"},
        {"timeout_ms", "query", R"({"type":"integer","minimum":1})", "The query is given up after it"}},
       {{kJson, "#Query", R"({"sql":"SELECT count(*) FROM raw.transactions","timeout_ms":5000})"},
        {"text/plain", kText, "SELECT count(*) FROM raw.transactions"}},
       {{200,
         "The result",
         {{kJson, "#Rows",
           R"json({"columns":[{"name":"count_star()","type":"BIGINT"}],"rows":[[3000000]]})json"},
          {kNdjson, kText, "{\"count_star()\":3000000}\n"},
          {"text/csv", kText, "count_star()\n3000000\n"},
          {"application/vnd.apache.parquet",
           R"({"type":"string","contentMediaType":"application/octet-stream"})", ""}}}},
       {404, 406, 413, 429, 499, 504},
       &post_sql,
       {Of::kAnybody}});
}

void add_streams(std::vector<Route>& out) {
  out.push_back({"GET",
                 "/v1/streams",
                 "listStreams",
                 "streams",
                 "List the streams",
                 "",
                 {},
                 {},
                 {answer("All streams", "#Streams")},
                 {},
                 &list_streams,
                 {Of::kAnybody}});
  out.push_back({"GET",
                 "/v1/streams/{stream}",
                 "getStream",
                 "streams",
                 "Show a stream",
                 "How it was declared, and its status: undelivered records, lag, the last error of delivery.",
                 {},
                 {},
                 {answer("The stream", "#Stream")},
                 {404},
                 &get_stream,
                 {Of::kStream, access::kDescribe}});
  out.push_back(
      {"PUT",
       "/v1/streams/{stream}",
       "putStream",
       "streams",
       "Create or change a stream",
       "The body is the stream's entry in a lake file, as JSON. Shards may be added, not taken away.",
       {},
       {{kJson, "#StreamSpec", kStreamExample}},
       {answer("It was changed", "#Stream"), answer("It was created", "#Stream", {}, 201)},
       {409, 413},
       &put_stream,
       {Of::kStream}});
  out.push_back({"DELETE",
                 "/v1/streams/{stream}",
                 "deleteStream",
                 "streams",
                 "Remove a stream",
                 "What is left is delivered first; the table stays.",
                 {},
                 {},
                 {{204, "It is removed", {}}},
                 {404, 503},
                 &delete_stream,
                 {Of::kStream}});
  out.push_back(
      {"POST",
       "/v1/streams/{stream}/flush",
       "flushStream",
       "streams",
       "Deliver now",
       "Delivers all that is acknowledged; answers when it is committed to the table.",
       {{"timeout", "query", R"({"type":"string","default":"60s"})", "How long to wait: 500ms, 60s, 5m"}},
       {},
       {answer("All was delivered", "#Stream")},
       {404, 503, 504},
       &flush_stream,
       {Of::kStream}});
  out.push_back({"POST",
                 "/v1/streams/{stream}/redrive",
                 "redriveStream",
                 "streams",
                 "Send the error table's records through again",
                 "Each leaves the error table in the same commit that remembers it as sent.",
                 {},
                 {},
                 {answer("How many", "#Redriven", R"({"records":3,"remaining":0})")},
                 {404, 409, 429, 503},
                 &redrive_stream,
                 {Of::kStream}});
}

void add_tables(std::vector<Route>& out) {
  out.push_back({"GET",
                 "/v1/tables",
                 "listTables",
                 "tables",
                 "List the tables",
                 "",
                 {},
                 {},
                 {answer("All tables", "#Tables")},
                 {},
                 &list_tables,
                 {Of::kAnybody}});
  out.push_back({"GET",
                 "/v1/tables/{table}",
                 "getTable",
                 "tables",
                 "Show a table",
                 "",
                 {},
                 {},
                 {answer("The table", "#Table")},
                 {404},
                 &get_table,
                 {Of::kTable, access::kDescribe}});
  out.push_back(
      {"PUT",
       "/v1/tables/{table}",
       "putTable",
       "tables",
       "Create or change a table",
       "The body is the table's entry in a lake file, as JSON. Columns are added and widened; dropping and "
       "renaming are asked for by name.",
       {},
       {{kJson, "#TableSpec", kTableExample}},
       {answer("It was changed", "#Table"), answer("It was created", "#Table", {}, 201)},
       {409, 413},
       &put_table,
       {Of::kTable}});
  out.push_back({"DELETE",
                 "/v1/tables/{table}",
                 "deleteTable",
                 "tables",
                 "Remove a table",
                 "Not while a stream delivers into it. Its files are swept later.",
                 {},
                 {},
                 {{204, "It is removed", {}}},
                 {404, 409},
                 &delete_table,
                 {Of::kTable}});
}

void add_table_parts(std::vector<Route>& out) {
  out.push_back({"GET",
                 "/v1/tables/{table}/snapshots",
                 "listSnapshots",
                 "tables",
                 "List a table's snapshots",
                 "Oldest first. Ids are text: they are longer than the numbers of some JSON readers.",
                 {},
                 {},
                 {answer("The snapshots", "#Snapshots")},
                 {404},
                 &list_snapshots,
                 {Of::kTable, access::kDescribe}});
  out.push_back({"GET",
                 "/v1/tables/{table}/files",
                 "listFiles",
                 "tables",
                 "List a snapshot's data files",
                 "",
                 {{"snapshot", "query", kText, "The snapshot's id; the current one if it is left out"}},
                 {},
                 {answer("The files", "#Files")},
                 {404},
                 &list_files,
                 {Of::kTable, access::kSelect}});
  out.push_back(
      {"POST",
       "/v1/tables/{table}/maintain",
       "maintainTable",
       "tables",
       "Compact, expire, sweep",
       "Joins small files, takes old snapshots out of the history, removes files that nothing names.",
       {},
       {},
       {answer("What was done", "#Maintenance")},
       {404, 409, 429},
       &maintain_table,
       {Of::kTable}});
  out.push_back(
      {"POST",
       "/v1/tables/{table}/columns/{column}",
       "changeColumn",
       "tables",
       "Rename a column",
       "Files that are there already are read on: columns are found by id.",
       {},
       {{kJson, R"({"type":"object","required":["rename"],"properties":{"rename":{"type":"string"}}})",
         R"({"rename":"total"})"}},
       {answer("The table", "#Table")},
       {404, 409},
       &change_column,
       {Of::kTable}});
  out.push_back({"DELETE",
                 "/v1/tables/{table}/columns/{column}",
                 "deleteColumn",
                 "tables",
                 "Drop a column",
                 "Older snapshots keep it.",
                 {},
                 {},
                 {answer("The table", "#Table")},
                 {404, 409},
                 &delete_column,
                 {Of::kTable}});
}

void add_lake(std::vector<Route>& out) {
  out.push_back({"GET",
                 "/v1/status",
                 "getStatus",
                 "lake",
                 "Show the lake",
                 "",
                 {},
                 {},
                 {answer("The lake", "#Status")},
                 {},
                 &get_status,
                 {Of::kAnybody}});
  out.push_back({"GET",
                 "/v1/metrics",
                 "getMetrics",
                 "lake",
                 "Metrics for Prometheus",
                 "",
                 {},
                 {},
                 {{200, "The metrics", {{"text/plain", kText, "tarn_http_connections 1\n"}}}},
                 {},
                 &get_metrics,
                 {Of::kLake, access::kDescribe}});
  out.push_back(
      {"GET",
       "/v1/health",
       "getHealth",
       "lake",
       "Is it up",
       "503 once the server is stopping.",
       {},
       {},
       {answer("It is", R"({"type":"object","properties":{"status":{"const":"ok"}}})", R"({"status":"ok"})")},
       {503},
       &get_health,
       {Of::kNobody}});
  out.push_back({"GET",
                 "/v1/openapi.json",
                 "getOpenapi",
                 "lake",
                 "This description",
                 "",
                 {},
                 {},
                 {answer("An OpenAPI 3.1 document", R"({"type":"object"})")},
                 {},
                 &get_openapi,
                 {Of::kNobody}});
}

std::vector<Route> all_routes() {
  std::vector<Route> out;
  add_records(out);
  add_sql(out);
  add_streams(out);
  add_tables(out);
  add_table_parts(out);
  add_access_routes(out);
  add_lake(out);
  return out;
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> table = all_routes();
  return table;
}

}  // namespace tarn::http
