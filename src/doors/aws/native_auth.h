// Authentication for the native API: the same signatures, Basic and Bearer as the AWS doors take.
//
// Owns: nothing; borrows the identities and the clock, which outlive the server.
// Threads: the function is called on many workers at once.
// Fails: http::Unknown, with what to send.
#pragma once

#include "access/identities.h"
#include "base/time.h"
#include "doors/http/native_api.h"

namespace tarn::aws {

http::Authenticate native_authentication(const access::Identities& identities, const Clock& clock);

}  // namespace tarn::aws
