// A connected socket, read and written in plain blocking style with a time limit on every step.
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

#include "base/error.h"
#include "base/time.h"
#include "doors/http/tls.h"

namespace tarn::http {

class Socket {
 public:
  explicit Socket(int fd, std::unique_ptr<Tls> tls = nullptr) : fd_(fd), tls_(std::move(tls)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  int descriptor() const { return fd_; }

  enum class Now { kBytes, kNothing, kEnd };
  // What is there at this moment; `got` is set with kBytes. An error of the connection is its end.
  Now read_now(std::span<char> out, size_t& got);
  // The next bytes, at least one; 0 when the other side has closed its half.
  Result<size_t> read(std::span<char> out, Duration timeout);
  // Up to four pieces, one after the other. The time limit is for each step forward, not for the whole.
  Status write(std::initializer_list<std::string_view> pieces, Duration timeout);
  // Bytes of a file: by sendfile(2), or through TLS. A file that ends before is kCorrupt.
  Status send_file(int file, uint64_t offset, uint64_t length, Duration timeout);
  bool secure() const { return tls_ != nullptr; }
  // Writes what fits at this moment and forgets the rest: for the short answer of a connection that is given
  // up.
  void write_now(std::string_view bytes);
  // Waits for bytes or the end; false when the time passed first.
  bool wait_readable(Duration timeout) const;

  bool peer_closed() const;
  void half_close();  // we send no more; the other side sees the end after what was sent
  void hang_up();     // both halves; a thread that waits in read() or write() wakes up
  void reset_on_close();

 private:
  Now read_now_tls(std::span<char> out, size_t& got);
  Result<size_t> read_tls(std::span<char> out, Duration timeout);
  Status write_tls(std::string_view bytes, Duration timeout);
  Status wait_for(short events, Duration timeout) const;

  int fd_;
  std::unique_ptr<Tls> tls_;  // null: plain
};

}  // namespace tarn::http
