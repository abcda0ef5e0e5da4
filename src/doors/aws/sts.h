// STS: who am I, and credentials for a while: of a role, or of oneself.
//
// Owns: nothing.
// Threads: many workers at once.
// Fails: STS's errors.
#pragma once

#include "doors/aws/query_protocol.h"

namespace tarn::aws {

const QueryService& sts_service();

}  // namespace tarn::aws
