// What principals, roles and secrets are, as a lake file declares them and the API takes them.
//
//   principals: { alice: { roles: [ analyst ], tags: { team: data } }, anonymous: { roles: [ public ] } }
//   roles: { analyst: [ { select: "raw.*" }, { read: "s3://reports/*" } ] }      (grants.h)
//   secrets: { warehouse-password: { description: "of the warehouse" } }           (values by `tarn secret set`)
// Shapes: JSON as in the lake file; a role is the list itself or {"grants": […]}, and is written as the latter.
// Threads: values; put_* as identities.h and secrets.h.
// Fails: from_json: kInvalid for a name that can't be (reserved ones too) and for a key that is wrong, with the
// nearest one; kTooLarge for too many tags. Whether a principal's roles are there only put_* can say.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "access/grants.h"
#include "access/identities.h"
#include "access/secrets.h"
#include "base/error.h"

namespace tarn::access {

struct PrincipalSpec {
  std::vector<std::string> roles;
  std::map<std::string, std::string> tags;
  bool operator==(const PrincipalSpec&) const = default;
};
struct RoleSpec {
  std::vector<Grant> grants;
  bool operator==(const RoleSpec&) const = default;
};
struct SecretSpec {
  std::string description;
  bool operator==(const SecretSpec&) const = default;
};

Result<PrincipalSpec> principal_spec_from_json(const std::string& name, const boost::json::value& json);
Result<RoleSpec> role_spec_from_json(const std::string& name, const boost::json::value& json);
Result<SecretSpec> secret_spec_from_json(const std::string& name, const boost::json::value& json);
boost::json::value to_json(const PrincipalSpec& spec);
boost::json::value to_json(const RoleSpec& spec);
boost::json::value to_json(const SecretSpec& spec);

PrincipalSpec spec_of(const User& user);
RoleSpec spec_of(const Role& role);
SecretSpec spec_of(const SecretInfo& secret);
// Create or change; what IAM clients added (inline and attached policies, a boundary) stays; tags are the
// spec's.
Status put_principal(Identities& identities, const std::string& name, const PrincipalSpec& spec,
                     Origin origin);
Status put_role(Identities& identities, const std::string& name, const RoleSpec& spec, Origin origin);

}  // namespace tarn::access
