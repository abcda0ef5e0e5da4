// A small HTTP client for tests, which can also misbehave: it sends exactly the bytes that it is given.
//
// Owns: one socket.
// Threads: one thread.
// Fails: reading stops with what has come: Reply::whole is false. Nothing waits longer than 20 s.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace tarn::http {

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool whole = false;
};

class TestClient {
 public:
  explicit TestClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  ~TestClient() { ::close(fd_); }

  bool connected() const { return connected_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  // True when the server closes the connection without another byte.
  bool closed() { return buffer_.empty() && !more(); }

  // The next answer; also a 100 is one, without a body.
  Reply read(bool head_only = false) {
    Reply out;
    if (!read_head(out)) return out;
    if (head_only || out.status == 204 || out.status == 100) {
      out.whole = true;
    } else if (out.headers.contains("content-length")) {
      size_t size = std::stoull(out.headers["content-length"]);
      while (buffer_.size() < size && more()) continue;
      out.whole = buffer_.size() >= size;
      out.body = take(std::min(size, buffer_.size()));
    } else if (out.headers["transfer-encoding"] == "chunked") {
      out.whole = read_chunks(out.body);
    } else {
      while (more()) continue;
      out.body = take(buffer_.size());
      out.whole = !reset_;
    }
    return out;
  }

  Reply ask(std::string_view request) {
    send(request);
    return read(request.starts_with("HEAD"));
  }
  Reply get(std::string_view target) {
    return ask("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  Reply post(std::string_view target, std::string_view body, std::string_view headers = {},
             std::string_view method = "POST") {
    return ask(std::string(method) + " " + std::string(target) +
               " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
               std::string(headers) + "\r\n" + std::string(body));
  }

 private:
  bool more() {
    char piece[16 * 1024];
    ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
    reset_ = n < 0;
    if (n <= 0) return false;
    buffer_.append(piece, static_cast<size_t>(n));
    return true;
  }
  std::string take(size_t size) {
    std::string out = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return out;
  }
  bool read_line(std::string& out) {
    size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos)
      if (!more()) return false;
    out = take(end);
    buffer_.erase(0, 2);
    return true;
  }
  bool read_head(Reply& out) {
    std::string line;
    if (!read_line(line) || line.size() < 12) return false;
    std::from_chars(line.data() + 9, line.data() + 12, out.status);
    while (read_line(line)) {
      if (line.empty()) return true;
      size_t colon = line.find(": ");
      std::string name = line.substr(0, colon);
      std::ranges::transform(name, name.begin(),
                             [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      out.headers[name] = line.substr(colon + 2);
    }
    return false;
  }
  bool read_chunks(std::string& body) {
    std::string line;
    while (read_line(line)) {
      size_t size = 0;
      std::from_chars(line.data(), line.data() + line.size(), size, 16);
      while (buffer_.size() < size + 2)
        if (!more()) return false;
      body += take(size);
      buffer_.erase(0, 2);
      if (size == 0) return true;
    }
    return false;
  }

  int fd_;
  bool connected_ = false;
  bool reset_ = false;
  std::string buffer_;
};

}  // namespace tarn::http
