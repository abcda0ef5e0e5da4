// aws-chunked: <hex size>[;chunk-signature=…]\r\n <bytes>\r\n … 0[;chunk-signature=…]\r\n [trailers] \r\n
//
// The decoder works in the caller's buffer: what comes is read into it, and the framing is taken out where it
// stands. Only a line that a read cut in two is kept aside.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "access/sealed.h"
#include "doors/aws/payload.h"

namespace tarn::aws {

namespace {

constexpr size_t kEmptyLinesAtEndMax = 4;
constexpr std::string_view kSignatureField = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

class ChunkedPayload final : public CheckedPayload {
 public:
  ChunkedPayload(http::Request& request, Chunked chunked) : request_(request), chunked_(std::move(chunked)) {
    if (chunked_.signing) previous_ = chunked_.signing->seed;
  }
  std::optional<uint64_t> length() const override { return chunked_.decoded_length; }

  Result<size_t> read(std::span<char> out) override {
    if (failed()) return again();
    while (state_ != State::kDone && !out.empty()) {
      auto got = request_.read(out);
      if (!got) return broken(std::move(got).error());
      if (*got == 0) {
        TARN_TRY(ended());
        break;
      }
      TARN_ASSIGN(size_t decoded, decode(out.first(*got)));
      // Nothing but framing is to come: with the last bytes it has been checked.
      if (total_ == chunked_.decoded_length) TARN_TRY(read_rest());
      if (decoded > 0) return decoded;
    }
    return 0;
  }

 private:
  enum class State {
    kHead,     // the line before a chunk
    kData,     // its bytes
    kDataEnd,  // the line's end after them
    kTrailer,  // lines after the last chunk, up to an empty one
    kEnd,      // nothing but empty lines
    kDone
  };

  // Takes the framing out of `bytes`; so many at their beginning are data.
  Result<size_t> decode(std::span<char> bytes) {
    size_t in = 0;
    size_t out = 0;
    while (in < bytes.size()) {
      if (state_ != State::kData) {
        TARN_ASSIGN(size_t used, take_line({bytes.data() + in, bytes.size() - in}));
        in += used;
        continue;
      }
      size_t n = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size() - in));
      if (in != out) std::memmove(bytes.data() + out, bytes.data() + in, n);
      if (chunked_.signing) sha_.update(bytes.subspan(out, n));
      in += n;
      out += n;
      left_ -= n;
      total_ += n;
      if (left_ == 0) state_ = State::kDataEnd;
    }
    return out;
  }

  Status read_rest() {
    std::array<char, 512> space;
    while (state_ != State::kDone) {
      auto got = request_.read(space);
      if (!got) return broken(std::move(got).error());
      if (*got == 0) return ended();
      TARN_TRY(decode(std::span(space).first(*got)));  // no data: head() refuses more than was announced
    }
    return {};
  }

  size_t line_bytes_max() const {
    if (state_ == State::kHead) return kChunkLineBytesMax;
    return state_ == State::kTrailer ? kTrailerBytesMax : 2;
  }

  // A line, or as much of it as there is. Gives how much of `text` belongs to it.
  Result<size_t> take_line(std::string_view text) {
    size_t end = text.find('\n');
    bool whole = end != std::string_view::npos;
    size_t used = whole ? end + 1 : text.size();
    if (line_.size() + used > line_bytes_max()) return too_long();
    if (!whole) {
      line_ += text;
      return used;
    }
    std::string_view line = text.substr(0, used);
    if (!line_.empty()) {
      line_ += line;
      line = line_;
    }
    line.remove_suffix(1);
    bool with_return = line.ends_with('\r');
    if (with_return) line.remove_suffix(1);
    TARN_TRY(on_line(line, with_return));
    line_.clear();
    return used;
  }

  std::unexpected<Error> too_long() {
    switch (state_) {
      case State::kDataEnd:
        return wrong(Problem::kFraming, "a chunk is longer than its size says");
      case State::kEnd:
        return wrong(Problem::kFraming, "the body goes on after its last chunk");
      default:
        return wrong(Problem::kFraming,
                     fmt::format("a line of the aws-chunked body has more than {} bytes", line_bytes_max()));
    }
  }

  Status on_line(std::string_view line, bool with_return) {
    switch (state_) {
      case State::kHead:
        if (!with_return) return wrong(Problem::kFraming, "the line before a chunk doesn't end in CR LF");
        return head(line);
      case State::kDataEnd:
        if (!with_return || !line.empty()) return too_long();
        TARN_TRY(check_chunk());
        state_ = State::kHead;
        return {};
      case State::kTrailer:
        return trailer_line(line);
      default:
        if (!line.empty() || ++empty_lines_ > kEmptyLinesAtEndMax) return too_long();
        return {};
    }
  }

  Status head(std::string_view line) {
    std::string_view digits = line.substr(0, line.find(';'));
    uint64_t size = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
    if (error != std::errc() || end != digits.data() + digits.size())
      return wrong(Problem::kFraming, "a chunk doesn't begin with its size in hexadecimal digits");
    if (chunked_.signing) TARN_TRY(take_signature(line.substr(digits.size())));
    if (chunked_.decoded_length && size > *chunked_.decoded_length - total_)
      return wrong(Problem::kShort, fmt::format("the chunks have more than the {} bytes that "
                                                "x-amz-decoded-content-length announces",
                                                *chunked_.decoded_length));
    left_ = size;
    state_ = State::kData;
    if (size > 0) return {};
    TARN_TRY(check_chunk());
    if (chunked_.decoded_length && total_ != *chunked_.decoded_length)
      return wrong(Problem::kShort,
                   fmt::format("the chunks have {} bytes; x-amz-decoded-content-length announces {}", total_,
                               *chunked_.decoded_length));
    state_ = State::kTrailer;
    return {};
  }

