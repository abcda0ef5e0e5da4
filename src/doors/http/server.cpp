#include "doors/http/server.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <deque>
#include <exception>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/logging.h"
#include "base/thread.h"
#include "doors/http/connection.h"

namespace tarn::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

constexpr Duration kAcceptPause = std::chrono::milliseconds(100);  // when descriptors or memory have run out
constexpr Duration kDrainTimeout = std::chrono::seconds(2);        // a client may still be sending
constexpr Duration kLastDrainTimeout = std::chrono::milliseconds(100);  // the same when the server stops
constexpr int kListenBacklog = 1024;

// Writing to a client that is gone is an error, and no signal: sendfile(2) and OpenSSL can't be told MSG_NOSIGNAL.
void block_broken_pipe_signal() {
  sigset_t broken_pipe;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
}

std::string short_answer(int status, std::string_view reason, std::string_view code,
                         std::string_view message) {
  std::string body = fmt::format(R"({{"error":{{"code":"{}","message":"{}"}}}})", code, message);
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}"
      "Connection: close\r\n\r\n{}",
      status, reason, body.size(), status == 503 ? "Retry-After: 1\r\n" : "", body);
}

std::string busy_answer(std::string_view message) {
  return short_answer(503, "Service Unavailable", "busy", message);
}

// A connection that the I/O thread watches.
struct Waiting {
  enum class For { kHead, kNextRequest, kEnd };
  Waiting(asio::io_context& io, std::unique_ptr<Connection> c, For f)
      : connection(std::move(c)), socket(io), timer(io), what(f) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  // The descriptor is the connection's; Asio only watches it.
  ~Waiting() {
    ErrorCode ignored;
    if (socket.is_open()) socket.release(ignored);
  }

  std::unique_ptr<Connection> connection;
  tcp::socket socket;
  asio::steady_timer timer;
  For what;
};

class AsioServer : public Server {
 public:
  AsioServer(const Options& options, Handler handler, Metrics& metrics);
  ~AsioServer() override { stop(Deadline::after(Duration(0))); }
  Status open();
  uint16_t port() const override { return local_.port(); }
  std::string address() const override { return local_.address().to_string(); }
  void stop(Deadline deadline) override;

 private:
  // On the I/O thread:
  void accept();
  void accepted(ErrorCode error, tcp::socket socket);
  void watch(std::unique_ptr<Connection> connection, Waiting::For what, Connection::Head head);
  void arm(uint64_t number, Waiting& waiting, Duration timeout);
  void arm_timer(uint64_t number, Waiting& waiting, std::chrono::steady_clock::time_point at);
  void await_bytes(uint64_t number, Waiting& waiting);
  void readable(uint64_t number, ErrorCode error);
  void late(uint64_t number);
  void went_on(uint64_t number, Waiting& waiting, Connection::Head head);
  void refuse(uint64_t number, const std::string& answer);
  void drain(uint64_t number, Waiting& waiting);

  // On the workers:
  void work();
  void serve(std::unique_ptr<Connection> connection);
  Exchange::After handle(Connection& connection);
  Connection::Head linger(Connection& connection);
  bool others_wait();
  void let_go(std::unique_ptr<Connection>& connection, bool close);
  void give_back(std::unique_ptr<Connection> connection, Waiting::For what, Connection::Head head);

  bool enqueue(std::unique_ptr<Connection>& connection, bool bounded);
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  const Options options_;
  const Handler handler_;
  Metrics& metrics_;
  Connection::Count count_;
  Histogram& seconds_;
  std::unique_ptr<TlsContext> tls_;  // null: plain

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_running_{io_.get_executor()};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer accept_pause_{io_};
  tcp::endpoint local_;
  std::unordered_map<uint64_t, std::unique_ptr<Waiting>> waiting_;  // the I/O thread's
  uint64_t next_number_ = 1;                                        // the I/O thread's
  std::thread io_thread_;
  std::vector<std::thread> workers_;

  std::atomic<bool> stopping_ = false;
  Mutex mu_;
  CondVar work_;
  CondVar done_;
  std::deque<std::unique_ptr<Connection>> queue_ TARN_GUARDED_BY(mu_);
  std::unordered_set<Connection*> busy_ TARN_GUARDED_BY(mu_);
  int idle_workers_ TARN_GUARDED_BY(mu_) = 0;
  bool cut_ TARN_GUARDED_BY(mu_) = false;
  bool stopped_ TARN_GUARDED_BY(mu_) = false;
};

