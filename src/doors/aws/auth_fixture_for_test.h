// The fixture of the tests of authenticate(): a key, a clock, requests that are signed and then changed.
//
// Owns: all of it.
// Threads: one.
#pragma once

#include <gtest/gtest.h>

#include "doors/aws/auth_for_test.h"

namespace tarn::aws::testing_auth {

class Auth : public testing::Test {
 protected:
  std::expected<Authenticated, Refusal> ask(SentRequest& request, bool s3 = true) {
    AuthOptions options{.identities = keys_, .clock = clock_, .region = region_, .payload_bytes_max = 1000};
    options.keys = &signing_keys_;
    return authenticate(request, s3, options);
  }
  Refusal refusal(SentRequest request, bool s3 = true) {
    auto who = ask(request, s3);
    if (who) ADD_FAILURE() << request.verb << " " << request.raw_target << " was taken";
    return who ? Refusal{} : std::move(who).error();
  }
  Problem problem(const SentRequest& request, bool s3 = true) { return refusal(request, s3).problem; }

  static std::string field(const Refusal& refusal, std::string_view name) {
    for (const auto& [key, value] : refusal.fields)
      if (key == name) return value;
    return "";
  }
  static SentRequest get() {
    SentRequest request;
    request.raw_target = "/bucket/key";
    request.fields = {{"Host", "localhost:9700"}, {"User-Agent", "test"}};
    return request;
  }
  SentRequest signed_get() {
    SentRequest request = get();
    signer_.sign(request);
    return request;
  }
  SentRequest signed_url(const std::string& expires = "600") {
    SentRequest request = get();
    signer_.presign(request, expires);
    return request;
  }
  static void replace(std::string& text, std::string_view what, std::string_view by) {
    size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos) << what << " in " << text;
    text.replace(at, what.size(), by);
  }
  static SentRequest changed_header(SentRequest request, std::string_view what, std::string_view by) {
    std::string header(request.header("authorization").value_or(""));
    replace(header, what, by);
    request.set("Authorization", header);
    return request;
  }
  static SentRequest changed_url(SentRequest request, std::string_view what, std::string_view by) {
    replace(request.raw_target, what, by);
    return request;
  }
  static std::string text_of(Authenticated& who) {
    std::string out(100, '\0');
    auto got = who.payload->read(out);
    out.resize(got.value_or(0));
    return out;
  }

  KnownKeys keys_;
  ManualClock clock_{kNow};
  std::string region_;
  SigningKeys signing_keys_;
  Signer signer_;
};

}  // namespace tarn::aws::testing_auth
