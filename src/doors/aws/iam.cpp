#include "doors/aws/iam.h"

#include <array>

#include "doors/aws/iam_operations.h"

namespace tarn::aws {

const QueryService& iam_service() {
  using access::Role;
  using access::User;
  using namespace iam;  // NOLINT(google-build-using-namespace): the table below is nothing but its names
  static constexpr std::array kOperations = std::to_array<QueryOperation>({
      {"CreateUser", create_user},
      {"GetUser", get_user},
      {"UpdateUser", update_user, false},
      {"DeleteUser", delete_user, false},
      {"ListUsers", list_users},
      {"TagUser", tag<User>, false},
      {"UntagUser", untag<User>, false},
      {"ListUserTags", list_tags<User>},
      {"ListGroupsForUser", list_groups_for_user},
      {"CreateLoginProfile", create_login_profile},
      {"GetLoginProfile", get_login_profile},
      {"UpdateLoginProfile", update_login_profile, false},
      {"DeleteLoginProfile", delete_login_profile, false},

      {"CreateAccessKey", create_access_key, true, true},
      {"UpdateAccessKey", update_access_key, false},
      {"DeleteAccessKey", delete_access_key, false},
      {"ListAccessKeys", list_access_keys},
      {"GetAccessKeyLastUsed", get_access_key_last_used},

      {"PutUserPolicy", put_inline_policy<User>, false},
      {"GetUserPolicy", get_inline_policy<User>},
      {"DeleteUserPolicy", delete_inline_policy<User>, false},
      {"ListUserPolicies", list_inline_policies<User>},
      {"AttachUserPolicy", attach_policy<User>, false},
      {"DetachUserPolicy", detach_policy<User>, false},
      {"ListAttachedUserPolicies", list_attached_policies<User>},
      {"PutUserPermissionsBoundary", put_boundary<User>, false},
      {"DeleteUserPermissionsBoundary", delete_boundary<User>, false},

      {"CreateRole", create_role},
      {"GetRole", get_role},
      {"UpdateRole", update_role},
      {"UpdateRoleDescription", update_role_description},
      {"UpdateAssumeRolePolicy", update_assume_role_policy, false},
      {"DeleteRole", delete_role, false},
      {"ListRoles", list_roles},
      {"TagRole", tag<Role>, false},
      {"UntagRole", untag<Role>, false},
      {"ListRoleTags", list_tags<Role>},
      {"PutRolePolicy", put_inline_policy<Role>, false},
      {"GetRolePolicy", get_inline_policy<Role>},
      {"DeleteRolePolicy", delete_inline_policy<Role>, false},
      {"ListRolePolicies", list_inline_policies<Role>},
      {"AttachRolePolicy", attach_policy<Role>, false},
      {"DetachRolePolicy", detach_policy<Role>, false},
      {"ListAttachedRolePolicies", list_attached_policies<Role>},
      {"PutRolePermissionsBoundary", put_boundary<Role>, false},
      {"DeleteRolePermissionsBoundary", delete_boundary<Role>, false},
      {"ListInstanceProfilesForRole", list_instance_profiles_for_role},

      {"CreatePolicy", create_policy},
      {"GetPolicy", get_policy},
      {"ListPolicies", list_policies},
      {"DeletePolicy", delete_policy, false},
      {"CreatePolicyVersion", create_policy_version},
      {"GetPolicyVersion", get_policy_version},
      {"ListPolicyVersions", list_policy_versions},
      {"SetDefaultPolicyVersion", set_default_policy_version, false},
      {"DeletePolicyVersion", delete_policy_version, false},
      {"TagPolicy", tag_policy, false},
      {"UntagPolicy", untag_policy, false},
      {"ListPolicyTags", list_policy_tags},
      {"ListEntitiesForPolicy", list_entities_for_policy},

      {"GetAccountSummary", get_account_summary},
      {"ListAccountAliases", list_account_aliases},
      {"SimulatePrincipalPolicy", simulate_principal_policy},
  });
  static constexpr QueryService kService = {.name = "iam",
                                            .version = "2010-05-08",
                                            .xmlns = "https://iam.amazonaws.com/doc/2010-05-08/",
                                            .operations = kOperations};
  return kService;
}

}  // namespace tarn::aws