AsioServer::AsioServer(const Options& options, Handler handler, Metrics& metrics)
    : options_(options),
      handler_(std::move(handler)),
      metrics_(metrics),
      count_{metrics.gauge("tarn_http_connections", "Open HTTP connections")},
      seconds_(metrics.histogram("tarn_http_request_seconds",
                                 "From a request's head being whole to its answer being sent")) {}

Status AsioServer::open() {
  if (!options_.tls_certificate.empty() || !options_.tls_key.empty()) {
    TARN_ASSIGN(tls_, TlsContext::open(options_.tls_certificate, options_.tls_key));
  }
  ErrorCode error;
  auto address =
      asio::ip::make_address(options_.address == "localhost" ? "127.0.0.1" : options_.address, error);
  if (error) return fail(Code::kInvalid, fmt::format("'{}' is no IP address to listen on", options_.address));
  tcp::endpoint endpoint(address, options_.port);
  auto step = [&](std::string_view what) -> Status {
    if (!error) return {};
    std::string where = fmt::format("{}:{}", options_.address, options_.port);
    if (error == asio::error::address_in_use)
      return fail(Code::kExists,
                  fmt::format("{} is in use by another process: stop it, or choose another port", where));
    return fail(Code::kInvalid, fmt::format("cannot listen on {}: {}: {}", where, what, error.message()));
  };
  acceptor_.open(endpoint.protocol(), error);
  TARN_TRY(step("open"));
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  TARN_TRY(step("reuse the address"));
  acceptor_.bind(endpoint, error);
  TARN_TRY(step("bind"));
  acceptor_.listen(kListenBacklog, error);
  TARN_TRY(step("listen"));
  local_ = acceptor_.local_endpoint(error);
  TARN_TRY(step("ask for the port"));
  accept();
  io_thread_ = std::thread([this] {
    block_broken_pipe_signal();
    io_.run();
  });
  for (int i = 0; i < options_.workers; ++i) {
    workers_.emplace_back([this] {
      block_broken_pipe_signal();
      work();
    });
  }
  return {};
}

void AsioServer::accept() {
  acceptor_.async_accept([this](ErrorCode error, tcp::socket socket) { accepted(error, std::move(socket)); });
}

void AsioServer::accepted(ErrorCode error, tcp::socket socket) {
  if (!acceptor_.is_open() || stopping()) return;
  if (error == asio::error::no_descriptors || error == asio::error::no_memory ||
      error == asio::error::no_buffer_space || error == ErrorCode(ENFILE, boost::system::system_category())) {
    TARN_LOG(warn, "http: cannot accept a connection: {}; trying again in {}", error.message(),
             to_string(kAcceptPause));
    accept_pause_.expires_after(kAcceptPause);
    accept_pause_.async_wait([this](ErrorCode cancelled) {
      if (!cancelled) accept();
    });
    return;
  }
  accept();
  if (error) return;
  ErrorCode ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.non_blocking(true, ignored);
  auto peer = socket.remote_endpoint(ignored);
  int fd = socket.release(ignored);
  std::unique_ptr<Tls> tls = tls_ ? tls_->accept(fd) : nullptr;
  if (tls_ && !tls) {
    ::close(fd);
    return;
  }
  auto connection = std::make_unique<Connection>(
      fd, std::move(tls), fmt::format("{}:{}", peer.address().to_string(), peer.port()), options_, count_);
  if (count_.open > options_.connections_max) {
    connection->socket().write_now(busy_answer("too many connections are open; try again soon"));
    return;
  }
  watch(std::move(connection), Waiting::For::kHead, Connection::Head::kMore);
}

void AsioServer::watch(std::unique_ptr<Connection> connection, Waiting::For what, Connection::Head head) {
  if (stopping() && what != Waiting::For::kEnd) return;
  auto waiting = std::make_unique<Waiting>(io_, std::move(connection), what);
  ErrorCode error;
  waiting->socket.assign(local_.protocol(), waiting->connection->socket().descriptor(), error);
  if (error) return;
  uint64_t number = next_number_++;
  Waiting& it = *waiting;
  waiting_.emplace(number, std::move(waiting));
  if (what == Waiting::For::kEnd) return arm(number, it, kDrainTimeout);
  // A pipelined request may have come in the same TLS record as the body before it: no event will tell of it.
  if (head == Connection::Head::kMore && it.connection->socket().holds_bytes())
    head = it.connection->read_head();
  if (head != Connection::Head::kMore) return went_on(number, it, head);
  if (it.connection->head_begun()) it.what = Waiting::For::kHead;
  arm(number, it, it.what == Waiting::For::kHead ? options_.head_timeout : options_.idle_timeout);
}

