// One HTTP/1.1 connection: its socket, the bytes that have come and are not used yet, and the request being
// read.
//
// The I/O thread feeds it until a head is whole, a worker then runs an Exchange on it, and the I/O thread
// gets it back with whatever the client has sent ahead (pipelining). Boost.Beast parses heads and chunked
// bodies.
//
// Owns: its socket.
// Threads: one at a time; see socket.h for what others may call.
// Fails: an Exchange as server.h says for Request and Responder.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "doors/http/server.h"
#include "doors/http/socket.h"

namespace tarn::http {

class Connection {
 public:
  struct Count {  // of a server's connections
    Gauge& gauge;
    std::atomic<int> open = 0;
  };
  // `options` and `count` outlive the connection.
  Connection(int fd, std::unique_ptr<Tls> tls, std::string remote, const Options& options, Count& count);
  ~Connection();

  // How far the head of the next request is.
  enum class Head {
    kMore,         // bytes are missing
    kReady,        // whole: run an Exchange
    kBad,          // 400
    kTooLarge,     // 431
    kUnsupported,  // 501: a transfer coding that we don't know
    kClosed,       // the client went away
  };
  Head parse_head();  // with the bytes that are here
  Head read_head();   // with what the socket has at this moment
  bool head_begun() const { return begun_; }
  void next_request();  // forgets the request that was answered

  Socket& socket() { return socket_; }
  const std::string& remote() const { return remote_; }
  std::string_view problem() const { return problem_; }

 private:
  friend class Exchange;
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  std::string_view buffered() const { return {buffer_.data() + begin_, end_ - begin_}; }
  std::span<char> room(size_t bytes);  // free space after what is buffered, at least one byte
  Head bad(Head head, std::string problem);
  Head head_done();

  Socket socket_;
  const std::string remote_;
  const Options& options_;
  Count& count_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::optional<Parser> parser_;
  bool begun_ = false;
  std::string problem_;
};

// One request and its answer, run by a worker.
class Exchange : public Request, public Responder {
 public:
  // `closing`: the server stops, so the answer says that the connection ends.
  Exchange(Connection& connection, const Options& options, bool closing);

  std::string_view method() const override;
  std::string_view target() const override;
  std::string_view path() const override { return path_; }
  std::optional<std::string> query(std::string_view name) const override;
  std::optional<std::string_view> header(std::string_view name) const override;
  std::vector<std::pair<std::string_view, std::string_view>> headers() const override;
  std::optional<uint64_t> content_length() const override;
  Result<size_t> read(std::span<char> out) override;
  std::string remote() const override { return connection_.remote(); }
  bool secure() const override { return connection_.socket_.secure(); }

  Status send(int status, std::vector<Header> headers, std::string_view body) override;
  Status begin(int status, std::vector<Header> headers) override;
  Status write(std::string_view bytes) override;
  Status end() override;
  Status begin_sized(int status, std::vector<Header> headers, uint64_t length) override;
  Status send_file(int descriptor, uint64_t offset, uint64_t length) override;
  bool begun() const override { return status_ != 0; }
  bool client_gone() const override { return connection_.socket_.peer_closed(); }

  int status() const { return status_; }
  // After the handler: takes what has come of a body that was not read, and never waits for the rest of it.
  enum class After {
    kKeep,   // the next request may come
    kDrain,  // the answer is whole, the rest of the body isn't wanted: half-close, drain shortly, close
    kCut,    // the answer is not whole, or can't be sent
  };
  After finish();

 private:
  Result<size_t> read_sized(std::span<char> out);
  Result<size_t> read_chunked(std::span<char> out);
  Result<size_t> wait_for_bytes(std::span<char> out);
  Result<size_t> bytes_here(std::span<char> out);
  bool skippable() const;
  bool skip_body();
  Status take_from_length(uint64_t bytes);
  Status head(int status, const std::vector<Header>& headers, std::optional<uint64_t> length,
              std::string& out);

  Connection& connection_;
  const Options& options_;
  Connection::Parser& parser_;
  std::string path_;
  std::string_view query_;
  uint64_t body_left_ = 0;  // of a body with a length
  uint64_t body_read_ = 0;
  uint64_t body_came_ = 0;  // from the socket, with the chunks' heads
  Pace body_pace_;
  bool skipping_ = false;  // nobody wants the body: reads take what is here
  uint64_t skipped_ = 0;
  std::optional<uint64_t> answer_left_;  // of an answer whose length was told
  bool body_done_ = false;
  bool body_broken_ = false;
  bool expects_continue_ = false;
  bool keep_ = true;
  bool chunked_answer_ = false;
  bool answer_done_ = false;
  bool write_failed_ = false;
  int status_ = 0;
};

}  // namespace tarn::http
