// Roles.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "doors/aws/iam_operations.h"
#include "doors/aws/iam_parts.h"

namespace tarn::aws::iam {

namespace {

using access::Role;
using access::User;

constexpr int64_t kSessionMin = 3'600;  // seconds
constexpr int64_t kSessionMax = 43'200;

// Of a role of the lake file that says nothing of trust: the users who name it.
std::string trust_document(const QueryCall& call, const Role& role) {
  if (!role.trust.empty()) return role.trust;
  boost::json::array users;
  for (const User& user : call.parts.identities.users())
    if (std::ranges::find(user.roles, role.name) != user.roles.end()) users.emplace_back(arn_of(user));
  boost::json::array statements;
  if (!users.empty())
    statements.push_back(boost::json::object{{"Effect", "Allow"},
                                             {"Principal", boost::json::object{{"AWS", std::move(users)}}},
                                             {"Action", "sts:AssumeRole"}});
  return boost::json::serialize(
      boost::json::object{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}});
}

void write_role(QueryCall& call, const Role& role, bool whole) {
  call.out.open(whole ? "Role" : "member");
  call.out.text("Path", role.path).text("RoleName", role.name).text("RoleId", role.id);
  call.out.text("Arn", arn_of(role)).text("CreateDate", query_time(role.created));
  call.out.text("AssumeRolePolicyDocument", url_encoded(trust_document(call, role)));
  if (!role.description.empty()) call.out.text("Description", role.description);
  call.out.number("MaxSessionDuration",
                  std::chrono::duration_cast<std::chrono::seconds>(role.session_max).count());
  if (whole) {
    write_boundary(call, role.boundary);
    write_tags(call, role.tags);
  }
  call.out.close();
}

Answer<std::string> read_trust(const QueryCall& call, std::string_view parameter, std::string_view role) {
  TARN_ASSIGN(std::string document, call.required(parameter));
  TARN_TRY(check_document(document, access::PolicyKind::kTrust, role));
  return document;
}

Answer<Duration> read_session_max(const QueryCall& call, Duration otherwise) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(otherwise).count();
  TARN_ASSIGN(const int64_t asked, call.number("MaxSessionDuration", seconds, kSessionMin, kSessionMax));
  return std::chrono::seconds(asked);
}

Answer<void> change_description(QueryCall& call, const Role& role, const std::string& description) {
  TARN_TRY(check_length(description, "Description", 0, access::kDescriptionBytesMax));
  return change_entity<Role>(call, role, [&description](Role& current) -> Answer<void> {
    current.description = description;
    return {};
  });
}

}  // namespace

Answer<void> create_role(QueryCall& call) {
  Role role;
  TARN_ASSIGN(role.name, call.required("RoleName"));
  TARN_TRY(check_name(role.name, "RoleName", 64));
  TARN_ASSIGN(role.path, read_path(call, "Path"));
  TARN_ASSIGN(role.tags, read_tags(call));
  role.description = call.optional("Description");
  TARN_TRY(check_length(role.description, "Description", 0, access::kDescriptionBytesMax));
  TARN_ASSIGN(role.session_max, read_session_max(call, std::chrono::hours(1)));
  role.boundary = call.optional("PermissionsBoundary");
  access::Context context = call.context();
  add_request_tags(context, role.tags);
  if (!role.boundary.empty()) context.set("iam:PermissionsBoundary", role.boundary);
  TARN_TRY(call.allow(arn_of(role), context));
  if (!role.tags.empty()) TARN_TRY(call.allow_also("TagRole", arn_of(role), context));
  TARN_ASSIGN(role.trust, read_trust(call, "AssumeRolePolicyDocument", role.name));
  if (!role.boundary.empty()) TARN_TRY(find_policy(call, role.boundary));
  auto status = call.parts.identities.create_role(role);
  if (!status && status.error().code == Code::kExists)
    return refuse("EntityAlreadyExists", 409, fmt::format("Role with name {} already exists.", role.name));
  TARN_TRY(status);
  TARN_ASSIGN(const Role created, call.parts.identities.role(role.name));
  write_role(call, created, true);
  return {};
}

Answer<void> get_role(QueryCall& call) {
  TARN_ASSIGN(const Role role, open_entity<Role>(call));
  write_role(call, role, true);
  return {};
}

Answer<void> update_role(QueryCall& call) {
  TARN_ASSIGN(const Role role, open_to_change<Role>(call, call.context()));
  const std::string* description = call.in.find("Description");
  if (description != nullptr)
    TARN_TRY(check_length(*description, "Description", 0, access::kDescriptionBytesMax));
  TARN_ASSIGN(const Duration session_max, read_session_max(call, role.session_max));
  return change_entity<Role>(call, role, [&](Role& current) -> Answer<void> {
    if (description != nullptr) current.description = *description;
    current.session_max = session_max;
    return {};
  });
}

Answer<void> update_role_description(QueryCall& call) {
  TARN_ASSIGN(Role role, open_to_change<Role>(call, call.context()));
  TARN_ASSIGN(role.description, call.required("Description"));
  TARN_TRY(change_description(call, role, role.description));
  write_role(call, role, true);
  return {};
}

Answer<void> update_assume_role_policy(QueryCall& call) {
  TARN_ASSIGN(const Role role, open_to_change<Role>(call, call.context()));
  TARN_ASSIGN(const std::string trust, read_trust(call, "PolicyDocument", role.name));
  return change_entity<Role>(call, role, [&trust](Role& current) -> Answer<void> {
    current.trust = trust;
    return {};
  });
}

Answer<void> delete_role(QueryCall& call) {
  TARN_ASSIGN(const Role role, open_to_change<Role>(call, call.context()));
  if (!role.attached.empty())
    return refuse("DeleteConflict", 409, "Cannot delete entity, must detach all policies first.");
  if (!role.inline_policies.empty())
    return refuse("DeleteConflict", 409, "Cannot delete entity, must delete policies first.");
  auto status = call.parts.identities.remove_role(role.name, false);
  if (!status && status.error().code == Code::kNotFound) return std::unexpected(no_such("role", role.name));
  TARN_TRY(status);
  return {};
}

Answer<void> list_roles(QueryCall& call) {
  TARN_ASSIGN(const std::string prefix, read_path_prefix(call));
  TARN_TRY(call.allow(access::role_arn("", prefix)));
  std::vector<Role> roles = call.parts.identities.roles();
  std::erase_if(roles, [&](const Role& role) { return !role.path.starts_with(prefix); });
  std::ranges::sort(roles, {}, &Role::name);
  TARN_ASSIGN(const Page page, page_of(call, roles, &Role::name));
  call.out.open("Roles");
  for (size_t i = page.from; i < page.to; i++) write_role(call, roles[i], false);
  call.out.close();
  page.write_end(call.out);
  return {};
}

Answer<void> list_instance_profiles_for_role(QueryCall& call) {
  TARN_TRY(open_entity<Role>(call));
  call.out.open("InstanceProfiles").close().flag("IsTruncated", false);
  return {};
}

}  // namespace tarn::aws::iam