void AsioServer::arm(uint64_t number, Waiting& waiting, Duration timeout) {
  arm_timer(number, waiting, std::chrono::steady_clock::now() + timeout);
  await_bytes(number, waiting);
}

void AsioServer::arm_timer(uint64_t number, Waiting& waiting, std::chrono::steady_clock::time_point at) {
  waiting.timer.expires_at(at);
  waiting.timer.async_wait([this, number](ErrorCode cancelled) {
    if (!cancelled) late(number);
  });
}

void AsioServer::await_bytes(uint64_t number, Waiting& waiting) {
  waiting.socket.async_wait(tcp::socket::wait_read, [this, number](ErrorCode error) {
    if (error != asio::error::operation_aborted) readable(number, error);
  });
}

void AsioServer::readable(uint64_t number, ErrorCode error) {
  auto found = waiting_.find(number);
  if (found == waiting_.end()) return;  // given to a worker or closed meanwhile
  Waiting& waiting = *found->second;
  if (error) {
    waiting_.erase(found);
    return;
  }
  if (waiting.what == Waiting::For::kEnd) return drain(number, waiting);
  went_on(number, waiting, waiting.connection->read_head());
}

void AsioServer::went_on(uint64_t number, Waiting& waiting, Connection::Head head) {
  std::string problem(waiting.connection->problem());
  switch (head) {
    case Connection::Head::kMore:
      if (waiting.what == Waiting::For::kNextRequest && waiting.connection->head_begun()) {
        waiting.what = Waiting::For::kHead;  // from its first byte on a head has its own, shorter time
        return arm(number, waiting, options_.head_timeout);
      }
      return await_bytes(number, waiting);
    case Connection::Head::kReady: {
      ErrorCode ignored;
      waiting.socket.release(ignored);
      if (enqueue(waiting.connection, true)) {
        waiting_.erase(number);
      } else {
        waiting.socket.assign(local_.protocol(), waiting.connection->socket().descriptor(), ignored);
        refuse(number, busy_answer("all workers are busy and the queue is full; try again soon"));
      }
      return;
    }
    case Connection::Head::kBad:
      return refuse(number, short_answer(400, "Bad Request", "invalid", problem));
    case Connection::Head::kTooLarge:
      return refuse(number, short_answer(431, "Request Header Fields Too Large", "too_large", problem));
    case Connection::Head::kUnsupported:
      return refuse(number, short_answer(501, "Not Implemented", "unsupported", problem));
    case Connection::Head::kClosed:
      waiting_.erase(number);
      return;
  }
}

void AsioServer::late(uint64_t number) {
  auto found = waiting_.find(number);
  if (found == waiting_.end() || found->second->timer.expiry() > std::chrono::steady_clock::now()) return;
  if (found->second->what == Waiting::For::kHead && found->second->connection->head_begun())
    return refuse(number,
                  short_answer(408, "Request Timeout", "timeout", "the request's head did not come in time"));
  waiting_.erase(found);
}

// Says why, then reads what the client still sends: closing at once would make the kernel drop the answer.
void AsioServer::refuse(uint64_t number, const std::string& answer) {
  auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  Waiting& waiting = *found->second;
  waiting.connection->socket().write_now(answer);
  waiting.connection->socket().half_close();
  waiting.what = Waiting::For::kEnd;
  ErrorCode ignored;
  waiting.socket.cancel(ignored);
  arm(number, waiting, kDrainTimeout);
}

void AsioServer::drain(uint64_t number, Waiting& waiting) {
  char waste[16 * 1024];
  size_t got = 0;
  for (int i = 0; i < 16; ++i) {
    switch (waiting.connection->socket().read_now(waste, got)) {
      case Socket::Now::kEnd:
        waiting_.erase(number);
        return;
      case Socket::Now::kBytes:
        continue;
      case Socket::Now::kNothing:
        break;
    }
    break;
  }
  await_bytes(number, waiting);
}

bool AsioServer::enqueue(std::unique_ptr<Connection>& connection, bool bounded) {
  Lock lock(mu_);
  if (cut_) return false;
  if (bounded && idle_workers_ == 0 && queue_.size() >= static_cast<size_t>(options_.queue_max)) return false;
  queue_.push_back(std::move(connection));
  work_.notify_one();
  return true;
}

void AsioServer::work() {
  for (;;) {
    std::unique_ptr<Connection> connection;
    {
      Lock lock(mu_);
      ++idle_workers_;
      while (queue_.empty() && !cut_) work_.wait(mu_);
      --idle_workers_;
      if (cut_) return;
      connection = std::move(queue_.front());
      queue_.pop_front();
      busy_.insert(connection.get());
    }
    serve(std::move(connection));
  }
}

