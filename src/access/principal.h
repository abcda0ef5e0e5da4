// Who asks: a user, a session of a role, the root of the lake, or nobody (anonymous).
//
// A door resolves credentials to a Principal (identities.h) and hands it down; the guard (guard.h) decides
// with it. It is a value, taken at the moment of the request: what changes afterwards counts from the next one.
// Threads: immutable; shared freely.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/policy.h"
#include "base/time.h"

namespace tarn::access {

inline constexpr std::string_view kAccount = "000000000000";  // a lake is one account

enum class PrincipalKind { kRoot, kUser, kSession, kAnonymous, kSystem };  // kSystem: the lake itself

struct Principal {
  PrincipalKind kind = PrincipalKind::kAnonymous;
  std::string name;     // of the user, or of the session's role; "root", "anonymous", "system"
  std::string session;  // of a role's session
  std::string id;       // "AIDA…", of a session "AROA…:session"; root: the account
  std::string arn;  // arn:aws:iam::000000000000:user/alice, arn:aws:sts::…:assumed-role/analyst/s1, …:root
  std::string role_arn;  // of a session: arn:aws:iam::…:role/analyst
  std::string key_id;    // the access key that it came with; empty: a password, or nobody
  std::map<std::string, std::string> tags;
  std::optional<Timestamp> expires;
  bool password = false;  // authenticated by a password

  // Its identity policies: of the user, the user's groups of grants, or the role. Shared with Identities.
  std::vector<std::shared_ptr<const Policy>> policies;
  std::shared_ptr<const Policy> boundary;                       // null: none
  std::vector<std::shared_ptr<const Policy>> session_policies;  // each must allow too; empty: none

  static Principal anonymous();
  static Principal system();
};

}  // namespace tarn::access
