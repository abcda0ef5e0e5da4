#include "doors/http/tls.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "doors/http/server.h"

namespace tarn::http {
namespace {

template <auto Free>
struct Freed {
  void operator()(auto* thing) const { Free(thing); }
};

// A self-signed certificate and its key, in two files of a directory that goes with it.
class Certificate {
 public:
  Certificate() {
    std::string name = testing::TempDir() + "tarn_tls_XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>> key(EVP_EC_gen("P-256"));
    std::unique_ptr<X509, Freed<X509_free>> made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    EXPECT_GT(X509_sign(made.get(), key.get(), EVP_sha256()), 0);
    std::unique_ptr<std::FILE, Freed<std::fclose>> to(std::fopen(certificate().c_str(), "w"));
    EXPECT_EQ(PEM_write_X509(to.get(), made.get()), 1);
    to.reset(std::fopen(this->key().c_str(), "w"));
    EXPECT_EQ(PEM_write_PrivateKey(to.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  std::string certificate() const { return directory_ / "certificate.pem"; }
  std::string key() const { return directory_ / "key.pem"; }

 private:
  std::filesystem::path directory_;
};

// Speaks TLS without a look at the certificate. Nothing waits longer than 10 s.
class TlsClient {
 public:
  explicit TlsClient(uint16_t port)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)),
        context_(SSL_CTX_new(TLS_client_method())),
        session_(SSL_new(context_.get())) {
    timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    SSL_set_fd(session_.get(), fd_);
    EXPECT_EQ(SSL_connect(session_.get()), 1);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  ~TlsClient() { ::close(fd_); }

  // Up to 16 KiB travel as one record.
  bool send(std::string_view bytes) {
    return SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
           static_cast<int>(bytes.size());
  }
  // What comes until it ends so; less when it doesn't.
  std::string read_until(std::string_view end) {
    std::string out;
    char piece[4096];
    while (!out.ends_with(end)) {
      int n = SSL_read(session_.get(), piece, sizeof piece);
      if (n <= 0) break;
      out.append(piece, static_cast<size_t>(n));
    }
    return out;
  }

 private:
  int fd_;
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Freed<SSL_free>> session_;
};

// The second request is taken out of the descriptor with the first one's record, so that no event tells of it.
TEST(TlsServer, AnswersARequestThatCameInTheRecordOfTheOneBefore) {
  Certificate certificate;
  Options options;
  options.port = 0;
  options.workers = 1;  // none is idle, so the connection goes back to the I/O thread after each request
  options.tls_certificate = certificate.certificate();
  options.tls_key = certificate.key();
  Metrics metrics;
  auto server = Server::listen(
      options,
      [](Request& request, Responder& responder) {
        char piece[5000];
        while (request.read(piece).value_or(0) > 0) continue;
        (void)responder.send(200, {}, "answer to " + std::string(request.path()));
      },
      metrics);
  ASSERT_TRUE(server) << server.error().message;
  constexpr std::string_view kSecond = "GET /second HTTP/1.1\r\nHost: h\r\n\r\n";
  // The first 8 KiB are read for the head: the second one begins after them, or is cut by their end.
  for (size_t first_size : {12'000, 8'192 - 10}) {
    std::string first = "POST /first HTTP/1.1\r\nHost: h\r\nContent-Length: ";
    size_t body = first_size - first.size() - std::string_view("1234\r\n\r\n").size();
    if (body >= 10'000) --body;
    first += std::to_string(body) + "\r\n\r\n" + std::string(body, 'x');
    ASSERT_EQ(first.size(), first_size);
    TlsClient client((*server)->port());
    ASSERT_TRUE(client.send(first + std::string(kSecond)));
    std::string answers = client.read_until("answer to /second");
    EXPECT_TRUE(answers.contains("answer to /first")) << answers;
    EXPECT_TRUE(answers.ends_with("answer to /second")) << answers;
  }
}

}  // namespace
}  // namespace tarn::http