// Runs requests of one connection until there is none at hand, then lets go of it.
void AsioServer::serve(std::unique_ptr<Connection> connection) {
  for (;;) {
    Exchange::After after = handle(*connection);
    if (after == Exchange::After::kCut) return let_go(connection, true);
    if (after == Exchange::After::kDrain || stopping()) {
      connection->socket().half_close();
      let_go(connection, false);
      return give_back(std::move(connection), Waiting::For::kEnd, Connection::Head::kMore);
    }
    connection->next_request();
    Connection::Head head = connection->parse_head();
    if (head == Connection::Head::kMore && !connection->head_begun()) head = linger(*connection);
    bool next = head == Connection::Head::kReady;
    if (next && !others_wait()) continue;
    let_go(connection, head == Connection::Head::kClosed);
    if (head == Connection::Head::kClosed) return;
    if (!next) return give_back(std::move(connection), Waiting::For::kNextRequest, head);
    enqueue(connection, false);
    return;
  }
}

Exchange::After AsioServer::handle(Connection& connection) {
  auto start = std::chrono::steady_clock::now();
  Exchange exchange(connection, options_, stopping());
  try {
    handler_(exchange, exchange);
  } catch (const std::exception& e) {
    TARN_LOG(error, "http: {} {}: {}", exchange.method(), exchange.target(), e.what());
    if (!exchange.begun())
      (void)exchange.send(
          500, {{"Content-Type", "application/json"}},
          R"({"error":{"code":"internal","message":"an unexpected error; see the server's log"}})");
  }
  Exchange::After after = exchange.finish();
  seconds_.observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
  bool known = std::ranges::find(kMethods, exchange.method()) != std::end(kMethods);
  metrics_
      .counter("tarn_http_requests_total", "HTTP requests that were answered",
               {{"method", known ? std::string(exchange.method()) : "other"},
                {"status", std::to_string(exchange.status())}})
      .add();
  return after;
}

// A client that sends one request after the other is served without a way over the I/O thread, as long as
// nobody else needs the worker.
Connection::Head AsioServer::linger(Connection& connection) {
  {
    Lock lock(mu_);
    if (idle_workers_ == 0 || !queue_.empty() || cut_) return Connection::Head::kMore;
  }
  if (!connection.socket().wait_readable(options_.linger)) return Connection::Head::kMore;
  return connection.read_head();
}

bool AsioServer::others_wait() {
  Lock lock(mu_);
  return !queue_.empty();
}

void AsioServer::let_go(std::unique_ptr<Connection>& connection, bool close) {
  Lock lock(mu_);
  busy_.erase(connection.get());
  if (close)
    connection.reset();  // under the lock: stop() must not hang up a descriptor that is another's by now
  if (busy_.empty() && queue_.empty()) done_.notify_all();
}

void AsioServer::give_back(std::unique_ptr<Connection> connection, Waiting::For what, Connection::Head head) {
  asio::post(io_, [this, connection = std::move(connection), what, head]() mutable {
    watch(std::move(connection), what, head);
  });
}

void AsioServer::stop(Deadline deadline) {
  {
    Lock lock(mu_);
    if (stopped_) return;
    stopped_ = true;
  }
  stopping_ = true;
  asio::post(io_, [this] {
    ErrorCode ignored;
    acceptor_.close(ignored);
    accept_pause_.cancel();
    std::erase_if(waiting_, [](const auto& entry) { return entry.second->what != Waiting::For::kEnd; });
  });
  {
    Lock lock(mu_);
    while (!busy_.empty() || !queue_.empty())
      if (!done_.wait_until(mu_, deadline.at()) && deadline.passed()) break;
    cut_ = true;
    queue_.clear();
    for (Connection* connection : busy_) connection->socket().hang_up();
    work_.notify_all();
  }
  for (std::thread& worker : workers_) worker.join();
  asio::post(io_, [this, deadline] {
    auto last = std::min(deadline.at(), std::chrono::steady_clock::now() + kLastDrainTimeout);
    for (auto& [number, waiting] : waiting_)
      if (waiting->timer.expiry() > last) arm_timer(number, *waiting, last);
    keep_running_.reset();
  });
  if (io_thread_.joinable()) io_thread_.join();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(const Options& options, Handler handler, Metrics& metrics) {
  if (options.workers < 1 || options.queue_max < 0 || options.connections_max < 1)
    return fail(Code::kInvalid, "an HTTP server needs at least one worker and one connection");
  auto server = std::make_unique<AsioServer>(options, std::move(handler), metrics);
  TARN_TRY(server->open());
  return server;
}

}  // namespace tarn::http
