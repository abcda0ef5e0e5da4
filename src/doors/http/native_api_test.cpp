#include "doors/http/native_api.h"

#include <cstring>
#include <set>
#include <thread>

#include "access/grants.h"
#include "doors/http/native_api_fixture_for_test.h"
#include "doors/http/routes.h"

namespace tarn::http {
namespace {

namespace json = boost::json;

constexpr std::string_view kJsonHeader = "Content-Type: application/json\r\n";

TEST_F(NativeApi, AnswersSqlInEachForm) {
  constexpr std::string_view kSql = "SELECT 1 AS a, 'x,y' AS b";
  auto rows = json(post("/v1/sql", kSql));
  EXPECT_EQ(rows.at("columns").at(0).at("name"), "a");
  EXPECT_EQ(json::serialize(rows.at("rows")), R"([[1,"x,y"]])");
  EXPECT_EQ(post("/v1/sql?format=ndjson", kSql).body, "{\"a\":1,\"b\":\"x,y\"}\n");
  Reply csv = post("/v1/sql", kSql, "Accept: text/html, text/csv;q=0.9, */*;q=0.1\r\n");
  EXPECT_EQ(csv.headers["content-type"], "text/csv");
  EXPECT_TRUE(csv.body.starts_with("a,b")) << csv.body;
  Reply parquet = post("/v1/sql", R"({"sql": "SELECT 1 AS a", "format": "parquet"})", kJsonHeader);
  EXPECT_EQ(parquet.headers["content-type"], "application/vnd.apache.parquet");
  EXPECT_TRUE(parquet.body.starts_with("PAR1") && parquet.body.ends_with("PAR1"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "result.parquet"));
}

TEST_F(NativeApi, TakesSqlAsTextAndAsJson) {
  EXPECT_EQ(post("/v1/sql", R"({"sql": "SELECT 1", "timeout_ms": 1500})", kJsonHeader).status, 200);
  EXPECT_EQ(engine_->last_timeout(), Duration(std::chrono::milliseconds(1500)));
  EXPECT_EQ(post("/v1/sql", R"( {"sql": "SELECT 1"})").status, 200) << "as curl -d sends it";
  EXPECT_EQ(engine_->last_timeout(), std::nullopt);
  EXPECT_EQ(post("/v1/sql", "SELECT 1", "Content-Type: text/plain\r\n").status, 200);
}

TEST_F(NativeApi, RefusesQueriesThatAreWrong) {
  EXPECT_EQ(post("/v1/sql", "").status, 400);
  EXPECT_EQ(post("/v1/sql", "SELEC 1").status, 400);
  EXPECT_EQ(post("/v1/sql", "SELECT 1", kJsonHeader).status, 400);
  Reply key = post("/v1/sql", R"({"sql": "SELECT 1", "fromat": "csv"})", kJsonHeader);
  EXPECT_EQ(key.status, 400);
  EXPECT_TRUE(message(key).contains("'format'")) << key.body;
  EXPECT_EQ(post("/v1/sql", R"({"sql": 1})", kJsonHeader).status, 400);
  EXPECT_EQ(post("/v1/sql", R"({"sql": "SELECT 1", "timeout_ms": 0})", kJsonHeader).status, 400);
  EXPECT_EQ(post("/v1/sql?format=xml", "SELECT 1").status, 400);
  EXPECT_EQ(post("/v1/sql", "SELECT 1", "Accept: text/html\r\n").status, 406);
  EXPECT_EQ(post("/v1/sql", std::string(2'000'000, ' ')).status, 413);
}

TEST_F(NativeApi, StreamsLongResults) {
  Reply reply = post("/v1/sql?format=ndjson", "SELECT i FROM range(200000) t(i)");
  EXPECT_TRUE(reply.whole);
  EXPECT_EQ(reply.headers["transfer-encoding"], "chunked");
  EXPECT_EQ(std::ranges::count(reply.body, '\n'), 200'000);
  EXPECT_TRUE(reply.body.ends_with("{\"i\":199999}\n"));
}

TEST_F(NativeApi, CutsResultsThatFailLate) {
  for (std::string_view form : {"json", "ndjson", "csv"}) {
    Reply reply =
        post("/v1/sql?format=" + std::string(form),
             "SELECT CASE WHEN i < 900000 THEN i ELSE error('too late') END AS i FROM range(1000000) t(i)");
    EXPECT_EQ(reply.status, 200);
    EXPECT_FALSE(reply.whole);
    EXPECT_EQ(reply.body.contains("\n{\"error\":{"), form != "csv");
  }
}

TEST_F(NativeApi, CancelsQueriesWhoseClientIsGone) {
  {
    TestClient client(port());
    std::string sql(kEndless);
    client.send("POST /v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(sql.size()) +
                "\r\n\r\n" + sql);
    // The client leaves when the query is under way.
    while (engine_->started() == 0) std::this_thread::yield();
  }
  server_->stop(Deadline::never());  // waits for the query to end
  EXPECT_TRUE(metrics_.text().contains(R"(tarn_http_requests_total{method="POST",status="499"} 1)"))
      << metrics_.text();
}

TEST_F(NativeApi, KeepsStreamsAsResources) {
  EXPECT_EQ(get("/v1/streams/new").status, 404);
  Reply created = put("/v1/streams/new", R"({"deliver": {"table": "raw.fresh"}})");
  EXPECT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(put("/v1/streams/new", R"({"deliver": {"table": "raw.fresh"}})").status, 200);
  auto shown = json(get("/v1/streams/new"));
  EXPECT_EQ(shown.at("name"), "new");
  EXPECT_EQ(shown.at("deliver").at("table"), "raw.fresh");
  EXPECT_EQ(shown.at("status").at("lag_ms"), 1500);
  EXPECT_EQ(shown.at("status").at("shards").at(0).at("log_bytes"), 100);
  EXPECT_TRUE(shown.at("status").at("last_error").is_null());
  EXPECT_EQ(put("/v1/streams/new", json::serialize(shown)).status, 200) << "what GET gives can be sent back";
  EXPECT_EQ(put("/v1/streams/other", json::serialize(shown)).status, 400) << "another name";
  EXPECT_EQ(put("/v1/streams/other", "").status, 201) << "a stream needs no settings";
  EXPECT_EQ(put("/v1/streams/bad", R"({"delivre": {}})").status, 400);
  EXPECT_EQ(put("/v1/streams/bad", R"({"deliver": )").status, 400);
  EXPECT_EQ(put("/v1/streams/bad", "[]").status, 400);
  EXPECT_EQ(json(get("/v1/streams")).at("streams").as_array().size(), 3u);
  EXPECT_EQ(remove("/v1/streams/new").status, 204);
  EXPECT_EQ(remove("/v1/streams/new").status, 404);
}

TEST_F(NativeApi, FlushesAndRedrives) {
  records("{}\n{}");
  EXPECT_EQ(json(get("/v1/streams/events")).at("status").at("undelivered_records"), 2);
  EXPECT_EQ(post("/v1/streams/events/flush?timeout=0s", "").status, 504);
  EXPECT_EQ(post("/v1/streams/events/flush?timeout=soon", "").status, 400);
  EXPECT_EQ(json(post("/v1/streams/events/flush", "")).at("status").at("undelivered_records"), 0);
  EXPECT_EQ(json::serialize(json(post("/v1/streams/events/redrive", ""))), R"({"records":3,"remaining":1})");
  EXPECT_EQ(post("/v1/streams/nothing/redrive", "").status, 404);
}

TEST_F(NativeApi, KeepsTablesAsResources) {
  EXPECT_EQ(get("/v1/tables/raw.cards").status, 404);
  Reply created = put(
      "/v1/tables/raw.cards",
      R"json({"columns": {"id": "BIGINT", "at": "TIMESTAMP WITH TIME ZONE"}, "partition": ["day(at)"]})json");
  ASSERT_EQ(created.status, 201) << created.body;
  auto shown = json(get("/v1/tables/raw.cards"));
  EXPECT_EQ(shown.at("name"), "raw.cards");
  EXPECT_EQ(shown.at("fields").at(0).at("id"), 1);
  EXPECT_EQ(shown.at("fields").at(1).at("type"), "TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(shown.at("records"), 0);
  EXPECT_TRUE(shown.at("snapshot").is_null());
  EXPECT_TRUE(shown.at("location").as_string().starts_with("s3://lake/raw/cards"));
  EXPECT_EQ(put("/v1/tables/raw.cards", json::serialize(shown)).status, 200)
      << "what GET gives can be sent back";
  auto listed = json(get("/v1/tables")).at("tables").as_array();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(json::serialize(listed.at(0).at("partition")), R"json(["day(at)"])json");
  EXPECT_EQ(json::serialize(json(get("/v1/tables/raw.cards/snapshots"))), R"({"snapshots":[]})");
  EXPECT_EQ(json::serialize(json(get("/v1/tables/raw.cards/files"))), R"({"files":[]})");
  EXPECT_EQ(get("/v1/tables/raw.cards/files?snapshot=12").status, 404);
  EXPECT_EQ(put("/v1/tables/raw.cards", R"({"colums": {}})").status, 400);
  EXPECT_EQ(get("/v1/tables/cards").status, 400) << "no database";
  Reply near = get("/v1/tables/raw.card");
  EXPECT_TRUE(message(near).contains("'raw.cards'")) << near.body;
  EXPECT_EQ(remove("/v1/tables/raw.cards").status, 204);
  EXPECT_EQ(get("/v1/tables/raw.cards").status, 404);
}

TEST_F(NativeApi, RenamesAndDropsColumns) {
  put("/v1/tables/raw.t", R"({"columns": {"id": "BIGINT", "a b/c": "VARCHAR"}})");
  Reply renamed = post("/v1/tables/raw.t/columns/a%20b%2Fc", R"({"rename": "name"})");
  ASSERT_EQ(renamed.status, 200) << renamed.body;
  EXPECT_EQ(json(renamed).at("fields").at(1).at("name"), "name");
  EXPECT_EQ(json(renamed).at("fields").at(1).at("id"), 2);
  EXPECT_EQ(post("/v1/tables/raw.t/columns/id", R"({"renam": "x"})").status, 400);
  EXPECT_EQ(json(remove("/v1/tables/raw.t/columns/name")).at("fields").as_array().size(), 1u);
  EXPECT_EQ(remove("/v1/tables/raw.t/columns/name").status, 404);
}

TEST_F(NativeApi, ShowsSnapshotsAndFiles) {
  put("/v1/tables/raw.t", R"({"columns": {"id": "BIGINT"}})");
  lake::Change change;
  for (int i = 0; i < 2; ++i) {
    lake::DataFile file;
    file.path = catalog_->load({"raw", "t"}).value()->location + "/data/" + std::to_string(i) + ".parquet";
    file.records = 10;
    file.bytes = 100;
    change.added.push_back(file);
  }
  change.summary["tarn.stream"] = "events";
  auto table = catalog_->commit({"raw", "t"}, change);
  ASSERT_TRUE(table) << table.error().message;
  auto shown = json(get("/v1/tables/raw.t"));
  EXPECT_EQ(shown.at("records"), 20);
  EXPECT_EQ(shown.at("files"), 2);
  EXPECT_EQ(shown.at("bytes"), 200);
  auto snapshots = json(get("/v1/tables/raw.t/snapshots")).at("snapshots").as_array();
  ASSERT_EQ(snapshots.size(), 1u);
  EXPECT_EQ(snapshots.at(0).at("id"), shown.at("snapshot"));
  EXPECT_EQ(snapshots.at(0).at("summary").at("tarn.stream"), "events");
  std::string id(shown.at("snapshot").as_string());
  auto files = json(get("/v1/tables/raw.t/files?snapshot=" + id)).at("files").as_array();
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files.at(0).at("records"), 10);
}

TEST_F(NativeApi, MaintainsTables) {
  put("/v1/tables/raw.t", R"({"columns": {"id": "BIGINT"}})");
  Reply reply = post("/v1/tables/raw.t/maintain", "");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(json(reply).at("compact").at("files_before"), 0);
  EXPECT_EQ(post("/v1/tables/raw.none/maintain", "").status, 404);
}

TEST_F(NativeApi, KeepsTablesThatAStreamNeeds) {
  put("/v1/tables/raw.events", R"({"columns": {"id": "BIGINT"}})");
  Reply reply = remove("/v1/tables/raw.events");
  EXPECT_EQ(reply.status, 409);
  EXPECT_TRUE(message(reply).contains("'events'")) << reply.body;
}

TEST_F(NativeApi, ShowsTheLake) {
  auto status = json(get("/v1/status"));
  EXPECT_EQ(status.at("version"), "1.2.3");
  EXPECT_EQ(status.at("streams").at(0).at("name"), "events");
  EXPECT_EQ(status.at("limits").at("record_bytes_max"), 5000);
  Reply metrics = get("/v1/metrics");
  EXPECT_TRUE(metrics.headers["content-type"].starts_with("text/plain; version=0.0.4"));
  // A request is counted once its answer is out, so the first may be counted after the next one looked.
  while (!metrics.body.contains("tarn_http_requests_total")) metrics = get("/v1/metrics");
  EXPECT_EQ(get("/v1/health").body, "{\"status\":\"ok\"}\n");
  stopping_ = true;
  Reply stopping = get("/v1/health");
  EXPECT_EQ(stopping.status, 503);
  EXPECT_EQ(stopping.headers["retry-after"], "1");
}

TEST_F(NativeApi, HelpsWithWrongPathsAndMethods) {
  for (auto [path, near] : {std::pair("/v1/stream", "/v1/streams"),
                            {"/v1/streams/events/record", "/v1/streams/{stream}/records"},
                            {"/v1/helth", "/v1/health"},
                            {"/v1/tables/a.b/snapshot", "/v1/tables/{table}/snapshots"}}) {
    Reply reply = get(path);
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(code(reply), "not_found");
    EXPECT_TRUE(message(reply).contains("did you mean " + std::string(near) + "?")) << reply.body;
  }
  EXPECT_TRUE(message(get("/")).contains("/v1/openapi.json"));
  Reply method = get("/v1/sql");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.headers["allow"], "POST, OPTIONS");
  EXPECT_EQ(code(method), "invalid");
  EXPECT_EQ(
      TestClient(port()).ask("OPTIONS /v1/streams/a HTTP/1.1\r\nHost: localhost\r\n\r\n").headers["allow"],
      "GET, PUT, DELETE, HEAD, OPTIONS");
  EXPECT_EQ(TestClient(port()).ask("HEAD /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
  EXPECT_EQ(get("/v1/streams/%zz").status, 400);
}

TEST_F(NativeApi, KeepsWebPagesOut) {
  auto ask = [&](std::string_view host, std::string_view origin) {
    std::string text = "GET /v1/health HTTP/1.1\r\nHost: " + std::string(host) + "\r\n";
    if (!origin.empty()) text += "Origin: " + std::string(origin) + "\r\n";
    return TestClient(port()).ask(text + "\r\n").status;
  };
  EXPECT_EQ(ask("localhost:9700", ""), 200);
  EXPECT_EQ(ask("127.0.0.1:9700", ""), 200);
  EXPECT_EQ(ask("[::1]:9700", ""), 200);
  EXPECT_EQ(ask("LOCALHOST", ""), 200);
  EXPECT_EQ(ask("localhost:9700", "http://localhost:9700"), 200);
  EXPECT_EQ(ask("evil.example", ""), 403);
  EXPECT_EQ(ask("127.0.0.1.evil.example", ""), 403);
  EXPECT_EQ(ask("localhost:9700", "http://evil.example"), 403);
  EXPECT_EQ(ask("localhost:9700", "http://localhost:3000"), 403);
  EXPECT_EQ(ask("localhost:9700", "null"), 403);
}

// Every route is in the document with its parameters and answers, nothing else is, and each is really served.
TEST_F(NativeApi, DocumentsWhatItServes) {
  auto document = json(get("/v1/openapi.json"));
  EXPECT_EQ(document.at("openapi"), "3.1.0");
  std::set<std::string> operations;
  size_t documented = 0;
  for (const auto& path : document.at("paths").as_object()) documented += path.value().as_object().size();
  EXPECT_EQ(documented, routes().size());
  for (const Route& route : routes()) {
    std::string method(route.method);
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c + 32); });
    const auto& operation = document.at("paths").at(route.pattern).at(method).as_object();
    EXPECT_TRUE(operations.insert(std::string(operation.at("operationId").as_string())).second)
        << route.pattern;
    EXPECT_FALSE(operation.at("summary").as_string().empty());
    EXPECT_GE(operation.at("responses").as_object().size(), 3u);
    // 405 would mean that the dispatcher doesn't know it. What isn't there gives 404 or 400.
    std::string target(route.pattern);
    for (auto [from, to] : {std::pair("{stream}", "none"), {"{table}", "raw.none"}, {"{column}", "c"}})
      if (size_t at = target.find(from); at != std::string::npos) target.replace(at, std::strlen(from), to);
    Reply reply = TestClient(port()).post(target, "", "", route.method);
    EXPECT_NE(reply.status, 405) << route.pattern;
    EXPECT_NE(reply.status, 500) << route.pattern << reply.body;
    bool listed = operation.at("responses").as_object().contains(std::to_string(reply.status));
    EXPECT_TRUE(listed) << route.method << " " << route.pattern << " answers " << reply.status;
  }
}

// Each "#Name" of the table is a schema of the document.
TEST(OpenapiDocument, DefinesEverySchemaThatItNames) {
  std::string text = json::serialize(openapi_document("1"));
  auto schemas = json::parse(text).at("components").at("schemas").as_object();
  constexpr std::string_view kPrefix = "#/components/schemas/";
  size_t references = 0;
  for (size_t at = text.find("components\\/schemas"); at != std::string::npos;
       at = text.find("components\\/schemas", at + 1))
    ++references;
  for (size_t at = text.find(kPrefix); at != std::string::npos; at = text.find(kPrefix, at + 1)) {
    size_t begin = at + kPrefix.size();
    EXPECT_TRUE(schemas.contains(text.substr(begin, text.find('"', begin) - begin)));
    ++references;
  }
  EXPECT_GT(references, 50u);
}

// A user with these grants.
access::Principal user_with(const std::string& grants) {
  access::Principal user;
  user.kind = access::PrincipalKind::kUser;
  user.name = "ann";
  user.arn = access::user_arn("ann");
  user.policies = {access::grants_policy(access::grants_from_json(grants).value(), "role test")};
  return user;
}

TEST_F(NativeApi, AsksWhoItIsBeforeAnythingButHealthAndTheDescription) {
  unknown_ = Unknown{401, "who are you?"};
  for (const Route& route : routes()) {
    std::string path(route.pattern);
    for (size_t open = path.find('{'); open != std::string::npos; open = path.find('{'))
      path.replace(open, path.find('}') - open + 1, "x.y");
    Reply reply = TestClient(port()).post(path, "{}", "", std::string(route.method));
    bool open = path == "/v1/health" || path == "/v1/openapi.json";
    EXPECT_EQ(reply.status, open ? 200 : 401) << route.method << " " << path;
    EXPECT_EQ(reply.headers["www-authenticate"].starts_with("Basic"), !open) << path;
  }
}

TEST_F(NativeApi, RefusesAnybodyWithoutGrantsEverywhere) {
  principal_ = user_with("[]");
  for (const Route& route : routes()) {
    if (route.needs.of == Needs::Of::kNobody || route.needs.of == Needs::Of::kAnybody) continue;
    std::string path(route.pattern);
    for (size_t open = path.find('{'); open != std::string::npos; open = path.find('{'))
      path.replace(open, path.find('}') - open + 1, "raw.x");
    Reply reply = TestClient(port()).post(path, "{}", "", std::string(route.method));
    EXPECT_EQ(reply.status, 403) << route.method << " " << path << " " << reply.body;
    EXPECT_TRUE(message(reply).contains("ann")) << reply.body;
  }
  EXPECT_TRUE(json(get("/v1/streams")).at("streams").as_array().empty());
  EXPECT_TRUE(json(get("/v1/tables")).at("tables").as_array().empty());
  EXPECT_TRUE(json(get("/v1/buckets")).at("buckets").as_array().empty());
}

TEST_F(NativeApi, AGrantOnAStreamIsForThatStreamOnly) {
  principal_ = user_with(R"([{"put": "events"}])");
  EXPECT_EQ(records("{\"a\":1}").status, 200);
  EXPECT_EQ(post("/v1/streams/other/records", "{\"a\":1}").status, 403);
  EXPECT_EQ(json(get("/v1/streams")).at("streams").as_array().size(), 1u);
  EXPECT_EQ(remove("/v1/streams/events").status, 403);
}

TEST_F(NativeApi, TheLakesOwnStreamsAreNobodysToChange) {
  for (std::string_view path : {"/v1/streams/system.audit", "/v1/streams/system.mine"}) {
    EXPECT_EQ(put(path, "{}").status, 403);
    EXPECT_EQ(remove(path).status, 403);
    EXPECT_EQ(post(std::string(path) + "/records", "{}").status, 403);
  }
}

TEST_F(NativeApi, PrincipalsRolesKeysAndSecretsComeAndGo) {
  EXPECT_EQ(put("/v1/roles/reader", R"({"grants": [{"select": "raw.*"}]})").status, 201);
  EXPECT_EQ(put("/v1/principals/ann", R"({"roles": ["reader"], "tags": {"team": "data"}})").status, 201);
  EXPECT_EQ(put("/v1/principals/bob", R"({"roles": ["raeder"]})").status, 404);
  auto ann = json(get("/v1/principals/ann"));
  EXPECT_EQ(json::serialize(ann.at("roles")), R"(["reader"])");
  Reply made = post("/v1/keys", R"({"user": "ann", "description": "laptop"})");
  ASSERT_EQ(made.status, 201) << made.body;
  std::string id(json(made).at("id").as_string()), secret(json(made).at("secret").as_string());
  access::CredentialProblem problem{};
  EXPECT_TRUE(identities_->log_in(id, secret, problem));
  EXPECT_FALSE(get("/v1/keys?user=ann").body.contains(secret));
  EXPECT_EQ(put("/v1/keys/" + id, R"({"active": false})").status, 204);
  EXPECT_FALSE(identities_->log_in(id, secret, problem));
  EXPECT_EQ(remove("/v1/keys/" + id).status, 204);
  EXPECT_EQ(put("/v1/principals/ann/password", R"({"password": "correct horse"})").status, 204);
  EXPECT_TRUE(identities_->log_in("ann", "correct horse", problem));
  EXPECT_EQ(remove("/v1/principals/ann").status, 204);
  EXPECT_EQ(remove("/v1/roles/reader").status, 204);

  EXPECT_EQ(put("/v1/secrets/db/value", R"({"value": "hunter2"})").status, 200);
  EXPECT_FALSE(get("/v1/secrets").body.contains("hunter2"));
  EXPECT_EQ(json(get("/v1/secrets/db/value")).at("value"), "hunter2");
  EXPECT_EQ(post("/v1/rekey", "").status, 204);
  EXPECT_EQ(json(get("/v1/secrets/db/value")).at("value"), "hunter2");
  EXPECT_EQ(post("/v1/secrets/db/rotate", R"({"length": 20})").status, 200);
  EXPECT_EQ(json(get("/v1/secrets/db/value")).at("value").as_string().size(), 20u);
  EXPECT_EQ(remove("/v1/secrets/db").status, 204);
  EXPECT_EQ(get("/v1/secrets/db/value").status, 404);
}

TEST_F(NativeApi, BucketsAreDeclaredAndShown) {
  EXPECT_EQ(put("/v1/buckets/reports",
                R"({"versioning": "enabled", "lifecycle": [{"prefix": "tmp/", "expire": "7d"}]})")
                .status,
            201);
  auto shown = json(get("/v1/buckets/reports"));
  EXPECT_EQ(shown.at("versioning"), "enabled");
  EXPECT_EQ(shown.at("lifecycle").at(0).at("expire"), "7d");
  EXPECT_EQ(put("/v1/buckets/reports", R"({"versioning": "off"})").status, 409);
  EXPECT_EQ(put("/v1/buckets/Wrong", "{}").status, 400);
  EXPECT_EQ(put("/v1/buckets/lake", "{}").status, 403);
  Reply typo = put("/v1/buckets/reports", R"({"versionning": "enabled"})");
  EXPECT_TRUE(message(typo).contains("'versioning'")) << typo.body;
  EXPECT_EQ(get("/v1/buckets/report").status, 404);
  EXPECT_EQ(remove("/v1/buckets/reports").status, 204);
}

}  // namespace
}  // namespace tarn::http
