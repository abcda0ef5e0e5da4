// Finding the operation of a request: by method, by what it is on, and by the sub-resource in the query.
//
// Threads: pure functions.
// Fails: MethodNotAllowed: there is no such operation.
#pragma once

#include <string_view>

#include "doors/aws/s3/address.h"
#include "doors/aws/s3/operations.h"

namespace tarn::aws::s3 {

// A sub-resource that S3 has, but not with this method, is refused: DELETE /bucket?logging must not delete the
// bucket. Parameters that S3 doesn't know are left out of account: SDKs add x-id.
S3Result<const Operation*> find_operation(std::string_view method, const Address& address);

}  // namespace tarn::aws::s3
