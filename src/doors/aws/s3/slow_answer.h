// An answer in XML that may take long: after some seconds it begins with 200 and blanks, so that nobody on the
// way takes the connection for dead. What goes wrong then is an <Error> in the 200's body, as S3 does it.
//
// Owns: nothing; borrows the call.
// Threads: the call's.
// Fails: tick(): the client is gone.
#pragma once

#include <chrono>

#include "doors/aws/s3/call.h"

namespace tarn::aws::s3 {

class SlowAnswer {
 public:
  explicit SlowAnswer(Call& call, Duration patience = std::chrono::seconds(5))
      : call_(call), patience_(patience) {}
  // Called now and then; sends a blank when there was silence for so long.
  S3Status tick();
  // The end: the result, or what failed. `headers` are left out when the answer has begun before.
  S3Status finish(S3Result<std::string> xml, std::vector<http::Header> headers);

 private:
  Call& call_;
  Duration patience_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  bool begun_ = false;
};

}  // namespace tarn::aws::s3
