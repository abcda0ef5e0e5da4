// Whole S3 requests without a server: target, headers and body go through dispatch(), and come back as the answer
// that the client would see.
//
// Owns: as object_world_for_test.h.
// Threads: the test's.
// Fails: the constructor throws, which gtest reports.
#pragma once

#include "access/base64.h"
#include "doors/aws/s3/object_world_for_test.h"

namespace tarn::aws::s3 {

class BodyRequest final : public FakeRequest {
 public:
  BodyRequest(std::string method, std::string target, Headers headers, std::string body)
      : FakeRequest(std::move(method), std::move(target), std::move(headers)), body_(std::move(body)) {}
  std::optional<uint64_t> content_length() const override { return body_.size(); }
  Result<size_t> read(std::span<char> out) override {
    size_t n = std::min(out.size(), body_.size() - at_);
    std::memcpy(out.data(), body_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string body_;
  size_t at_ = 0;
};

class DoorWorld : public ObjectWorld {
 protected:
  DoorWorld() {
    root_key_ = identities_->take_new_root_key().value();
    root_login_ = login(root_key_.key.id, root_key_.secret);
  }

  static std::string login(const std::string& name, const std::string& secret) {
    return "Basic " + access::base64(name + ":" + secret);
  }
  // A user with one policy of these statements, and how it comes.
  std::string new_user(const std::string& name, const std::string& statements) {
    access::User user;
    user.name = name;
    user.inline_policies.push_back(
        {"p", "{\"Version\": \"2012-10-17\", \"Statement\": [" + statements + "]}"});
    identities_->create_user(user).value();
    auto key = identities_->create_key(name, "").value();
    return login(key.key.id, key.secret);
  }

  // As root, unless `as` is another login, or "" for nobody.
  Told ask(const std::string& method, const std::string& target, const std::string& body = "",
           Headers headers = {}, const std::optional<std::string>& as = std::nullopt) {
    std::string authorization = as.value_or(root_login_);
    if (!authorization.empty()) headers.emplace_back("Authorization", authorization);
    if (std::ranges::find(headers, "Host", [](const auto& h) { return h.first; }) == headers.end()) {
      headers.emplace_back("Host", "localhost:9700");
    }
    BodyRequest request(method, target, std::move(headers), body);
    FakeResponder responder(method == "HEAD");
    dispatch(*s3_, request, responder);
    Told told = responder.told;
    auto root = parse_xml(told.body, "Error");
    if (told.status >= 300 && root) {
      told.code = root->value("Code");
      told.message = root->value("Message");
      for (const XmlNode& child : root->children) told.fields[child.name] = child.text;
    }
    return told;
  }
  XmlNode ask_xml(const std::string& target, const std::string& root) {
    Told told = ask("GET", target);
    EXPECT_EQ(told.status, 200) << target << " " << told.body;
    auto node = parse_xml(told.body, root);
    EXPECT_TRUE(node) << told.body;
    return node ? *node : XmlNode();
  }
  // Values of one element of each child with that name: "Contents", "Key".
  static std::string texts(const XmlNode& node, const std::string& child, const std::string& element) {
    std::string out;
    for (const XmlNode* one : node.all(child)) out += (out.empty() ? "" : " ") + one->value(element);
    return out;
  }
  void fill(std::initializer_list<const char*> keys) {
    for (const char* key : keys) ASSERT_EQ(put(key, "x").status, 200) << key;
  }

  access::NewAccessKey root_key_;
  std::string root_login_;
};

}  // namespace tarn::aws::s3
