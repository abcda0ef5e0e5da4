// May this principal hand a role to a service? Asked by every door that takes a role to act with later.
//
// Threads: any.
// Fails: kInvalid for what is no role's ARN; kDenied in IAM's words.
#pragma once

#include <string_view>

#include "access/guard.h"
#include "base/error.h"

namespace tarn::aws {

// iam:PassRole on the role, with iam:PassedToService = `service` ("firehose.amazonaws.com").
Status check_pass_role(const access::Guard& guard, const access::Principal& principal,
                       std::string_view role_arn, std::string_view service);

}  // namespace tarn::aws
