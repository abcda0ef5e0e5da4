// A connected socket, read and written in plain blocking style; no wait is without a limit.
//
// The descriptor is non-blocking (the I/O thread polls it too); a step that would block waits in poll().
// Boost.Asio's own synchronous operations wait for ever on such a descriptor, which is why this exists.
//
// Owns: the descriptor.
// Threads: one at a time; hang_up() and peer_closed() may come from any while the Socket lives.
// Fails: kUnavailable when the other side is gone, kTimeout, kIo.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/time.h"
#include "doors/http/tls.h"

namespace tarn::http {

// Whether the other side keeps up. A limit on each wait isn't enough: a byte now and then passes it for ever.
//
// The time spent waiting adds up over many waits. Whenever a stretch of it is full, so many bytes a second must
// have moved since the last one was. A fast beginning earns nothing for later, so that who stops or drips is
// found out after one to two stretches of waiting.
class Pace {
 public:
  // `what` begins the error's message: "the body comes".
  Pace(std::string_view what, Duration stretch, uint64_t bytes_per_second_min)
      : what_(what), stretch_(stretch), bytes_per_second_min_(bytes_per_second_min) {}
  Duration left() const { return stretch_ - waited_; }  // of the stretch under way
  // After each wait; `moved` is the count of all bytes so far. kTimeout: too slow.
  Status waited(Duration time, uint64_t moved);

 private:
  std::string_view what_;
  Duration stretch_;
  uint64_t bytes_per_second_min_;
  Duration waited_{0};
  uint64_t moved_before_ = 0;  // this stretch
};

class Socket {
 public:
  // `sending`: the least pace at which the other side has to take what is written.
  Socket(int fd, std::unique_ptr<Tls> tls, Pace sending) : fd_(fd), tls_(std::move(tls)), sending_(sending) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  int descriptor() const { return fd_; }

  enum class Now { kBytes, kNothing, kEnd };
  // What is there at this moment; `got` is set with kBytes. An error of the connection is its end.
  Now read_now(std::span<char> out, size_t& got);
  // The next bytes, at least one; 0 when the other side has closed its half.
  Result<size_t> read(std::span<char> out, Duration timeout);
  // Up to four pieces, one after the other, as long as the other side keeps its pace.
  Status write(std::initializer_list<std::string_view> pieces);
  // Bytes of a file: by sendfile(2), or through TLS. A file that ends before is kCorrupt.
  Status send_file(int file, uint64_t offset, uint64_t length);
  bool secure() const { return tls_ != nullptr; }
  // Writes what fits at this moment and forgets the rest: for the short answer of a connection that is given
  // up.
  void write_now(std::string_view bytes);
  // Waits for bytes or the end; false when the time passed first.
  bool wait_readable(Duration timeout) const;
  // Bytes have come that poll() on the descriptor doesn't tell of: TLS has taken them out of it.
  bool holds_bytes() const { return tls_ && tls_->pending(); }

  bool peer_closed() const;
  void half_close();  // we send no more; the other side sees the end after what was sent
  void hang_up();     // both halves; a thread that waits in read() or write() wakes up
  void reset_on_close();

 private:
  Now read_now_tls(std::span<char> out, size_t& got);
  Result<size_t> read_tls(std::span<char> out, Duration timeout);
  Status write_tls(std::string_view bytes);
  Status wait_for(short events, Duration timeout) const;
  Status wait_to_send(short events);
  uint64_t acknowledged() const;

  int fd_;
  std::unique_ptr<Tls> tls_;  // null: plain
  Pace sending_;  // over all answers: many short ones that drip hold a worker as one long one does
};

}  // namespace tarn::http
