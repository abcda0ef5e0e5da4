// What a session token says, sealed for its key id: the lake keeps nothing else of a session.
//
// Shapes: sealed text (sealed.h) for the purpose "session <key id>", of a JSON object: v 1, secret, role
// (true) or user, owner, owner_id, session, expires in microseconds, policies, tags.
// Threads: pure functions.
// Fails: kCorrupt for a token that isn't ours, was changed, or is another key's.
// Durable: a token is good until it expires, or its sealing key is forgotten.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "access/sealed.h"
#include "base/error.h"
#include "base/time.h"

namespace tarn::access {

struct SessionToken {
  std::string secret;
  bool of_role = true;
  std::string owner;     // the role's or the user's name; "root"
  std::string owner_id;  // its unique id: who comes later by the same name has another
  std::string session;
  Timestamp expires;
  std::vector<std::string> policies;
  std::map<std::string, std::string> tags;
  bool operator==(const SessionToken&) const = default;
};

std::string token_text(const SessionToken& token);
Result<SessionToken> token_from_text(std::string_view text);

Result<std::string> seal_token(const Sealer& sealer, std::string_view key_id, const SessionToken& token);
Result<SessionToken> open_token(const Sealer& sealer, std::string_view key_id, std::string_view token);

}  // namespace tarn::access
