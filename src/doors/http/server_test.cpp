#include "doors/http/server.h"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "doors/http/socket.h"
#include "doors/http/test_client.h"

namespace tarn::http {
namespace {

using namespace std::chrono_literals;

Result<std::string> whole_body(Request& request) {
  std::string out;
  char piece[7000];
  for (;;) {
    TARN_ASSIGN(size_t got, request.read(piece));
    if (got == 0) return out;
    out.append(piece, got);
  }
}

// Answers with what it got: method, path, body.
void echo(Request& request, Responder& responder) {
  auto body = whole_body(request);
  if (!body) return (void)responder.send(400, {}, body.error().message);
  (void)responder.send(200, {{"Content-Type", "text/plain"}},
                       std::string(request.method()) + " " + std::string(request.path()) + " " + *body);
}

// A gate that handlers wait at, so that tests decide when they go on.
class Gate {
 public:
  void arrive_and_wait() {
    std::unique_lock lock(mu_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void await(int arrived) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return arrived_ >= arrived; });
  }
  void open() {
    std::lock_guard lock(mu_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

class HttpServer : public testing::Test {
 protected:
  uint16_t start(Handler handler, Options options = {}) {
    options.port = 0;
    auto server = Server::listen(options, std::move(handler), metrics);
    EXPECT_TRUE(server) << server.error().message;
    this->server = *std::move(server);
    return this->server->port();
  }
  bool metric_becomes(const std::string& line) {
    for (int i = 0; i < 20000; ++i) {
      if (("\n" + metrics.text()).contains("\n" + line + "\n")) return true;
      std::this_thread::yield();
    }
    return false;
  }
  Metrics metrics;
  std::unique_ptr<Server> server;
};

constexpr std::string_view kGet = "GET /a%20b?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(HttpServer, AnswersManyRequestsOfOneConnection) {
  TestClient client(start(echo));
  for (int i = 0; i < 50; ++i) {
    Reply reply = client.post("/echo", std::string(static_cast<size_t>(i) * 1000, 'x'));
    ASSERT_TRUE(reply.whole);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "POST /echo " + std::string(static_cast<size_t>(i) * 1000, 'x'));
    EXPECT_FALSE(reply.headers.contains("connection"));
    EXPECT_TRUE(reply.headers.contains("date"));
  }
  EXPECT_TRUE(metric_becomes(R"(tarn_http_requests_total{method="POST",status="200"} 50)"));
  EXPECT_TRUE(metric_becomes("tarn_http_connections 1"));
}

TEST_F(HttpServer, TakesConnectionsBackAfterTheLinger) {
  Options options;
  options.linger = Duration(0);
  TestClient client(start(echo, options));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.get("/a").body, "GET /a ");
}

TEST_F(HttpServer, AnswersPipelinedRequestsInTheirOrder) {
  TestClient client(start(echo));
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
  ASSERT_TRUE(client.send(all));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.read().body, "POST /" + std::to_string(i) + " abc");
}

TEST_F(HttpServer, ReadsHeadsAndBodiesThatComeByteByByte) {
  TestClient client(start(echo));
  std::string text =
      "\r\nPOST /slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n1;name=value\r\nd\r\n0\r\nTrailer: x\r\n\r\n";
  text += text;
  for (char c : text) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.read().body, "POST /slow abcd");
  EXPECT_EQ(client.read().body, "POST /slow abcd");
}

TEST_F(HttpServer, ReadsLargeChunkedBodies) {
  TestClient client(start([](Request& request, Responder& responder) {
    auto body = whole_body(request);
    (void)responder.send(200, {},
                         body ? std::to_string(std::hash<std::string>()(*body)) : body.error().message);
  }));
  std::string body;
  for (int i = 0; body.size() < 3'000'000; ++i) body += std::to_string(i) + ",";
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (size_t at = 0, size = 1; at < body.size(); at += size, size = size * 7 % 99'991 + 1) {
    size = std::min(size, body.size() - at);
    char head[32];
    std::snprintf(head, sizeof head, "%zx\r\n", size);
    client.send(head + body.substr(at, size) + "\r\n");
  }
  client.send("0\r\n\r\n");
  EXPECT_EQ(client.read().body, std::to_string(std::hash<std::string>()(body)));
}

