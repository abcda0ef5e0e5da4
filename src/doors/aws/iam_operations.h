// IAM's operations, one function each. Those on users and on roles alike are templates of the entity.
//
// Threads: many workers at once.
// Fails: IAM's errors.
#pragma once

#include "access/identities.h"
#include "doors/aws/query_protocol.h"

namespace tarn::aws::iam {

// iam_users.cpp
Answer<void> create_user(QueryCall& call);
Answer<void> get_user(QueryCall& call);
Answer<void> update_user(QueryCall& call);
Answer<void> delete_user(QueryCall& call);
Answer<void> list_users(QueryCall& call);
Answer<void> list_groups_for_user(QueryCall& call);
Answer<void> create_login_profile(QueryCall& call);
Answer<void> get_login_profile(QueryCall& call);
Answer<void> update_login_profile(QueryCall& call);
Answer<void> delete_login_profile(QueryCall& call);

// iam_keys.cpp
Answer<void> create_access_key(QueryCall& call);
Answer<void> update_access_key(QueryCall& call);
Answer<void> delete_access_key(QueryCall& call);
Answer<void> list_access_keys(QueryCall& call);
Answer<void> get_access_key_last_used(QueryCall& call);

// iam_roles.cpp
Answer<void> create_role(QueryCall& call);
Answer<void> get_role(QueryCall& call);
Answer<void> update_role(QueryCall& call);
Answer<void> update_role_description(QueryCall& call);
Answer<void> update_assume_role_policy(QueryCall& call);
Answer<void> delete_role(QueryCall& call);
Answer<void> list_roles(QueryCall& call);
Answer<void> list_instance_profiles_for_role(QueryCall& call);

// iam_entity_policies.cpp: E is access::User or access::Role
template <typename E>
Answer<void> put_inline_policy(QueryCall& call);
template <typename E>
Answer<void> get_inline_policy(QueryCall& call);
template <typename E>
Answer<void> delete_inline_policy(QueryCall& call);
template <typename E>
Answer<void> list_inline_policies(QueryCall& call);
template <typename E>
Answer<void> attach_policy(QueryCall& call);
template <typename E>
Answer<void> detach_policy(QueryCall& call);
template <typename E>
Answer<void> list_attached_policies(QueryCall& call);
template <typename E>
Answer<void> put_boundary(QueryCall& call);
template <typename E>
Answer<void> delete_boundary(QueryCall& call);
template <typename E>
Answer<void> tag(QueryCall& call);
template <typename E>
Answer<void> untag(QueryCall& call);
template <typename E>
Answer<void> list_tags(QueryCall& call);

// iam_policies.cpp
Answer<void> create_policy(QueryCall& call);
Answer<void> get_policy(QueryCall& call);
Answer<void> list_policies(QueryCall& call);
Answer<void> delete_policy(QueryCall& call);
Answer<void> create_policy_version(QueryCall& call);
Answer<void> get_policy_version(QueryCall& call);
Answer<void> list_policy_versions(QueryCall& call);
Answer<void> set_default_policy_version(QueryCall& call);
Answer<void> delete_policy_version(QueryCall& call);
Answer<void> tag_policy(QueryCall& call);
Answer<void> untag_policy(QueryCall& call);
Answer<void> list_policy_tags(QueryCall& call);
Answer<void> list_entities_for_policy(QueryCall& call);

// iam_account.cpp
Answer<void> get_account_summary(QueryCall& call);
Answer<void> list_account_aliases(QueryCall& call);
Answer<void> simulate_principal_policy(QueryCall& call);

}  // namespace tarn::aws::iam
