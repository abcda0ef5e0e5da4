#include "access/private_file.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

namespace tarn::access {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> failure(std::string_view operation, const fs::path& path, int error_number) {
  return fail(errno_error(fmt::format("{} {}", operation, path.native()), error_number));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status write_all(int fd, const fs::path& path, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failure("write", path, written < 0 ? errno : EIO);
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(fd) != 0) return failure("sync", path, errno);
  return {};
}

}  // namespace

Status write_private_file(const fs::path& path, std::string_view text) {
  fs::path temporary = path;
  temporary += ".new";
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) return failure("remove", temporary, errno);
  auto written = [&]() -> Status {
    // O_EXCL: nobody can have put a file or a link there that others may read.
    Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd.get() < 0) return failure("create", temporary, errno);
    TARN_TRY(write_all(fd.get(), temporary, text));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return failure("rename", temporary, errno);
    return {};
  }();
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  fs::path folder = path.parent_path();
  return FileSystem::real().sync_folder(folder.empty() ? fs::path(".") : folder);
}

Result<std::string> read_private_file(const fs::path& path) {
  // O_NONBLOCK: a pipe of that name must not hold us up.
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return failure("open", path, errno);
  struct stat st = {};
  if (::fstat(fd.get(), &st) != 0) return failure("stat", path, errno);
  if (!S_ISREG(st.st_mode)) return fail(Code::kInvalid, fmt::format("{}: not a file", path.native()));
  if ((st.st_mode & 077) != 0) {
    return fail(Code::kDenied,
                fmt::format("{}: other users can use this file (mode {:04o}): run chmod 600 {}",
                            path.native(), st.st_mode & 07777, path.native()));
  }
  std::string text(kPrivateFileBytesMax + 1, '\0');
  size_t have = 0;
  while (have < text.size()) {
    ssize_t n = ::read(fd.get(), text.data() + have, text.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("read", path, errno);
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  if (have > kPrivateFileBytesMax)
    return fail(Code::kTooLarge,
                fmt::format("{}: larger than {} bytes", path.native(), kPrivateFileBytesMax));
  text.resize(have);
  return text;
}

}  // namespace tarn::access
