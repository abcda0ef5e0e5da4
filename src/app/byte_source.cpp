#include "app/byte_source.h"

#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

namespace tarn::app {
namespace {

constexpr size_t kPieceBytes = 1 << 20;
constexpr int kAnyZlibHeader = 15 + 32;  // gzip or zlib, the largest window

using Piece = std::function<Status(std::string_view)>;

std::unexpected<Error> damaged(const std::string& path, std::string_view reason) {
  return fail(Code::kCorrupt, fmt::format("{}: the compressed data is damaged: {}", path, reason));
}

// Takes compressed bytes and gives plain ones.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual Status feed(std::string_view bytes, const Piece& piece) = 0;
  virtual Status finish() = 0;  // kCorrupt when the last member is not whole
};

class Plain : public Decoder {
 public:
  Status feed(std::string_view bytes, const Piece& piece) override { return piece(bytes); }
  Status finish() override { return {}; }
};

class Gzip : public Decoder {
 public:
  explicit Gzip(std::string path) : path_(std::move(path)), out_(kPieceBytes) {
    inflateInit2(&stream_, kAnyZlibHeader);
  }
  ~Gzip() override { inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  Status feed(std::string_view bytes, const Piece& piece) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    while (stream_.avail_in > 0) {
      if (ended_) inflateReset(&stream_);  // members may follow one another, as `cat a.gz b.gz` makes them
      ended_ = false;
      int code = Z_OK;
      do {
        stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
        stream_.avail_out = static_cast<uInt>(out_.size());
        code = inflate(&stream_, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
          return damaged(path_, stream_.msg != nullptr ? stream_.msg : "not gzip");
        }
        TARN_TRY(piece(std::string_view(out_.data(), out_.size() - stream_.avail_out)));
        ended_ = code == Z_STREAM_END;
      } while (!ended_ && stream_.avail_out == 0);
      if (code == Z_BUF_ERROR) break;
    }
    return {};
  }
  Status finish() override {
    if (!ended_) return damaged(path_, "it ends too early");
    return {};
  }

 private:
  std::string path_;
  std::vector<char> out_;
  z_stream stream_{};
  bool ended_ = false;
};

class Zstd : public Decoder {
 public:
  explicit Zstd(std::string path) : path_(std::move(path)), out_(kPieceBytes) {}

  Status feed(std::string_view bytes, const Piece& piece) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    bool full = false;
    while (in.pos < in.size || full) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      left_ = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(left_) != 0) return damaged(path_, ZSTD_getErrorName(left_));
      full = out.pos == out.size;
      TARN_TRY(piece(std::string_view(out_.data(), out.pos)));
    }
    return {};
  }
  Status finish() override {
    if (left_ != 0) return damaged(path_, "it ends too early");
    return {};
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::string path_;
  std::vector<char> out_;
  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
  size_t left_ = 1;
};

class FileSource : public ByteSource {
 public:
  FileSource(int descriptor, bool owned, std::string path, uint64_t total)
      : descriptor_(descriptor), owned_(owned), path_(std::move(path)), total_(total) {}
  ~FileSource() override {
    if (owned_) ::close(descriptor_);
  }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  Status read(const Piece& piece) override {
    std::vector<char> buffer(kPieceBytes);
    std::unique_ptr<Decoder> decoder;
    std::string head;  // until four bytes are there, which tell the compression
    for (;;) {
      ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(errno_error("read " + path_, errno));
      consumed_ += static_cast<uint64_t>(got);
      if (decoder) {
        if (got == 0) return decoder->finish();
        TARN_TRY(decoder->feed(std::string_view(buffer.data(), static_cast<size_t>(got)), piece));
        continue;
      }
      head.append(buffer.data(), static_cast<size_t>(got));
      if (head.size() < 4 && got > 0) continue;
      decoder = decoder_for(head);
      TARN_TRY(decoder->feed(head, piece));
      if (got == 0) return decoder->finish();
    }
  }
  uint64_t total() const override { return total_; }
  uint64_t consumed() const override { return consumed_; }

 private:
  std::unique_ptr<Decoder> decoder_for(std::string_view head) const {
    if (head.starts_with("\x1f\x8b")) return std::make_unique<Gzip>(path_);
    if (head.starts_with("\x28\xb5\x2f\xfd")) return std::make_unique<Zstd>(path_);
    return std::make_unique<Plain>();
  }

  int descriptor_;
  bool owned_;
  std::string path_;
  uint64_t total_;
  std::atomic<uint64_t> consumed_ = 0;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> ByteSource::open(const std::string& path) {
  if (path == "-") return std::make_unique<FileSource>(STDIN_FILENO, false, "standard input", 0);
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail(errno_error("open " + path, errno));
  struct stat info{};
  bool regular = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
  if (S_ISDIR(info.st_mode)) {
    ::close(descriptor);
    return fail(Code::kInvalid, path + " is a folder; name the files in it");
  }
  uint64_t total = regular ? static_cast<uint64_t>(info.st_size) : 0;
  return std::make_unique<FileSource>(descriptor, true, path, total);
}

}  // namespace tarn::app
