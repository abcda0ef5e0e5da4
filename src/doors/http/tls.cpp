#include "doors/http/tls.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/logging.h"

namespace tarn::http {

namespace {

constexpr Duration kLookEvery = std::chrono::seconds(10);

std::string openssl_error() {
  unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

}  // namespace

void Tls::Free::operator()(ssl_st* session) const {
  SSL_free(session);
}

Tls::Step Tls::failed(int code) {
  switch (SSL_get_error(session_.get(), code)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Step::kWantWrite;
    default: {
      bool plain = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
      ERR_clear_error();
      return plain ? Step::kPlainHttp : Step::kEnd;
    }
  }
}

Tls::Step Tls::read(std::span<char> out, size_t& got) {
  ERR_clear_error();
  int code = SSL_read_ex(session_.get(), out.data(), out.size(), &got);
  return code == 1 ? Step::kDone : failed(code);
}

Tls::Step Tls::write(std::string_view bytes, size_t& sent) {
  ERR_clear_error();
  int code = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &sent);
  return code == 1 ? Step::kDone : failed(code);
}

bool Tls::pending() const {
  return SSL_has_pending(session_.get()) == 1;
}

void Tls::say_goodbye() {
  ERR_clear_error();
  if (SSL_is_init_finished(session_.get()) == 1) SSL_shutdown(session_.get());
  ERR_clear_error();
}

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::open(const std::string& certificate, const std::string& key) {
  std::unique_ptr<TlsContext> made(new TlsContext(certificate, key));
  TARN_ASSIGN(Context context, made->load());
  Lock lock(made->mu_);
  made->context_ = std::move(context);
  made->loaded_ = made->changed();
  made->looked_ = std::chrono::steady_clock::now();
  return made;
}

Result<TlsContext::Context> TlsContext::load() const {
  Context context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail(Code::kInternal, "TLS: " + openssl_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_.c_str()) != 1)
    return fail(Code::kInvalid, fmt::format("tls.certificate: {} is no readable PEM certificate: {}",
                                            certificate_, openssl_error()));
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(
        Code::kInvalid,
        fmt::format("tls.key: {} is no readable PEM key without a passphrase, or not the key of {}: {}", key_,
                    certificate_, openssl_error()));
  return context;
}

std::filesystem::file_time_type TlsContext::changed() const {
  std::error_code ignored;
  return std::max(std::filesystem::last_write_time(certificate_, ignored),
                  std::filesystem::last_write_time(key_, ignored));
}

void TlsContext::reload_if_changed() {
  auto now = std::chrono::steady_clock::now();
  if (now - looked_ < kLookEvery) return;
  looked_ = now;
  auto at = changed();
  if (at == loaded_) return;
  auto renewed = load();
  if (!renewed) {
    TARN_LOG(warn, "the certificate before is served on: {}", renewed.error().message);
    return;
  }
  context_ = *std::move(renewed);
  loaded_ = at;
  TARN_LOG(info, "the renewed certificate {} is served from now on", certificate_);
}

std::unique_ptr<Tls> TlsContext::accept(int descriptor) {
  Lock lock(mu_);
  reload_if_changed();
  std::unique_ptr<Tls> tls(new Tls(SSL_new(context_.get())));
  if (!tls->session_ || SSL_set_fd(tls->session_.get(), descriptor) != 1) return nullptr;
  SSL_set_accept_state(tls->session_.get());
  return tls;
}

}  // namespace tarn::http
