// What the guard itself knows of a request, for conditions: who asks and when, beside what the door says.
//
//   aws:PrincipalArn (of a session: its role), aws:PrincipalAccount, aws:PrincipalType, aws:PrincipalTag/KEY,
//   aws:PrincipalIsAWSService, aws:userid, aws:username (of users), aws:CurrentTime, aws:EpochTime; aws:SourceIp,
//   where the door didn't say it.
// A value is made when a condition first asks for it. The door can't say who asks: these keys come first.
// Owns: the values that it made. Borrows the question.
// Threads: one; it serves one decision.
#pragma once

#include <forward_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/guard.h"
#include "access/policy.h"
#include "base/time.h"

namespace tarn::access {

class RequestFacts final : public Facts {
 public:
  RequestFacts(const Ask& ask, const Clock& clock) : ask_(ask), clock_(clock) {}
  const std::vector<std::string>* find_lower(std::string_view lower_case_key) const override;

 private:
  std::optional<std::string> value_of(std::string_view key) const;
  std::optional<std::string> of_principal(std::string_view key) const;
  Timestamp now() const;

  const Ask& ask_;
  const Clock& clock_;
  mutable std::optional<Timestamp> now_;  // the same for every condition
  mutable std::forward_list<std::pair<std::string, std::vector<std::string>>> made_;
};

}  // namespace tarn::access
