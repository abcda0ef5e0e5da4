#include "doors/http/socket.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace tarn::http {

namespace {

constexpr size_t kPiecesMax = 4;

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

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Socket::Now Socket::read_now(std::span<char> out, size_t& got) {
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
  for (;;) {
    ssize_t n = ::recv(fd_, out.data(), out.size(), 0);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EINTR) continue;
    if (!would_block(errno)) return fail(connection_error("read from the client", errno));
    if (poll_one(fd_, POLLIN, timeout) == 0)
      return fail(Code::kTimeout, "the client sent nothing for " + to_string(timeout));
  }
}

Status Socket::write(std::initializer_list<std::string_view> pieces, Duration timeout) {
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
      if (poll_one(fd_, POLLOUT, timeout) == 0)
        return fail(Code::kTimeout, "the client read nothing for " + to_string(timeout));
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

void Socket::write_now(std::string_view bytes) {
  [[maybe_unused]] ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool Socket::wait_readable(Duration timeout) const {
  return poll_one(fd_, POLLIN, timeout) != 0;
}

bool Socket::peer_closed() const {
  pollfd item{fd_, POLLRDHUP, 0};
  return ::poll(&item, 1, 0) > 0 && (item.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void Socket::half_close() {
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
