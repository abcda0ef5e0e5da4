#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "doors/http/server.h"
#include "doors/http/test_client.h"

namespace tarn::http {
namespace {

class SendFile : public testing::Test {
 protected:
  uint16_t start(Handler handler) {
    Options options;
    options.port = 0;
    auto server = Server::listen(options, std::move(handler), metrics_);
    EXPECT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
    return server_->port();
  }

  Metrics metrics_;
  std::unique_ptr<Server> server_;
};

// 1 MB in a file without a name.
class TemporaryBytes {
 public:
  TemporaryBytes() : file_(std::tmpfile()) {
    for (size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<char>(i * 31 + i / 256);
    EXPECT_EQ(std::fwrite(bytes_.data(), 1, bytes_.size(), file_), bytes_.size());
    std::fflush(file_);
  }
  ~TemporaryBytes() { std::fclose(file_); }
  TemporaryBytes(const TemporaryBytes&) = delete;
  TemporaryBytes& operator=(const TemporaryBytes&) = delete;
  int descriptor() const { return ::fileno(file_); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::FILE* file_;
  std::string bytes_ = std::string(1'000'000, '\0');
};

TEST_F(SendFile, SendsFilesWithALengthAndKeepsTheConnection) {
  TemporaryBytes file;
  TestClient client(start([&](Request&, Responder& responder) {
    ASSERT_TRUE(responder.begin_sized(206, {{"X-Part", "yes"}}, 900'007));
    ASSERT_TRUE(responder.write("before "));
    ASSERT_TRUE(responder.send_file(file.descriptor(), 100'000, 900'000));
    ASSERT_TRUE(responder.end());
  }));
  for (int i = 0; i < 2; ++i) {
    Reply reply = client.get("/f");
    EXPECT_EQ(reply.status, 206);
    EXPECT_EQ(reply.headers["content-length"], "900007");
    EXPECT_TRUE(reply.body == "before " + file.bytes().substr(100'000));
  }
  ASSERT_TRUE(client.send("HEAD /f HTTP/1.1\r\nHost: x\r\n\r\n"));
  Reply head = client.read(true);
  EXPECT_EQ(head.headers["content-length"], "900007");
  EXPECT_EQ(client.get("/f").status, 206) << "nothing followed the head";
}

TEST_F(SendFile, CutsAnAnswerThatIsShorterThanItAnnounced) {
  TemporaryBytes file;
  uint16_t port = start([&](Request& request, Responder& responder) {
    ASSERT_TRUE(responder.begin_sized(200, {}, 10));
    ASSERT_TRUE(responder.write("12345"));
    if (request.path() == "/end") {
      EXPECT_FALSE(responder.end());
    }
    if (request.path() == "/more") {
      EXPECT_FALSE(responder.write("123456"));
    }
    if (request.path() == "/file") {
      EXPECT_FALSE(responder.send_file(file.descriptor(), 999'998, 5));
    }
  });
  for (const char* path : {"/", "/end", "/more", "/file"})
    EXPECT_FALSE(TestClient(port).get(path).whole) << path;
}

// sendfile(2) on a connection that is gone raises SIGPIPE, which would end the program.
TEST_F(SendFile, OutlivesAClientThatGoesAwayInTheMiddle) {
  TemporaryBytes file;
  std::atomic<int> failed = 0;
  uint16_t port = start([&](Request&, Responder& responder) {
    ASSERT_TRUE(responder.begin_sized(200, {}, 1ull << 40));
    while (responder.send_file(file.descriptor(), 0, file.bytes().size())) continue;
    ++failed;
  });
  for (int i = 1; i <= 3; ++i) {
    {
      TestClient client(port);
      ASSERT_TRUE(client.send("GET /f HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    while (failed < i) std::this_thread::yield();
  }
}

}  // namespace
}  // namespace tarn::http
