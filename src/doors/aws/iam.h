// IAM: users, their keys and passwords, roles, policies, as SDKs, the CLI and Terraform manage them.
//
// What a lake file declares shows here too, and is changed there: UnmodifiableEntity. Keys and passwords are never
// in a lake file, so they are made here for its users as well.
// Owns: nothing.
// Threads: many workers at once.
// Fails: IAM's errors.
#pragma once

#include "doors/aws/query_protocol.h"

namespace tarn::aws {

const QueryService& iam_service();

}  // namespace tarn::aws
