// The native API's door: who is taken, which status the others get, and whose body is read.
#include "doors/aws/native_auth.h"

#include <gtest/gtest.h>

#include "access/base64.h"
#include "doors/aws/auth_for_test.h"

namespace tarn::aws {
namespace {

using namespace testing_auth;

class NativeAuth : public testing::Test {
 protected:
  std::expected<http::Caller, http::Unknown> ask(SentRequest& request) { return authenticate_(request); }
  int status(SentRequest request) {
    auto caller = ask(request);
    return caller ? 200 : caller.error().status;
  }
  static SentRequest post(std::string body = "{\"a\": 1}") {
    SentRequest request;
    request.verb = "POST";
    request.raw_target = "/v1/streams/a%2Fb/records?key=x";
    request.fields = {{"Host", "localhost:9700"}, {"Content-Type", "application/json"}};
    request.body = std::move(body);
    return request;
  }
  SentRequest signed_post() {
    SentRequest request = post();
    signer_.sign(request);
    return request;
  }
  static SentRequest basic(std::string_view secret) {
    SentRequest request = post();
    request.set("Authorization", "Basic " + access::base64(secret));
    return request;
  }
  static std::string text_of(http::Request& request) {
    std::string out(100, '\0');
    out.resize(request.read(out).value_or(0));
    return out;
  }

  NativeAuth() { signer_.scope.service = "tarn"; }

  KnownKeys keys_;
  ManualClock clock_{kNow};
  http::Authenticate authenticate_ = native_authentication(keys_, clock_);
  Signer signer_;
};

TEST_F(NativeAuth, ASignedRequestIsReadAsItWasSigned) {
  SentRequest request = signed_post();
  auto caller = ask(request);
  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->principal.name, kKeyId);
  ASSERT_TRUE(caller->request);
  http::Request& verified = *caller->request;
  EXPECT_EQ(verified.method(), "POST");
  EXPECT_EQ(verified.target(), request.target());
  EXPECT_EQ(verified.path(), request.path());
  EXPECT_EQ(verified.query("key"), "x");
  EXPECT_EQ(verified.header("content-type"), "application/json");
  EXPECT_EQ(verified.headers().size(), request.fields.size());
  EXPECT_EQ(verified.content_length(), request.body.size());
  EXPECT_EQ(verified.remote(), request.peer);
  EXPECT_FALSE(verified.secure());
  EXPECT_EQ(text_of(verified), request.body);
  EXPECT_EQ(text_of(verified), "");
}

TEST_F(NativeAuth, AnyServiceMayBeNamedInTheScope) {
  for (std::string service : {"tarn", "execute-api", "s3"}) {
    signer_.scope.service = service;
    SentRequest request = signed_post();
    EXPECT_TRUE(ask(request)) << service;
    SentRequest url = post("");
    signer_.presign(url, "600", sha256_hex(""));
    EXPECT_TRUE(ask(url)) << service;
  }
}

TEST_F(NativeAuth, AnUnsignedPayloadMayBeLong) {
  SentRequest request = post(std::string(17 << 20, 'x'));
  signer_.sign(request);
  EXPECT_EQ(status(request), 400);
  signer_.sign(request, std::string(kUnsignedPayload));
  auto caller = ask(request);
  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(text_of(*caller->request).size(), 100u);
}

TEST_F(NativeAuth, ChangedRequestsAreRefused) {
  const SentRequest good = signed_post();
  SentRequest changed = good;
  changed.body += " ";
  EXPECT_EQ(status(changed), 401);
  changed = good;
  changed.verb = "DELETE";
  EXPECT_EQ(status(changed), 401);
  changed = good;
  changed.raw_target += "&force=true";
  EXPECT_EQ(status(changed), 401);
  changed = good;
  changed.raw_target = "/v1/streams/a%2Fc/records?key=x";
  EXPECT_EQ(status(changed), 401);
  changed = good;
  changed.set("Content-Type", "text/csv");
  EXPECT_EQ(status(changed), 401);
  clock_.advance(std::chrono::minutes(16));
  EXPECT_EQ(status(good), 401);
}

TEST_F(NativeAuth, SecretsAreTakenFromThisMachineAndOverTls) {
  SentRequest request = basic("alice:pass:word");
  EXPECT_EQ(status(request), 403);
  request.over_tls = true;
  EXPECT_EQ(status(request), 200);
  request.over_tls = false;
  request.peer = "127.0.0.1:5000";
  auto caller = ask(request);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->principal.name, "alice");
  EXPECT_FALSE(caller->request) << "nothing was signed: the request itself is read";
  EXPECT_EQ(text_of(request), request.body);
  SentRequest wrong = basic("alice:other");
  wrong.peer = request.peer;
  EXPECT_EQ(status(wrong), 401);
  SentRequest bearer = post();
  bearer.peer = request.peer;
  bearer.set("Authorization", "Bearer " + std::string(kKeyId) + "." + std::string(kSecret));
  EXPECT_EQ(status(bearer), 200);
}

TEST_F(NativeAuth, NobodyIsToldWhatToSend) {
  SentRequest request = post();
  auto caller = ask(request);
  ASSERT_FALSE(caller);
  EXPECT_EQ(caller.error().status, 401);
  EXPECT_NE(caller.error().message.find("tarn env"), std::string::npos);
  // An anonymous principal counts from its first policy on.
  keys_.let_anybody_in = true;
  EXPECT_EQ(status(request), 401);
  keys_.anybodys_policies.push_back(nullptr);
  EXPECT_EQ(status(request), 200);
}

TEST_F(NativeAuth, WhatIsNoSignatureIsTheClientsMistake) {
  for (std::string_view header :
       {"AWS4-HMAC-SHA256 x", "AWS key:signature", "AWS4-ECDSA-P256-SHA256 x", "Digest x"}) {
    SentRequest request = post();
    request.set("Authorization", std::string(header));
    EXPECT_EQ(status(request), 400) << header;
  }
}

}  // namespace
}  // namespace tarn::aws
