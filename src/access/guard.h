// The one place that decides what a principal may do. Every door asks it, for everything.
//
// A request is allowed when no policy denies it and one allows it: an identity policy of the principal, or the
// resource's own policy (a bucket's); a boundary and session policies must allow it as well. Root may do
// everything but what a resource policy denies it by name; the lake itself may do everything.
// Owns: nothing. Borrows the audit trail.
// Threads: any.
// Fails: check(): kDenied, in IAM's words, with who, action, resource and why; of what would be allowed: kBusy or
// kUnavailable while the audit trail takes no entry.
// Source: IAM's evaluation logic for one account; the order is in docs/access.md.
#pragma once

#include <string>
#include <string_view>

#include "access/audit.h"
#include "access/policy.h"
#include "access/principal.h"
#include "base/error.h"

namespace tarn::access {

// One question. Everything is borrowed for the call.
struct Ask {
  const Principal& principal;
  std::string_view action;                  // "s3:GetObject", "tarn:Select"
  std::string_view resource;                // ARN
  const Context* context = nullptr;         // what the door knows: s3:prefix, aws:SourceIp …
  const Policy* resource_policy = nullptr;  // of the bucket
  std::string_view source_ip = {};
  std::string_view request_id = {};
};

struct Decision {
  bool allowed = false;
  bool explicit_deny = false;
  std::string
      reason;  // "role analyst allows it", "no identity-based policy allows the s3:GetObject action", …
};

class Guard {
 public:
  Guard(Audit& audit, const Clock& clock) : audit_(audit), clock_(clock) {}
  // Decides, and leaves an entry in the audit trail; nothing is allowed without one.
  Status check(const Ask& ask) const;
  // Decides only: for what to show in a list, or whether 404 may be told instead of 403.
  Decision decide(const Ask& ask) const;

 private:
  Audit& audit_;
  const Clock& clock_;
};

// The same without a trail.
Decision decide(const Ask& ask);

}  // namespace tarn::access
