// Sends prepared HTTP requests over kept connections as fast as the answers come, and says how long it took.
//
//   http_replay HOST PORT CONNECTIONS FILE
//
// FILE holds requests one after the other, each after a line with its head's and its body's length in decimal; a
// body's length of "=" repeats the body before, so that a thousand requests with one body don't need a thousand
// copies. Prints one line of JSON: requests, seconds, bytes sent and received, statuses, latencies in milliseconds.
// What is measured is the server: requests are signed before, bodies of answers are read and dropped.

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

struct Request {
  std::string_view head;
  std::string_view body;
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "http_replay: %s\n", why.c_str());
  std::exit(1);
}

std::vector<Request> parse(std::string_view text) {
  std::vector<Request> requests;
  std::string_view last;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    size_t space = line.find(' ');
    if (end == std::string_view::npos || space == std::string_view::npos)
      give_up("the file of requests is broken");
    size_t head = std::strtoull(std::string(line.substr(0, space)).c_str(), nullptr, 10);
    bool same = line.substr(space + 1) == "=";
    size_t body = same ? 0 : std::strtoull(std::string(line.substr(space + 1)).c_str(), nullptr, 10);
    text.remove_prefix(end + 1);
    if (!same) last = text.substr(head, body);
    requests.push_back({text.substr(0, head), last});
    text.remove_prefix(head + body);
  }
  return requests;
}

int connect_to(const char* host, int port) {
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  ::inet_pton(AF_INET, host, &address.sin_addr);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) give_up("can't connect");
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

struct Answer {
  int status = 0;
  uint64_t bytes = 0;
};

class Lane {
 public:
  Lane(const char* host, int port) : host_(host), port_(port), buffer_(256 * 1024) {}
  ~Lane() {
    if (fd_ >= 0) ::close(fd_);
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  Answer run(const Request& request) {
    if (fd_ < 0) fd_ = connect_to(host_, port_);
    send(request);
    Answer answer = receive();
    if (last_) {  // a server that takes one request a connection
      ::close(fd_);
      fd_ = -1;
      begin_ = end_ = 0;
      last_ = false;
    }
    return answer;
  }

 private:
  void send(const Request& request) {
    iovec pieces[2] = {{const_cast<char*>(request.head.data()), request.head.size()},
                       {const_cast<char*>(request.body.data()), request.body.size()}};
    size_t first = 0;
    while (first < 2) {
      msghdr message{};
      message.msg_iov = pieces + first;
      message.msg_iovlen = 2 - first;
      ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
      if (n <= 0) give_up("the server closed the connection");
      size_t sent = static_cast<size_t>(n);
      while (first < 2 && sent >= pieces[first].iov_len) sent -= pieces[first++].iov_len;
      if (first < 2) {
        pieces[first].iov_base = static_cast<char*>(pieces[first].iov_base) + sent;
        pieces[first].iov_len -= sent;
      }
    }
  }

  void more() {
    if (begin_ == end_) begin_ = end_ = 0;
    ssize_t n = ::recv(fd_, buffer_.data() + end_, buffer_.size() - end_, 0);
    if (n <= 0) give_up("the server closed the connection");
    end_ += static_cast<size_t>(n);
  }

  std::string_view buffered() const { return {buffer_.data() + begin_, end_ - begin_}; }

  Answer receive() {
    size_t head_end = std::string_view::npos;
    while ((head_end = buffered().find("\r\n\r\n")) == std::string_view::npos) more();
    std::string head(buffered().substr(0, head_end + 4));
    begin_ += head.size();
    Answer answer{std::atoi(head.c_str() + 9), 0};
    for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    last_ = head.starts_with("http/1.0") || head.find("\r\nconnection: close") != std::string::npos;
    size_t at = head.find("\r\ncontent-length:");
    if (head.find("\r\ntransfer-encoding: chunked") != std::string::npos) return chunks(answer);
    uint64_t left = at == std::string::npos ? 0 : std::strtoull(head.c_str() + at + 17, nullptr, 10);
    answer.bytes = left;
    while (left > 0) {
      if (begin_ == end_) more();
      size_t take = std::min<uint64_t>(left, end_ - begin_);
      begin_ += take;
      left -= take;
    }
    return answer;
  }

  Answer chunks(Answer answer) {
    for (;;) {
      size_t end = 0;
      while ((end = buffered().find("\r\n")) == std::string_view::npos) more();
      uint64_t size = std::strtoull(std::string(buffered().substr(0, end)).c_str(), nullptr, 16);
      begin_ += end + 2;
      answer.bytes += size;
      for (uint64_t left = size + 2; left > 0;) {
        if (begin_ == end_) more();
        size_t take = std::min<uint64_t>(left, end_ - begin_);
        begin_ += take;
        left -= take;
      }
      if (size == 0) return answer;
    }
  }

  const char* host_;
  const int port_;
  int fd_ = -1;
  bool last_ = false;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

struct Totals {
  std::mutex mu;
  std::map<int, uint64_t> statuses;
  std::vector<double> milliseconds;
  uint64_t received = 0;
};

void replay(const char* host, int port, const std::vector<Request>& requests, std::atomic<size_t>& next,
            Totals& totals) {
  Lane lane(host, port);
  std::map<int, uint64_t> statuses;
  std::vector<double> milliseconds;
  uint64_t received = 0;
  for (size_t i = next++; i < requests.size(); i = next++) {
    auto began = Clock::now();
    Answer answer = lane.run(requests[i]);
    milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
    ++statuses[answer.status];
    received += answer.bytes;
  }
  std::lock_guard lock(totals.mu);
  for (auto [status, count] : statuses) totals.statuses[status] += count;
  totals.milliseconds.insert(totals.milliseconds.end(), milliseconds.begin(), milliseconds.end());
  totals.received += received;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) give_up("usage: http_replay HOST PORT CONNECTIONS FILE");
  std::ifstream file(argv[4], std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::vector<Request> requests = parse(text);
  uint64_t sent = 0;
  for (const Request& request : requests) sent += request.head.size() + request.body.size();
  std::atomic<size_t> next = 0;
  Totals totals;
  auto began = Clock::now();
  std::vector<std::thread> lanes;
  for (int i = 0; i < std::atoi(argv[3]); ++i)
    lanes.emplace_back([&] { replay(argv[1], std::atoi(argv[2]), requests, next, totals); });
  for (std::thread& lane : lanes) lane.join();
  double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  std::sort(totals.milliseconds.begin(), totals.milliseconds.end());
  auto quantile = [&](double q) {
    return totals.milliseconds.empty() ? 0.0
                                       : totals.milliseconds[static_cast<size_t>(
                                             q * static_cast<double>(totals.milliseconds.size() - 1))];
  };
  std::printf(
      "{\"requests\": %zu, \"seconds\": %.6f, \"sent\": %llu, \"received\": %llu, \"p50_ms\": %.3f, "
      "\"p99_ms\": %.3f, \"statuses\": {",
      requests.size(), seconds, static_cast<unsigned long long>(sent),
      static_cast<unsigned long long>(totals.received), quantile(0.5), quantile(0.99));
  const char* separator = "";
  for (auto [status, count] : totals.statuses) {
    std::printf("%s\"%d\": %llu", separator, status, static_cast<unsigned long long>(count));
    separator = ", ";
  }
  std::printf("}}\n");
}
