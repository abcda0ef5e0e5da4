// The AWS APIs on the lake's HTTP port: which service a request is for, and handing it there.
//
// S3 is handed to `s3` (s3/operations.h); STS (sts.h) and IAM (iam.h) are answered here; the other services are
// known by name and answer in their own protocol that they are not there yet.
// Owns: nothing. Borrows the parts, which outlive the server.
// Threads: the handler runs on many workers at once.
// Fails: never; errors become answers.
#pragma once

#include "doors/aws/parts.h"
#include "doors/http/server.h"

namespace tarn::aws {

http::Handler make_door(const Parts& parts, http::Handler s3);

}  // namespace tarn::aws
