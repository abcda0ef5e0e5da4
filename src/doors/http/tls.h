// TLS for the server's sockets: the certificate, and one connection's state, over OpenSSL.
//
// Reads and writes never block; the socket waits in poll() as it does for plain bytes, and the handshake happens
// in the first reads, on the I/O thread, under the head's time limit. The certificate's files are looked at again
// when they change, so that a renewed one is served without a restart.
// Owns: the context; a Tls owns its session, not the descriptor.
// Threads: TlsContext any; a Tls one at a time.
// Fails: open: kInvalid with what is wrong with the files. A renewed certificate that can't be read is logged and
// the one before stays.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/thread.h"
#include "base/time.h"

struct ssl_st;
struct ssl_ctx_st;

namespace tarn::http {

class Tls {
 public:
  enum class Step { kDone, kWantRead, kWantWrite, kEnd, kPlainHttp };
  Step read(std::span<char> out, size_t& got);
  Step write(std::string_view bytes, size_t& sent);
  bool pending() const;  // decrypted bytes wait to be read
  void say_goodbye();    // close_notify

 private:
  friend class TlsContext;
  struct Free {
    void operator()(ssl_st* session) const;
  };
  explicit Tls(ssl_st* session) : session_(session) {}
  Step failed(int code);
  std::unique_ptr<ssl_st, Free> session_;
};

class TlsContext {
 public:
  static Result<std::unique_ptr<TlsContext>> open(const std::string& certificate, const std::string& key);
  ~TlsContext();
  std::unique_ptr<Tls> accept(int descriptor);  // null when there is no memory

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  using Context = std::unique_ptr<ssl_ctx_st, Free>;
  TlsContext(std::string certificate, std::string key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}
  Result<Context> load() const;
  void reload_if_changed() TARN_REQUIRES(mu_);
  std::filesystem::file_time_type changed() const;

  const std::string certificate_;
  const std::string key_;
  Mutex mu_;
  Context context_ TARN_GUARDED_BY(mu_);
  std::filesystem::file_time_type loaded_ TARN_GUARDED_BY(mu_);
  std::chrono::steady_clock::time_point looked_ TARN_GUARDED_BY(mu_);
};

}  // namespace tarn::http
