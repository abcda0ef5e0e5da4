#include "doors/aws/pass_role.h"

#include <fmt/format.h>

namespace tarn::aws {

Status check_pass_role(const access::Guard& guard, const access::Principal& principal,
                       std::string_view role_arn, std::string_view service) {
  const std::string prefix = fmt::format("arn:aws:iam::{}:role/", access::kAccount);
  if (!role_arn.starts_with(prefix) || role_arn.size() == prefix.size() || role_arn.ends_with('/'))
    return fail(Code::kInvalid,
                fmt::format("'{}' is no ARN of a role of this lake: {}NAME", role_arn, prefix));
  access::Context context;
  context.set("iam:PassedToService", std::string(service));
  return guard.check(access::Ask{.principal = principal,
                                 .action = "iam:PassRole",
                                 .resource = role_arn,
                                 .context = &context,
                                 .resource_policy = nullptr,
                                 .source_ip = {},
                                 .request_id = {}});
}

}  // namespace tarn::aws
