// The native API on a real server, over fake streams, a fake engine and a real catalog in a folder of its
// own.
//
// Owns: all of it.
// Threads: the test's.
// Fails: the constructor throws, which gtest reports.
#pragma once

#include <filesystem>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "base/id.h"
#include "doors/http/fake_parts_for_test.h"
#include "doors/http/native_api.h"
#include "doors/http/test_client.h"
#include "meta/metastore.h"
#include "store/store.h"

namespace tarn::http {

class NativeApi : public testing::Test {
 protected:
  NativeApi() : folder_(std::filesystem::temp_directory_path() / ("tarn-http-" + uuid_v4())) {
    std::filesystem::create_directories(folder_);
    metastore_ = meta::open_sqlite(folder_ / "meta.db").value();
    store_ = store::open_directory_store(folder_ / "store").value();
    catalog_ = lake::Catalog::open(*metastore_, *store_, "lake").value();
    database_ = duck::Database::open({{"threads", "1"}}).value();
    sealer_ = access::Sealer::open(folder_ / "secret.key").value();
    identities_ = access::Identities::open(*metastore_, *sealer_, Clock::system()).value();
    secrets_ = access::Secrets::open(*metastore_, *sealer_, Clock::system()).value();
    objects_ = store::Objects::open({folder_ / "blobs", *metastore_, Clock::system(), metrics_, {}}).value();
    engine_ = std::make_unique<FakeEngine>(*database_, folder_);
    limits_.frame_bytes = 1000;
    limits_.record_bytes_max = 5000;
    limits_.batch_bytes_max = 20'000;
    limits_.body_bytes_max = 1'000'000;
    limits_.decoded_bytes_max = 2'000'000;
    limits_.busy_wait = Duration(0);
    flow::StreamSpec spec;
    spec.name = "events";
    spec.deliver.table = {"raw", "events"};
    EXPECT_TRUE(streams_.put(spec));
  }
  ~NativeApi() override {
    server_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // Starts the server when it is first needed, so that a test can change the limits before.
  uint16_t port() {
    if (!server_) {
      Options options;
      options.port = 0;
      options.workers = 4;
      ApiParts parts{streams_,
                     *catalog_,
                     *engine_,
                     metrics_,
                     *database_,
                     guard_,
                     *identities_,
                     *secrets_,
                     *sealer_,
                     *objects_,
                     [this](Request&) -> std::expected<Caller, Unknown> {
                       if (unknown_) return std::unexpected(*unknown_);
                       return Caller{principal_, nullptr};
                     },
                     limits_,
                     "1.2.3",
                     &stopping_};
      server_ = Server::listen(options, make_native_api(parts), metrics_).value();
    }
    return server_->port();
  }
  Reply get(std::string_view target) { return TestClient(port()).get(target); }
  Reply post(std::string_view target, std::string_view body, std::string_view headers = {}) {
    return TestClient(port()).post(target, body, headers);
  }
  Reply put(std::string_view target, std::string_view body) {
    return TestClient(port()).post(target, body, "Content-Type: application/json\r\n", "PUT");
  }
  Reply remove(std::string_view target) { return TestClient(port()).post(target, "", "", "DELETE"); }
  Reply records(std::string_view body, std::string_view headers = {}) {
    return post("/v1/streams/events/records", body, headers);
  }
  std::shared_ptr<FakeStream> events() { return streams_.fake("events").value(); }

  static boost::json::object json(const Reply& reply) {
    boost::json::error_code error;
    auto value = boost::json::parse(reply.body, error);
    EXPECT_FALSE(error) << reply.body;
    return value.is_object() ? value.get_object() : boost::json::object{};
  }
  static std::string code(const Reply& reply) {
    auto object = json(reply);
    auto* error = object.if_contains("error");
    return error ? std::string(error->at("code").as_string()) : "no error";
  }
  static std::string message(const Reply& reply) {
    auto object = json(reply);
    auto* error = object.if_contains("error");
    return error ? std::string(error->at("message").as_string()) : "no error";
  }

  const std::filesystem::path folder_;
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<lake::Catalog> catalog_;
  std::unique_ptr<duck::Database> database_;
  std::unique_ptr<FakeEngine> engine_;
  FakeStreams streams_;
  Metrics metrics_;
  std::unique_ptr<access::Audit> audit_ =
      access::Audit::start([](std::span<const std::string>) { return Status(); }, metrics_);
  access::Guard guard_{*audit_, Clock::system()};
  std::unique_ptr<access::Sealer> sealer_;
  std::unique_ptr<access::Identities> identities_;
  std::unique_ptr<access::Secrets> secrets_;
  std::unique_ptr<store::Objects> objects_;
  access::Principal principal_ = access::Principal::system();  // who calls
  std::optional<Unknown> unknown_;                             // if set, the caller can't be known
  ApiLimits limits_;
  std::atomic<bool> stopping_ = false;
  std::unique_ptr<Server> server_;
};

}  // namespace tarn::http
