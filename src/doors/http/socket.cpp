#include "doors/http/socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <linux/tcp.h>  // netinet/tcp.h has a tcp_info that is too short
#include <netinet/in.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace tarn::http {

namespace {

constexpr size_t kPiecesMax = 4;
constexpr size_t kSendFileBytesMax = 1 << 30;    // of one sendfile(2)
constexpr size_t kTlsFileBytes = 256 * 1024;     // of a file that goes through TLS, at once
constexpr size_t kTlsTogetherBytes = 16 * 1024;  // pieces up to this go into one TLS record

// 1 when an event came, 0 when the time passed. Interrupted waits start again: signals are rare and short.
int poll_one(int fd, short events, Duration timeout) {
  Deadline deadline = Deadline::after(timeout);
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline.at() -
                                                                      std::chrono::steady_clock::now());
    int ms = static_cast<int>(std::clamp<int64_t>(left.count() + (timeout.count() > 0 ? 1 : 0), 0, 1 << 30));
    pollfd item{fd, events, 0};
    int n = ::poll(&item, 1, ms);
    if (n >= 0) return n;
    if (errno != EINTR) return 1;  // the read or write that follows names the error
  }
}

bool would_block(int error_number) {
  return error_number == EAGAIN || error_number == EWOULDBLOCK;
}

Error connection_error(std::string_view what, int error_number) {
  if (error_number == EPIPE || error_number == ECONNRESET || error_number == ENOTCONN)
    return {Code::kUnavailable, "the client closed the connection", 0};
  return errno_error(what, error_number);
}

}  // namespace

Status Pace::waited(Duration time, uint64_t moved) {
  waited_ += time;
  if (waited_ < stretch_) return {};
  double seconds = std::chrono::duration<double>(waited_).count();
  uint64_t bytes = moved - std::min(moved, moved_before_);
  if (static_cast<double>(bytes) < seconds * static_cast<double>(bytes_per_second_min_))
    return fail(Code::kTimeout,
                fmt::format("{} too slowly: {} bytes in {:.1f} s, at least {} a second are asked for", what_,
                            bytes, seconds, bytes_per_second_min_));
  waited_ = Duration(0);
  moved_before_ = moved;
  return {};
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Status Socket::wait_for(short events, Duration timeout) const {
  if (poll_one(fd_, events, timeout) != 0) return {};
  return fail(Code::kTimeout,
              (events == POLLIN ? "the client sent nothing for " : "the client read nothing for ") +
                  to_string(timeout));
}

Status Socket::wait_to_send(short events) {
  for (;;) {
    auto before = std::chrono::steady_clock::now();
    bool ready = poll_one(fd_, events, sending_.left()) != 0;
    auto waited = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - before);
    TARN_TRY(sending_.waited(waited, acknowledged()));
    if (ready) return {};
  }
}

// Bytes that have reached the other side, over the life of the connection. What our kernel takes from us would
// not tell: its buffer may hold megabytes and has room again only after a third of them went, which a slow but
// honest client may need a minute for.
uint64_t Socket::acknowledged() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_acked;
}

Socket::Now Socket::read_now_tls(std::span<char> out, size_t& got) {
  switch (tls_->read(out, got)) {
    case Tls::Step::kDone:
      return Now::kBytes;
    case Tls::Step::kWantRead:
    case Tls::Step::kWantWrite:  // of a handshake, whose few bytes always find room
      return Now::kNothing;
    case Tls::Step::kPlainHttp: {
      constexpr std::string_view kAnswer =
          "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
          "This port speaks TLS: use https://\n";
      [[maybe_unused]] ssize_t n = ::send(fd_, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      ::shutdown(fd_, SHUT_WR);
      // Closing with bytes unread would make the kernel drop the answer.
      while (::recv(fd_, out.data(), out.size(), MSG_DONTWAIT) > 0) continue;
      return Now::kEnd;
    }
    case Tls::Step::kEnd:
      break;
  }
  return Now::kEnd;
}

Result<size_t> Socket::read_tls(std::span<char> out, Duration timeout) {
  for (;;) {
    size_t got = 0;
    switch (tls_->read(out, got)) {
      case Tls::Step::kDone:
        return got;
      case Tls::Step::kWantRead:
        TARN_TRY(wait_for(POLLIN, timeout));
        break;
      case Tls::Step::kWantWrite:
        TARN_TRY(wait_for(POLLOUT, timeout));
        break;
      case Tls::Step::kPlainHttp:
      case Tls::Step::kEnd:
        return 0;
    }
  }
}

Status Socket::write_tls(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t sent = 0;
    switch (tls_->write(bytes, sent)) {
      case Tls::Step::kDone:
        bytes.remove_prefix(sent);
        break;
      case Tls::Step::kWantRead:
        TARN_TRY(wait_to_send(POLLIN));
        break;
      case Tls::Step::kWantWrite:
        TARN_TRY(wait_to_send(POLLOUT));
        break;
      case Tls::Step::kPlainHttp:
      case Tls::Step::kEnd:
        return fail(Code::kUnavailable, "the client closed the connection");
    }
  }
  return {};
}

