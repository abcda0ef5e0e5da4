#include "doors/http/connection.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <ctime>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <fmt/format.h>

#include "doors/http/url.h"

namespace tarn::http {

namespace beast = boost::beast;

namespace {

constexpr size_t kHeadReadBytes = 8 * 1024;
constexpr size_t kChunkedReadBytes = 64 * 1024;
constexpr uint64_t kSkipBytesMax = 1024 * 1024;  // of a body that nobody read; past it the connection ends

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

std::string date_now() {
  time_t now = ::time(nullptr);
  tm parts{};
  ::gmtime_r(&now, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                     kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

Connection::Connection(int fd, std::unique_ptr<Tls> tls, std::string remote, const Options& options,
                       Count& count)
    : socket_(fd, std::move(tls),
              Pace("the client takes the answer", options.io_timeout, options.bytes_per_second_min)),
      remote_(std::move(remote)),
      options_(options),
      count_(count) {
  ++count_.open;
  count_.gauge.add(1);
  next_request();
}

Connection::~Connection() {
  --count_.open;
  count_.gauge.add(-1);
}

void Connection::next_request() {
  parser_.emplace();
  parser_->header_limit(options_.head_bytes_max);
  parser_->body_limit(boost::none);
  begun_ = false;
  if (begin_ == end_) begin_ = end_ = 0;
}

std::span<char> Connection::room(size_t bytes) {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + bytes) buffer_.resize(end_ + bytes);
  return {buffer_.data() + end_, buffer_.size() - end_};
}

Connection::Head Connection::bad(Head head, std::string problem) {
  problem_ = std::move(problem);
  return head;
}

Connection::Head Connection::parse_head() {
  // Empty lines before a request are skipped, as RFC 9112 2.2 asks.
  while (!begun_ && begin_ < end_ && (buffer_[begin_] == '\r' || buffer_[begin_] == '\n')) ++begin_;
  if (begin_ == end_) return Head::kMore;
  begun_ = true;
  beast::error_code error;
  begin_ += parser_->put(boost::asio::const_buffer(buffer_.data() + begin_, end_ - begin_), error);
  if (error == beast::http::error::header_limit)
    return bad(Head::kTooLarge, fmt::format("the request's head is over {} bytes", options_.head_bytes_max));
  if (error && error != beast::http::error::need_more)
    return bad(Head::kBad, fmt::format("this is no HTTP/1.1 request: {}", error.message()));
  return parser_->is_header_done() ? head_done() : Head::kMore;
}

Connection::Head Connection::head_done() {
  const auto& fields = parser_->get();
  if (auto coding = fields.find(beast::http::field::transfer_encoding); coding != fields.end()) {
    // A coding that is not understood would leave the body to be read as the next request.
    if (!same_word(view(coding->value()), "chunked"))
      return bad(Head::kUnsupported, "the only transfer coding that is understood is chunked");
  }
  if (parser_->get().version() >= 11 && fields.count(beast::http::field::host) != 1)
    return bad(Head::kBad, "a request needs one Host header");
  return Head::kReady;
}

Connection::Head Connection::read_head() {
  for (;;) {
    std::span<char> space = room(kHeadReadBytes);
    size_t got = 0;
    switch (socket_.read_now(space, got)) {
      case Socket::Now::kNothing:
        return Head::kMore;
      case Socket::Now::kEnd:
        return Head::kClosed;
      case Socket::Now::kBytes:
        break;
    }
    end_ += got;
    Head head = parse_head();
    if (head != Head::kMore || got < space.size()) return head;
  }
}

Exchange::Exchange(Connection& connection, const Options& options, bool closing)
    : connection_(connection),
      options_(options),
      parser_(*connection.parser_),
      body_pace_("the body comes", options.io_timeout, options.bytes_per_second_min) {
  Target target = split_target(this->target());
  query_ = target.query;
  auto decoded = percent_decode(target.path);
  path_ = decoded ? *std::move(decoded) : std::string(target.path);
  keep_ = parser_.keep_alive() && !closing;
  if (parser_.chunked()) {
    parser_.eager(true);
  } else {
    body_left_ = content_length().value_or(0);
    body_done_ = body_left_ == 0;
  }
  auto expect = header("Expect");
  expects_continue_ =
      expect && same_word(*expect, "100-continue") && parser_.get().version() >= 11 && !body_done_;
}

std::string_view Exchange::method() const {
  return view(parser_.get().method_string());
}
std::string_view Exchange::target() const {
  return view(parser_.get().target());
}

std::optional<std::string> Exchange::query(std::string_view name) const {
  return query_value(query_, name);
}

std::optional<std::string_view> Exchange::header(std::string_view name) const {
  const auto& fields = parser_.get();
  auto found = fields.find(beast::string_view(name.data(), name.size()));
  if (found == fields.end()) return std::nullopt;
  return view(found->value());
}

std::vector<std::pair<std::string_view, std::string_view>> Exchange::headers() const {
  std::vector<std::pair<std::string_view, std::string_view>> all;
  for (const auto& field : parser_.get()) all.emplace_back(view(field.name_string()), view(field.value()));
  return all;
}

std::optional<uint64_t> Exchange::content_length() const {
  auto length = parser_.content_length();
  return length ? std::optional<uint64_t>(*length) : std::nullopt;
}

Result<size_t> Exchange::read(std::span<char> out) {
  if (body_done_ || out.empty()) return 0;
  if (body_broken_) return fail(Code::kUnavailable, "the request's body can't be read any further");
  if (expects_continue_) {
    expects_continue_ = false;
    if (connection_.buffered().empty())
      TARN_TRY(connection_.socket_.write({"HTTP/1.1 100 Continue\r\n\r\n"}));
  }
  auto got = parser_.chunked() ? read_chunked(out) : read_sized(out);
  if (!got) {
    body_broken_ = true;
  } else {
    body_read_ += *got;
  }
  return got;
}

Result<size_t> Exchange::wait_for_bytes(std::span<char> out) {
  if (skipping_) return bytes_here(out);
  auto before = std::chrono::steady_clock::now();
  TARN_ASSIGN(size_t got, connection_.socket_.read(out, options_.io_timeout));
  if (got == 0) return 0;
  body_came_ += got;
  TARN_TRY(body_pace_.waited(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - before),
                             body_came_));
  return got;
}

Result<size_t> Exchange::bytes_here(std::span<char> out) {
  size_t got = 0;
  if (connection_.socket_.read_now(out, got) == Socket::Now::kNothing)
    return fail(Code::kTimeout, "the rest of the body has not come yet");
  skipped_ += got;  // as they come: tiny chunks with long heads count too
  if (skipped_ > kSkipBytesMax) return fail(Code::kTooLarge, "the body that nobody read is too long to skip");
  return got;
}

// A client that waits for 100 may or may not send its body.
bool Exchange::skippable() const {
  return !expects_continue_ && !body_broken_ && (parser_.chunked() || body_left_ <= kSkipBytesMax);
}

// False when there is more to come. Waiting for that would let a client hold the worker by dripping a body that
// nobody asked for; the I/O thread drains it for a short time instead.
bool Exchange::skip_body() {
  skipping_ = true;
  std::vector<char> waste(body_done_ ? 0 : kChunkedReadBytes);
  while (!body_done_)
    if (!read(waste)) return false;
  return true;
}

Result<size_t> Exchange::read_sized(std::span<char> out) {
  size_t wanted = static_cast<size_t>(std::min<uint64_t>(out.size(), body_left_));
  size_t got = std::min(wanted, connection_.buffered().size());
  if (got > 0) {
    std::memcpy(out.data(), connection_.buffered().data(), got);
    connection_.begin_ += got;
  } else {
    TARN_ASSIGN(got, wait_for_bytes(out.first(wanted)));
    if (got == 0)
      return fail(Code::kUnavailable,
                  fmt::format("the client closed the connection after {} of {} bytes of the body", body_read_,
                              body_read_ + body_left_));
  }
  body_left_ -= got;
  body_done_ = body_left_ == 0;
  return got;
}

Result<size_t> Exchange::read_chunked(std::span<char> out) {
  auto& body = parser_.get().body();
  for (;;) {
    body.data = out.data();
    body.size = out.size();
    body.more = true;
    std::string_view bytes = connection_.buffered();
    beast::error_code error;
    size_t used =
        bytes.empty() ? 0 : parser_.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    connection_.begin_ += used;
    size_t got = out.size() - body.size;
    body_done_ = parser_.is_done();
    if (got > 0 || body_done_) return got;
    if (error && error != beast::http::error::need_more && error != beast::http::error::need_buffer)
      return fail(Code::kInvalid,
                  fmt::format("the chunked body is broken after {} bytes: {}", body_read_, error.message()));
    if (used > 0 && !connection_.buffered().empty()) continue;
    if (connection_.buffered().size() >= kChunkedReadBytes)
      return fail(Code::kInvalid, "a chunk's header or the trailer of the body is too long");
    std::span<char> space = connection_.room(kChunkedReadBytes);
    TARN_ASSIGN(size_t more, wait_for_bytes(space));
    if (more == 0)
      return fail(
          Code::kUnavailable,
          fmt::format("the client closed the connection after {} bytes of a chunked body", body_read_));
    connection_.end_ += more;
  }
}

Status Exchange::head(int status, const std::vector<Header>& headers, std::optional<uint64_t> length,
                      std::string& out) {
  if (status_ != 0) return fail(Code::kInternal, "the request was answered already");
  status_ = status;
  // What can't be skipped would be read as the next request.
  if (!skippable()) keep_ = false;
  bool old = parser_.get().version() < 11;
  bool bodyless = status == 204 || status == 304;
  chunked_answer_ = !length && !old && !bodyless;
  if (!length && old) keep_ = false;
  auto reason = view(beast::http::obsolete_reason(static_cast<beast::http::status>(status)));
  out = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", status, reason, date_now());
  for (const Header& h : headers) {
    out += h.name;
    out += ": ";
    for (char c : h.value) out += c == '\r' || c == '\n' ? ' ' : c;
    out += "\r\n";
  }
  if (length && !bodyless) out += fmt::format("Content-Length: {}\r\n", *length);
  if (chunked_answer_) out += "Transfer-Encoding: chunked\r\n";
  if (!keep_) out += "Connection: close\r\n";
  if (keep_ && old) out += "Connection: keep-alive\r\n";
  out += "\r\n";
  return {};
}

Status Exchange::send(int status, std::vector<Header> headers, std::string_view body) {
  // Before the head, so that it can tell the client that the connection ends.
  if (status_ == 0 && keep_ && skippable()) keep_ = skip_body();
  std::string text;
  TARN_TRY(head(status, headers, body.size(), text));
  answer_done_ = true;
  if (method() == "HEAD" || status == 204 || status == 304) body = {};
  auto sent = connection_.socket_.write({text, body});
  write_failed_ = !sent;
  return sent;
}

Status Exchange::begin(int status, std::vector<Header> headers) {
  std::string text;
  TARN_TRY(head(status, headers, std::nullopt, text));
  auto sent = connection_.socket_.write({text});
  write_failed_ = !sent;
  return sent;
}

Status Exchange::begin_sized(int status, std::vector<Header> headers, uint64_t length) {
  std::string text;
  TARN_TRY(head(status, headers, length, text));
  answer_left_ = length;
  auto sent = connection_.socket_.write({text});
  write_failed_ = !sent;
  return sent;
}

Status Exchange::take_from_length(uint64_t bytes) {
  if (!answer_left_) return {};
  if (bytes > *answer_left_)
    return fail(Code::kInternal, "more bytes are written than the answer's head announced");
  *answer_left_ -= bytes;
  return {};
}

Status Exchange::send_file(int descriptor, uint64_t offset, uint64_t length) {
  if (status_ == 0 || answer_done_ || chunked_answer_)
    return fail(Code::kInternal, "send_file() outside of begin_sized() and end()");
  if (write_failed_) return fail(Code::kUnavailable, "the client closed the connection");
  TARN_TRY(take_from_length(length));
  if (method() == "HEAD") return {};
  auto sent = connection_.socket_.send_file(descriptor, offset, length);
  write_failed_ = !sent;
  return sent;
}

Status Exchange::write(std::string_view bytes) {
  if (status_ == 0 || answer_done_) return fail(Code::kInternal, "write() outside of begin() and end()");
  if (write_failed_) return fail(Code::kUnavailable, "the client closed the connection");
  TARN_TRY(take_from_length(bytes.size()));
  if (bytes.empty() || method() == "HEAD") return {};
  Status sent;
  if (chunked_answer_) {
    sent = connection_.socket_.write({fmt::format("{:x}\r\n", bytes.size()), bytes, "\r\n"});
  } else {
    sent = connection_.socket_.write({bytes});
  }
  write_failed_ = !sent;
  return sent;
}

Status Exchange::end() {
  if (status_ == 0 || answer_done_) return fail(Code::kInternal, "end() without begin()");
  if (write_failed_) return fail(Code::kUnavailable, "the client closed the connection");
  if (answer_left_.value_or(0) > 0 && method() != "HEAD")
    return fail(Code::kInternal, "fewer bytes were written than the answer's head announced");
  answer_done_ = true;
  if (!chunked_answer_ || method() == "HEAD") return {};
  auto sent = connection_.socket_.write({"0\r\n\r\n"});
  write_failed_ = !sent;
  return sent;
}

Exchange::After Exchange::finish() {
  if (status_ == 0) {
    std::string_view text = R"({"error":{"code":"internal","message":"the request was not answered"}})";
    (void)send(500, {{"Content-Type", "application/json"}}, text);
  }
  if (write_failed_) return After::kCut;
  if (!answer_done_) {
    // Without chunks the end of the connection is the end of the answer: only a reset shows that it isn't
    // whole.
    if (!chunked_answer_) connection_.socket_.reset_on_close();
    return After::kCut;
  }
  if (!keep_) return After::kDrain;
  return skip_body() ? After::kKeep : After::kDrain;
}

}  // namespace tarn::http
