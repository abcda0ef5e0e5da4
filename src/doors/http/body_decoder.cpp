#include "doors/http/body_decoder.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"

namespace tarn::http {

namespace {

constexpr size_t kInputBytes = 64 * 1024;
constexpr int kGzipWindow = 15 + 16;  // zlib's way to say: the largest window, gzip's header

class Identity : public BodyDecoder {
 public:
  Identity(Source source, const DecodeLimits& limits) : BodyDecoder(std::move(source), limits) {}

 private:
  Result<size_t> decode(std::span<char> out) override { return pull(out); }
};

class Gzip : public BodyDecoder {
 public:
  Gzip(Source source, const DecodeLimits& limits)
      : BodyDecoder(std::move(source), limits), input_(kInputBytes) {}
  ~Gzip() override { ::inflateEnd(&stream_); }
  Status open() {
    if (::inflateInit2(&stream_, kGzipWindow) != Z_OK)
      return fail(Code::kBusy, "no memory to decompress the body");
    return {};
  }

 private:
  Result<size_t> decode(std::span<char> out) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min<size_t>(out.size(), 1u << 30));
    const uInt space = stream_.avail_out;
    while (stream_.avail_out == space) {
      if (stream_.avail_in == 0) {
        TARN_ASSIGN(size_t got, pull(input_));
        if (got == 0) {
          if (in_member_) return fail(Code::kInvalid, "the gzip body ends too early: it was cut off");
          return 0;
        }
        stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
        stream_.avail_in = static_cast<uInt>(got);
      }
      in_member_ = true;
      int code = ::inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {
        in_member_ = false;
        ::inflateReset(&stream_);
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return fail(Code::kInvalid,
                    fmt::format("the body is no gzip: {}", stream_.msg ? stream_.msg : "bad data"));
      }
    }
    return space - stream_.avail_out;
  }

  z_stream stream_{};
  std::vector<char> input_;
  bool in_member_ = true;  // an empty body is no gzip
};

class Zstd : public BodyDecoder {
 public:
  Zstd(Source source, const DecodeLimits& limits)
      : BodyDecoder(std::move(source), limits), stream_(::ZSTD_createDStream()), input_(kInputBytes) {}
  Status open() {
    if (!stream_) return fail(Code::kBusy, "no memory to decompress the body");
    ::ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, static_cast<int>(limits().window_log_max));
    return {};
  }

 private:
  Result<size_t> decode(std::span<char> out) override {
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    while (to.pos == 0) {
      // After output that filled `out` the decoder may hold more without new input, so it is asked first.
      if (from_.pos == from_.size && !more_inside_) {
        TARN_ASSIGN(size_t got, pull(input_));
        if (got == 0) {
          if (in_frame_) return fail(Code::kInvalid, "the zstd body ends too early: it was cut off");
          return 0;
        }
        from_ = {input_.data(), got, 0};
      }
      size_t code = ::ZSTD_decompressStream(stream_.get(), &to, &from_);
      if (::ZSTD_isError(code))
        return fail(Code::kInvalid, fmt::format("the body is no zstd: {}", ::ZSTD_getErrorName(code)));
      in_frame_ = code != 0;
      more_inside_ = in_frame_ && to.pos == to.size;
    }
    return to.pos;
  }

  struct Free {
    void operator()(ZSTD_DStream* s) const { ::ZSTD_freeDStream(s); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  std::vector<char> input_;
  ZSTD_inBuffer from_{nullptr, 0, 0};
  bool in_frame_ = true;
  bool more_inside_ = false;
};

template <typename Decoder>
Result<std::unique_ptr<BodyDecoder>> opened(Source source, const DecodeLimits& limits) {
  auto decoder = std::make_unique<Decoder>(std::move(source), limits);
  TARN_TRY(decoder->open());
  return decoder;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

Result<std::unique_ptr<BodyDecoder>> BodyDecoder::make(std::optional<std::string_view> encoding,
                                                       Source source, const DecodeLimits& limits) {
  std::string name = lower(encoding.value_or("identity"));
  if (name.empty() || name == "identity") return std::make_unique<Identity>(std::move(source), limits);
  if (name == "gzip" || name == "x-gzip") return opened<Gzip>(std::move(source), limits);
  if (name == "zstd") return opened<Zstd>(std::move(source), limits);
  return fail(Code::kUnsupported,
              fmt::format("the content encoding '{}' is not known: send gzip, zstd or identity", name));
}

Result<size_t> BodyDecoder::pull(std::span<char> out) {
  TARN_ASSIGN(size_t got, source_(out));
  encoded_bytes_ += got;
  if (encoded_bytes_ > limits_.encoded_bytes_max)
    return fail(Code::kTooLarge, fmt::format("the body is over {}: send it in pieces",
                                             format_bytes(limits_.encoded_bytes_max)));
  return got;
}

Result<size_t> BodyDecoder::read(std::span<char> out) {
  TARN_ASSIGN(size_t got, decode(out));
  decoded_bytes_ += got;
  if (decoded_bytes_ > limits_.decoded_bytes_max)
    return fail(Code::kTooLarge, fmt::format("the body is over {} when it is decompressed: send it in pieces",
                                             format_bytes(limits_.decoded_bytes_max)));
  if (decoded_bytes_ > limits_.ratio_from_bytes && decoded_bytes_ / limits_.ratio_max > encoded_bytes_)
    return fail(Code::kTooLarge,
                fmt::format("the body is over {} times larger when it is decompressed: that is no "
                            "data, or send it in pieces below {}",
                            limits_.ratio_max, format_bytes(limits_.ratio_from_bytes)));
  return got;
}

}  // namespace tarn::http