  Status take_signature(std::string_view extensions) {
    signature_.clear();
    while (!extensions.empty()) {
      extensions.remove_prefix(1);  // the semicolon
      std::string_view item = extensions.substr(0, extensions.find(';'));
      extensions.remove_prefix(item.size());
      item = trimmed(item);
      if (!item.starts_with(kSignatureField)) continue;
      if (!signature_.empty()) return wrong(Problem::kFraming, "a chunk has two signatures");
      signature_ = item.substr(kSignatureField.size());
    }
    if (signature_.empty()) return wrong(Problem::kFraming, "a chunk has no signature");
    sha_.restart();
    return {};
  }

  Status check_chunk() {
    if (!chunked_.signing) return {};
    const ChunkSigning& s = *chunked_.signing;
    return check_signature(chunk_to_sign(s.time, s.scope, previous_, sha_.hex()), signature_, "a chunk");
  }

  Status check_signature(const std::string& to_sign, const std::string& given, std::string_view whose) {
    std::string right = signature_v4(chunked_.signing->key, to_sign);
    if (access::equal_in_constant_time(right, given)) {
      previous_ = std::move(right);
      return {};
    }
    actual_ = given;
    return wrong(Problem::kChunkSignature, fmt::format("the signature of {} is wrong", whose));
  }

  bool awaits_signature() const {
    return chunked_.signing && chunked_.signing->with_trailer && !trailer_signature_;
  }

  Status trailer_line(std::string_view line) {
    trailer_bytes_ += line.size() + 1;
    if (trailer_bytes_ > kTrailerBytesMax) return too_long();
    // Between the trailing headers and their signature some clients leave a line empty.
    if (line.empty()) return awaits_signature() ? Status() : end_trailer();
    size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0)
      return wrong(Problem::kFraming, "a trailing header has no name");
    std::string name = lower_case(trimmed(line.substr(0, colon)));
    std::string value(trimmed(line.substr(colon + 1)));
    if (name == kTrailerSignature && chunked_.signing) {
      if (trailer_signature_) return wrong(Problem::kFraming, "the trailer has two signatures");
      trailer_signature_ = std::move(value);
      return {};
    }
    if (trailer_signature_)
      return wrong(Problem::kFraming, "a trailing header follows the trailer's signature");
    if (std::ranges::find(trailers_, name, &http::Header::name) != trailers_.end())
      return wrong(Problem::kTrailer, fmt::format("the trailing header {} came twice", name));
    if (std::ranges::find(chunked_.announced, name) == chunked_.announced.end())
      return wrong(Problem::kTrailer,
                   fmt::format("the trailing header {} was not announced in x-amz-trailer", name));
    trailers_.push_back({.name = std::move(name), .value = std::move(value)});
    return {};
  }

  Status end_trailer() {
    state_ = State::kEnd;
    std::string to_hash;
    for (const http::Header& h : trailers_) to_hash += h.name + ":" + h.value + "\n";
    for (const std::string& name : chunked_.announced) {
      if (std::ranges::find(trailers_, name, &http::Header::name) == trailers_.end())
        return wrong(Problem::kTrailer,
                     fmt::format("the trailing header {} was announced and did not come", name));
    }
    if (!chunked_.signing || !chunked_.signing->with_trailer) return {};
    const ChunkSigning& s = *chunked_.signing;
    return check_signature(trailer_to_sign(s.time, s.scope, previous_, sha256_hex(to_hash)),
                           trailer_signature_.value_or(""), "the trailer");
  }

  // The request has no more bytes. Some clients leave out the last line's end.
  Status ended() {
    if (state_ == State::kHead || state_ == State::kData || state_ == State::kDataEnd)
      return wrong(Problem::kShort, "the aws-chunked body ended before its last chunk");
    if (state_ == State::kTrailer) {
      if (line_.ends_with('\r')) line_.pop_back();
      if (!line_.empty()) TARN_TRY(trailer_line(std::string(std::exchange(line_, {}))));
      if (state_ == State::kTrailer) TARN_TRY(end_trailer());
    }
    if (!line_.empty() && line_ != "\r") return too_long();
    state_ = State::kDone;
    return {};
  }

  http::Request& request_;
  const Chunked chunked_;
  State state_ = State::kHead;
  std::string line_;    // as far as it came
  uint64_t left_ = 0;   // of the chunk
  uint64_t total_ = 0;  // decoded
  size_t trailer_bytes_ = 0;
  size_t empty_lines_ = 0;
  Sha256 sha_;             // of the chunk
  std::string signature_;  // of the chunk, as it was given
  std::string previous_;   // the signature before it
  std::optional<std::string> trailer_signature_;
};

}  // namespace

std::unique_ptr<Payload> chunked_payload(http::Request& request, Chunked chunked) {
  return std::make_unique<ChunkedPayload>(request, std::move(chunked));
}

}  // namespace tarn::aws
