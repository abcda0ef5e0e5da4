// An HTTP/1.1 server: connections, requests, responses, both bodies streamed. Paths are the handler's.
//
// Idle connections cost no thread: one I/O thread accepts and reads heads (with a deadline, so a client that
// sends slowly holds nothing), then a worker thread runs the handler, which reads the body and writes the
// answer in plain blocking style. Workers are bounded; when all are busy and the queue is full, the answer is
// 503 with Retry-After.
//
// Owns: its listening socket, its threads, its connections.
// Threads: handlers run on many workers at once; a Request and a Responder belong to one of them.
// Fails: listen: kExists when the port is taken (the message says by what address), kInvalid for an
// address.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/metrics.h"
#include "base/time.h"

namespace tarn::http {

struct Options {
  std::string address = "127.0.0.1";
  uint16_t port = 9700;  // 0: any free one
  int workers = 32;
  int queue_max = 256;  // requests that wait for a worker
  int connections_max = 4096;
  Duration head_timeout = std::chrono::seconds(10);
  Duration idle_timeout = std::chrono::seconds(75);
  // Of one read of a body, and the stretch over which a client's pace is measured (see below).
  Duration io_timeout = std::chrono::seconds(30);
  uint32_t head_bytes_max = 64 * 1024;
  Duration linger =
      std::chrono::milliseconds(5);  // a worker waits for its client's next request, if others are idle
  // Bytes a second. A client that sends its body or takes its answer more slowly is given up: it would hold a
  // worker. Judged anew after every io_timeout of waiting for it (15 KiB in 30 s), so whoever stops or drips is
  // cut after 30 to 60 s, however fast it was before.
  uint64_t bytes_per_second_min = 512;
  // PEM files; both or none. With them the port speaks TLS only.
  std::string tls_certificate;
  std::string tls_key;
};

struct Header {
  std::string name;
  std::string value;
};

class Request {
 public:
  virtual ~Request() = default;
  virtual std::string_view method() const = 0;
  virtual std::string_view target() const = 0;  // as it came: path and query, still percent-encoded
  virtual std::string_view path() const = 0;    // decoded
  // A query parameter, decoded; empty optional when absent.
  virtual std::optional<std::string> query(std::string_view name) const = 0;
  virtual std::optional<std::string_view> header(std::string_view name) const = 0;  // first of that name
  // Every header as it came, repeated ones together; views into the request.
  virtual std::vector<std::pair<std::string_view, std::string_view>> headers() const = 0;
  virtual std::optional<uint64_t> content_length() const = 0;
  // The next bytes of the body, as they arrive; 0 at its end. kUnavailable when the client went away,
  // kTimeout, kInvalid when the transfer coding is broken. Sends 100-continue first if the client waits for
  // it.
  virtual Result<size_t> read(std::span<char> out) = 0;
  virtual std::string remote() const = 0;  // "127.0.0.1:51234"
  virtual bool secure() const = 0;         // over TLS
};

class Responder {
 public:
  virtual ~Responder() = default;
  // A whole answer. HEAD sends no body.
  virtual Status send(int status, std::vector<Header> headers, std::string_view body) = 0;
  // A streamed answer (chunked): begin, write as often as needed, end. When the handler returns without
  // end(), the connection is cut, so that the client sees that it is not whole.
  virtual Status begin(int status, std::vector<Header> headers) = 0;
  virtual Status write(std::string_view bytes) = 0;
  virtual Status end() = 0;
  // A streamed answer of a known length: exactly so many bytes are to follow by write() and send_file(), then
  // end(). For HEAD the length is told and the bytes are left out.
  virtual Status begin_sized(int status, std::vector<Header> headers, uint64_t length) = 0;
  // Bytes of a file, without a copy through this process where the connection allows it.
  virtual Status send_file(int descriptor, uint64_t offset, uint64_t length) = 0;
  virtual bool begun() const = 0;
  // True when the client has closed its side; asked now and then by long handlers, also from another thread
  // while the handler runs.
  virtual bool client_gone() const = 0;
};

using Handler = std::function<void(Request&, Responder&)>;

class Server {
 public:
  static Result<std::unique_ptr<Server>> listen(const Options& options, Handler handler, Metrics& metrics);
  virtual ~Server() = default;  // as stop(0)
  virtual uint16_t port() const = 0;
  virtual std::string address() const = 0;
  // No new connections; waits for requests under way until the deadline, then cuts them.
  virtual void stop(Deadline deadline) = 0;
};

// One reason phrase and status for each Code.
int http_status(Code code);

}  // namespace tarn::http
