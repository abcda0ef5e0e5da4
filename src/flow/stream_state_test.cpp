// How much of a stream may wait for its delivery, over all streams.
#include "flow/stream_state.h"

#include "flow/lake_fixture.h"
#include "flow/system_streams.h"

namespace tarn::flow {
namespace {

class StreamBound : public LakeFixture {
 protected:
  void SetUp() override {
    limits_.undelivered_bytes_max = 1024;
    LakeFixture::SetUp();
  }
};

TEST_F(StreamBound, OfAllStreamsStopsOtherStreamsButNotTheLakesOwn) {
  ASSERT_TRUE(put_system_streams(*streams_));
  for (const char* name : {"a", "b"})
    ASSERT_TRUE(put(name, R"({"deliver": {"every": {"age": "24h", "size": "1GiB"}}})"));
  ASSERT_TRUE(send("a", "{\"id\":\"" + std::string(2000, 'x') + "\"}"));
  EXPECT_EQ(send("b", R"({"id":1})").error().code, Code::kBusy);
  for (std::string_view name : {kAuditStream, kEventStream})
    EXPECT_TRUE(send(std::string(name), "{}")) << name;
  ASSERT_TRUE(flush("a"));
  EXPECT_TRUE(send("b", R"({"id":1})"));
}

}  // namespace
}  // namespace tarn::flow