Socket::Now Socket::read_now(std::span<char> out, size_t& got) {
  if (tls_) return read_now_tls(out, got);
  for (;;) {
    ssize_t n = ::recv(fd_, out.data(), out.size(), 0);
    if (n > 0) {
      got = static_cast<size_t>(n);
      return Now::kBytes;
    }
    if (n == 0) return Now::kEnd;
    if (would_block(errno)) return Now::kNothing;
    if (errno != EINTR) return Now::kEnd;
  }
}

Result<size_t> Socket::read(std::span<char> out, Duration timeout) {
  if (tls_) return read_tls(out, timeout);
  for (;;) {
    ssize_t n = ::recv(fd_, out.data(), out.size(), 0);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EINTR) continue;
    if (!would_block(errno)) return fail(connection_error("read from the client", errno));
    TARN_TRY(wait_for(POLLIN, timeout));
  }
}

Status Socket::write(std::initializer_list<std::string_view> pieces) {
  if (tls_) {
    size_t all = 0;
    for (std::string_view piece : pieces) all += piece.size();
    if (all <= kTlsTogetherBytes) {
      std::string together;
      together.reserve(all);
      for (std::string_view piece : pieces) together += piece;
      return write_tls(together);
    }
    for (std::string_view piece : pieces) TARN_TRY(write_tls(piece));
    return {};
  }
  std::array<iovec, kPiecesMax> parts{};
  TARN_CHECK(pieces.size() <= parts.size());
  size_t count = 0;
  for (std::string_view piece : pieces)
    if (!piece.empty()) parts[count++] = {const_cast<char*>(piece.data()), piece.size()};
  for (std::span<iovec> left(parts.data(), count); !left.empty();) {
    msghdr message{};
    message.msg_iov = left.data();
    message.msg_iovlen = left.size();
    ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (!would_block(errno)) return fail(connection_error("write to the client", errno));
      TARN_TRY(wait_to_send(POLLOUT));
      continue;
    }
    size_t sent = static_cast<size_t>(n);
    while (!left.empty() && sent >= left.front().iov_len) {
      sent -= left.front().iov_len;
      left = left.subspan(1);
    }
    if (!left.empty())
      left.front() = {static_cast<char*>(left.front().iov_base) + sent, left.front().iov_len - sent};
  }
  return {};
}

Status Socket::send_file(int file, uint64_t offset, uint64_t length) {
  std::vector<char> buffer(tls_ ? std::min<uint64_t>(length, kTlsFileBytes) : 0);
  off_t at = static_cast<off_t>(offset);
  while (length > 0) {
    ssize_t n = 0;
    if (tls_) {
      n = ::pread(file, buffer.data(), std::min<uint64_t>(length, buffer.size()), at);
      if (n > 0) {
        TARN_TRY(write_tls({buffer.data(), static_cast<size_t>(n)}));
        at += n;
      }
    } else {
      n = ::sendfile(fd_, file, &at, std::min<uint64_t>(length, kSendFileBytesMax));
    }
    if (n == 0) return fail(Code::kCorrupt, "the file to send ends before it should");
    if (n > 0) {
      length -= static_cast<uint64_t>(n);
    } else if (would_block(errno)) {
      TARN_TRY(wait_to_send(POLLOUT));
    } else if (errno != EINTR) {
      return fail(connection_error("send a file to the client", errno));
    }
  }
  return {};
}

void Socket::write_now(std::string_view bytes) {
  if (tls_) {
    size_t ignored = 0;
    (void)tls_->write(bytes, ignored);
    return;
  }
  [[maybe_unused]] ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool Socket::wait_readable(Duration timeout) const {
  if (holds_bytes()) return true;
  return poll_one(fd_, POLLIN, timeout) != 0;
}

bool Socket::peer_closed() const {
  pollfd item{fd_, POLLRDHUP, 0};
  return ::poll(&item, 1, 0) > 0 && (item.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void Socket::half_close() {
  if (tls_) tls_->say_goodbye();
  ::shutdown(fd_, SHUT_WR);
}

void Socket::hang_up() {
  ::shutdown(fd_, SHUT_RDWR);
}

void Socket::reset_on_close() {
  linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace tarn::http