TEST_F(HttpServer, SaysContinueWhenTheHandlerWantsTheBody) {
  TestClient client(start(echo));
  client.send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send("abc");
  EXPECT_EQ(client.read().body, "POST /a abc");
  EXPECT_EQ(client.get("/b").body, "GET /b ");
}

TEST_F(HttpServer, ClosesWhenAnAwaitedBodyIsNotWanted) {
  TestClient client(start([](Request&, Responder& r) { (void)r.send(413, {}, "no"); }));
  client.send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  Reply reply = client.read();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.headers["connection"], "close");
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServer, KeepsTheConnectionWhenABodyThatWasNotReadIsHere) {
  TestClient client(start([](Request&, Responder& r) { (void)r.send(404, {}, "no"); }));
  for (size_t size : {3, 500, 20'000}) {  // each in one packet with its head
    Reply reply = client.post("/a", std::string(size, 'x'));
    EXPECT_EQ(reply.status, 404);
    EXPECT_FALSE(reply.headers.contains("connection")) << size;
  }
  Reply reply =
      client.ask("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_FALSE(reply.headers.contains("connection"));
  EXPECT_EQ(client.get("/a").status, 404);
}

TEST_F(HttpServer, ABodyThatDripsAfterItsAnswerHoldsNoWorker) {
  Options options;
  options.workers = 1;
  uint16_t port = start(
      [](Request& request, Responder& responder) {
        if (request.path() == "/whole") return (void)responder.send(405, {}, "no");
        (void)responder.begin(405, {});
        (void)responder.write("no");
        (void)responder.end();
      },
      options);
  for (std::string path : {"/whole", "/streamed"}) {
    for (std::string body :
         {"Content-Length: 1000000\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
      TestClient dripping(port);
      Reply reply = dripping.ask("POST " + path + " HTTP/1.1\r\nHost: h\r\n" + body);
      EXPECT_EQ(reply.status, 405);
      EXPECT_EQ(reply.body, "no");
      EXPECT_EQ(reply.headers.contains("connection"), path == "/whole") << "the other head came too early";
      EXPECT_EQ(TestClient(port).get("/whole").status, 405) << "the only worker is free";
      EXPECT_TRUE(dripping.closed());
    }
  }
}

TEST_F(HttpServer, ClosesConnectionsWhoseUnwantedBodyDripsOn) {
  TestClient client(start([](Request&, Responder& r) { (void)r.send(405, {}, "no"); }));
  EXPECT_EQ(client.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n").status, 405);
  Deadline patience = Deadline::after(20s);
  while (client.send("x") && !patience.passed()) std::this_thread::yield();
  EXPECT_FALSE(patience.passed());
}

TEST_F(HttpServer, AnswersAndClosesWhenALongBodyWasNotRead) {
  TestClient client(start([](Request&, Responder& r) { (void)r.send(413, {}, "too large"); }));
  Reply reply = client.post("/a", std::string(8'000'000, 'x'));
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.body, "too large");
  EXPECT_EQ(reply.headers["connection"], "close");
}

TEST_F(HttpServer, RefusesHeadsThatAreNoRequests) {
  uint16_t port = start(echo);
  EXPECT_EQ(TestClient(port).ask("nonsense\r\n\r\n").status, 400);
  EXPECT_EQ(TestClient(port).ask("GET / HTTP/1.1\r\n\r\n").status, 400) << "no Host";
  EXPECT_EQ(TestClient(port).ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status, 400);
  EXPECT_EQ(TestClient(port).ask("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n").status, 400);
  EXPECT_EQ(
      TestClient(port)
          .ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc")
          .status,
      400);
  EXPECT_EQ(TestClient(port).ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n").status,
            501);
  Reply broken =
      TestClient(port).ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
  EXPECT_EQ(broken.status, 400);
  EXPECT_TRUE(broken.body.contains("chunked body is broken")) << broken.body;
  EXPECT_EQ(broken.headers["connection"], "close");
}

TEST_F(HttpServer, RefusesHeadsThatAreTooLarge) {
  Options options;
  options.head_bytes_max = 4096;
  uint16_t port = start(echo, options);
  Reply reply = TestClient(port).ask("GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(reply.status, 431);
  EXPECT_TRUE(reply.body.contains("4096")) << reply.body;
  EXPECT_EQ(TestClient(port)
                .ask("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n")
                .status,
            431);
}

TEST_F(HttpServer, GivesUpOnHeadsThatComeTooSlowly) {
  Options options;
  options.head_timeout = 50ms;
  TestClient client(start(echo, options));
  client.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(client.read().status, 408);
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServer, GivesUpOnSlowHeadsAlsoAfterARequest) {
  Options options;
  options.head_timeout = 50ms;
  TestClient client(start(echo, options));
  EXPECT_EQ(client.get("/").status, 200);
  client.send("GET / HT");
  EXPECT_EQ(client.read().status, 408);
}

TEST_F(HttpServer, ClosesIdleConnections) {
  Options options;
  options.idle_timeout = 30ms;
  options.head_timeout = 30ms;
  uint16_t port = start(echo, options);
  TestClient fresh(port);
  EXPECT_TRUE(fresh.closed());
  TestClient used(port);
  EXPECT_EQ(used.get("/").status, 200);
  EXPECT_TRUE(used.closed());
  EXPECT_TRUE(metric_becomes("tarn_http_connections 0"));
}

TEST_F(HttpServer, AnswersClientsThatHaveClosedTheirSendingHalf) {
  TestClient client(start(echo));
  client.send(kGet);
  client.end_sending();
  EXPECT_EQ(client.read().body, "GET /a b ");
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServer, TellsTheHandlerWhenTheBodyIsCutOff) {
  std::promise<Error> seen;
  uint16_t port = start([&](Request& request, Responder&) { seen.set_value(whole_body(request).error()); });
  {
    TestClient client(port);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  }
  Error error = seen.get_future().get();
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_TRUE(error.message.contains("3 of 10")) << error.message;
}

TEST_F(HttpServer, TellsTheHandlerWhenTheBodyComesTooSlowly) {
  Options options;
  options.io_timeout = 30ms;
  TestClient client(start(
      [&](Request& request, Responder& responder) {
        auto body = whole_body(request);
        (void)responder.send(body ? 200 : 408, {}, body ? "" : code_name(body.error().code));
      },
      options));
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(client.read().body, "timeout");
}

TEST_F(HttpServer, SendsNoBodyToHead) {
  TestClient client(start([](Request& request, Responder& responder) {
    if (request.path() == "/whole") return (void)responder.send(200, {}, "abc");
    (void)responder.begin(200, {});
    (void)responder.write("abc");
    (void)responder.end();
  }));
  Reply reply = client.ask("HEAD /whole HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(reply.headers["content-length"], "3");
  client.ask("HEAD /streamed HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.get("/whole").body, "abc");
}

TEST_F(HttpServer, StreamsAnswers) {
  uint16_t port = start([](Request&, Responder& responder) {
    (void)responder.begin(200, {{"Content-Type", "text/csv"}});
    for (int i = 0; i < 1000; ++i) (void)responder.write(std::string(1000, static_cast<char>('a' + i % 26)));
    (void)responder.end();
  });
  TestClient client(port);
  for (int i = 0; i < 2; ++i) {
    Reply reply = client.get("/");
    EXPECT_TRUE(reply.whole);
    EXPECT_EQ(reply.body.size(), 1'000'000u);
    EXPECT_EQ(reply.headers["content-type"], "text/csv");
  }
  TestClient old(port);
  Reply reply = old.ask("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(reply.whole);
  EXPECT_EQ(reply.body.size(), 1'000'000u);
}

TEST_F(HttpServer, CutsAnswersThatAreNotEnded) {
  uint16_t port = start([](Request&, Responder& responder) {
    (void)responder.begin(200, {});
    (void)responder.write("half");
  });
  TestClient client(port);
  Reply reply = client.get("/");
  EXPECT_EQ(reply.body, "half");
  EXPECT_FALSE(reply.whole);
  TestClient old(port);
  EXPECT_FALSE(old.ask("GET / HTTP/1.0\r\n\r\n").whole);
}

TEST_F(HttpServer, HonoursConnectionCloseAndOldVersions) {
  uint16_t port = start(echo);
  TestClient closing(port);
  Reply reply = closing.ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(reply.headers["connection"], "close");
  EXPECT_TRUE(closing.closed());
  TestClient old(port);
  EXPECT_EQ(old.ask("GET / HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_TRUE(old.closed());
  TestClient kept(port);
  EXPECT_EQ(kept.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").headers["connection"], "keep-alive");
  EXPECT_EQ(kept.ask("GET / HTTP/1.0\r\n\r\n").status, 200);
}

TEST_F(HttpServer, AnswersWhenTheHandlerThrowsOrSaysNothing) {
  TestClient client(start([](Request& request, Responder&) {
    if (request.path() == "/throw") throw std::runtime_error("oh");
  }));
  EXPECT_EQ(client.get("/throw").status, 500);
  EXPECT_EQ(client.get("/silent").status, 500);
}

TEST_F(HttpServer, KeepsHeadersToOneLine) {
  TestClient client(
      start([](Request&, Responder& r) { (void)r.send(200, {{"X-Name", "a\r\nX-Evil: b"}}, ""); }));
  Reply reply = client.get("/");
  EXPECT_EQ(reply.headers["x-name"], "a  X-Evil: b");
  EXPECT_FALSE(reply.headers.contains("x-evil"));
}

TEST_F(HttpServer, GivesQueriesAndHeadersDecoded) {
  TestClient client(start([](Request& request, Responder& responder) {
    (void)responder.send(200, {},
                         request.query("key").value_or("none") + "|" +
                             std::string(request.header("x-thing").value_or("none")) + "|" +
                             std::string(request.target()));
  }));
  EXPECT_EQ(client.ask("GET /p?a=1&key=a%2Fb+c HTTP/1.1\r\nHost: h\r\nX-Thing: v\r\n\r\n").body,
            "a/b c|v|/p?a=1&key=a%2Fb+c");
  EXPECT_EQ(client.get("/p").body, "none|none|/p");
}

TEST_F(HttpServer, NoticesThatTheClientIsGone) {
  std::promise<bool> before;
  std::promise<void> noticed;
  uint16_t port = start([&](Request&, Responder& responder) {
    before.set_value(responder.client_gone());
    while (!responder.client_gone()) std::this_thread::yield();
    noticed.set_value();
  });
  {
    TestClient client(port);
    client.send(kGet);
    EXPECT_FALSE(before.get_future().get());
  }
  EXPECT_EQ(noticed.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(HttpServer, ServesThreeHundredConnectionsAtOnce) {
  Options options;
  options.workers = 8;
  options.queue_max = 1000;
  uint16_t port = start(echo, options);
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 300; ++i) clients.push_back(std::make_unique<TestClient>(port));
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < clients.size(); ++i)
      clients[i]->send("POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    for (size_t i = 0; i < clients.size(); ++i)
      EXPECT_EQ(clients[i]->read().body, "POST /" + std::to_string(i) + " hi");
  }
}

TEST_F(HttpServer, SaysBusyWhenTheQueueIsFull) {
  Gate gate;
  Options options;
  options.workers = 1;
  options.queue_max = 1;
  uint16_t port = start(
      [&](Request&, Responder& responder) {
        gate.arrive_and_wait();
        (void)responder.send(200, {}, "done");
      },
      options);
  TestClient first(port);
  first.send(kGet);
  gate.await(1);
  TestClient second(port);
  TestClient third(port);
  second.send(kGet);
  third.send(kGet);
  // One of the two is in the queue, the other is refused at once.
  std::promise<Reply> refused;
  std::thread other([&] { refused.set_value(third.read()); });
  auto answer = refused.get_future();
  bool third_refused = answer.wait_for(300ms) == std::future_status::ready;
  Reply reply = third_refused ? answer.get() : second.read();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.headers["retry-after"], "1");
  EXPECT_TRUE(reply.body.contains("busy")) << reply.body;
  gate.open();
  EXPECT_EQ(first.read().status, 200);
  EXPECT_EQ(third_refused ? second.read().status : answer.get().status, 200);
  other.join();
}

TEST_F(HttpServer, RefusesConnectionsOverItsLimit) {
  Options options;
  options.connections_max = 2;
  uint16_t port = start(echo, options);
  TestClient a(port);
  TestClient b(port);
  EXPECT_EQ(a.get("/").status, 200);
  EXPECT_EQ(b.get("/").status, 200);
  TestClient c(port);
  EXPECT_EQ(c.read().status, 503);
}

TEST_F(HttpServer, StopWaitsForRequestsUnderWay) {
  Gate gate;
  uint16_t port = start([&](Request&, Responder& responder) {
    gate.arrive_and_wait();
    (void)responder.send(200, {}, "done");
  });
  TestClient idle(port);
  TestClient client(port);
  client.send(kGet);
  gate.await(1);
  std::thread stopper([&] { server->stop(Deadline::never()); });
  EXPECT_TRUE(idle.closed());  // stop() has begun
  gate.open();
  Reply reply = client.read();
  EXPECT_EQ(reply.body, "done");
  stopper.join();
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(TestClient(port).connected());
}

TEST_F(HttpServer, StopCutsRequestsAtTheDeadline) {
  std::promise<Code> seen;
  std::promise<void> entered;
  uint16_t port = start([&](Request& request, Responder&) {
    entered.set_value();
    seen.set_value(whole_body(request).error().code);
  });
  TestClient client(port);
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  entered.get_future().get();
  server->stop(Deadline::after(20ms));
  EXPECT_EQ(seen.get_future().get(), Code::kUnavailable);
  EXPECT_FALSE(client.read().whole);
}

TEST_F(HttpServer, StopsWhileClientsAreBusy) {
  uint16_t port = start(echo);
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (!stop) {
        TestClient client(port);
        while (!stop && client.post("/a", "abc").whole) continue;
      }
    });
  EXPECT_TRUE(metric_becomes("tarn_http_connections 4"));
  server->stop(Deadline::after(5s));
  stop = true;
  for (auto& t : threads) t.join();
  EXPECT_TRUE(metric_becomes("tarn_http_connections 0"));
}

TEST_F(HttpServer, SaysWhenThePortIsTaken) {
  Options options;
  options.port = start(echo);
  Metrics other;
  auto second = Server::listen(options, echo, other);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kExists);
  EXPECT_TRUE(second.error().message.contains("127.0.0.1:" + std::to_string(options.port)))
      << second.error().message;
  options.address = "nowhere";
  EXPECT_EQ(Server::listen(options, echo, other).error().code, Code::kInvalid);
}

TEST_F(HttpServer, ShowsEveryHeaderAsItCame) {
  std::string seen;
  TestClient client(start([&](Request& request, Responder& responder) {
    for (auto [name, value] : request.headers()) seen += std::string(name) + "=" + std::string(value) + ";";
    (void)responder.send(200, {}, request.secure() ? "secure" : "plain");
  }));
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-b:  2  3 \r\nX-A: 4\r\n\r\n"));
  EXPECT_EQ(client.read().body, "plain");
  EXPECT_EQ(seen, "Host=x;X-A=1;X-A=4;x-b=2  3;") << "repeated ones stand together";
}

TEST_F(HttpServer, GivesUpBodiesThatComeTooSlowly) {
  Options options;
  options.io_timeout = 50ms;
  options.bytes_per_second_min = 1'000'000;
  std::atomic<int> code = -1;
  TestClient client(start(
      [&](Request& request, Responder& responder) {
        auto body = whole_body(request);
        code = body ? 0 : static_cast<int>(body.error().code);
        (void)responder.send(408, {}, "slow");
      },
      options));
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"));
  // A byte now and then keeps each single read alive; all together they are too few.
  while (code == -1 && client.send("x")) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(code, static_cast<int>(Code::kTimeout));
}

// What came before earns no time to drip: the pace is judged anew after each stretch.
TEST(HttpPace, ForgetsAFastBeginning) {
  Pace pace("it comes", 30s, 512);
  uint64_t moved = 1'000'000'000;
  EXPECT_TRUE(pace.waited(29s, moved));
  EXPECT_EQ(pace.left(), 1s);
  EXPECT_TRUE(pace.waited(1s, moved));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(pace.waited(10s, moved += 5'120));
  EXPECT_TRUE(pace.waited(10s, moved += 5'120)) << "just fast enough";
  EXPECT_TRUE(pace.waited(29s, moved += 100));
  Status slow = pace.waited(1s, moved += 100);
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code, Code::kTimeout);
  EXPECT_EQ(slow.error().message,
            "it comes too slowly: 200 bytes in 30.0 s, at least 512 a second are asked for");
}

// Asks for an answer and takes it a few bytes at a time.
class SlowReader {
 public:
  explicit SlowReader(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::send(fd_, kGet.data(), kGet.size(), MSG_NOSIGNAL), static_cast<ssize_t>(kGet.size()));
  }
  SlowReader(const SlowReader&) = delete;
  SlowReader& operator=(const SlowReader&) = delete;
  ~SlowReader() { ::close(fd_); }

  bool read_a_little() {
    ssize_t n = ::recv(fd_, piece_, sizeof piece_, 0);
    if (n > 0) last_.append(piece_, static_cast<size_t>(n));
    if (last_.size() > 1000) last_.erase(0, last_.size() - 5);
    return n > 0;
  }
  bool at_last_chunk() const { return last_.ends_with("0\r\n\r\n"); }

 private:
  int fd_;
  char piece_[256];
  std::string last_;
};

TEST_F(HttpServer, GivesUpClientsThatTakeTheirAnswerTooSlowly) {
  Options options;
  options.io_timeout = 50ms;
  options.bytes_per_second_min = 1'000'000'000'000;  // nobody reads so fast
  std::promise<Error> seen;
  SlowReader client(start(
      [&](Request&, Responder& responder) {
        std::string piece(64 * 1024, 'x');
        Status sent = responder.begin(200, {});
        while (sent) sent = responder.write(piece);
        seen.set_value(sent.error());
      },
      options));
  // Each single write gets on, since the client never stops; all together they don't keep the pace.
  Deadline patience = Deadline::after(20s);
  while (!patience.passed() && client.read_a_little()) continue;
  ASSERT_FALSE(patience.passed());
  Error error = seen.get_future().get();
  EXPECT_EQ(error.code, Code::kTimeout);
  EXPECT_TRUE(error.message.contains("takes the answer too slowly")) << error.message;
}

TEST_F(HttpServer, BearsWithSlowClientsThatKeepThePace) {
  Options options;
  options.io_timeout = 300ms;  // several stretches go by
  std::atomic<bool> enough = false;
  SlowReader client(start(
      [&](Request&, Responder& responder) {
        std::string piece(64 * 1024, 'x');
        Status sent = responder.begin(200, {});
        while (sent && !enough) sent = responder.write(piece);
        if (sent) (void)responder.end();
      },
      options));
  Deadline slow = Deadline::after(1s);
  while (!slow.passed()) ASSERT_TRUE(client.read_a_little());
  enough = true;
  while (!client.at_last_chunk()) ASSERT_TRUE(client.read_a_little()) << "the answer isn't whole";
}

}  // namespace
}  // namespace tarn::http
