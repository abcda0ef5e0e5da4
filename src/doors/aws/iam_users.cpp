// Users, and their passwords (IAM's login profiles).
#include <fmt/format.h>

#include "doors/aws/iam_operations.h"
#include "doors/aws/iam_parts.h"

namespace tarn::aws::iam {

namespace {

using access::User;

void write_user(QueryCall& call, const User& user, bool whole) {
  call.out.text("Path", user.path).text("UserName", user.name).text("UserId", user.id);
  call.out.text("Arn", arn_of(user)).text("CreateDate", query_time(user.created));
  if (!whole) return;
  write_boundary(call, user.boundary);
  write_tags(call, user.tags);
}

ServiceError user_exists(std::string_view name) {
  return {"EntityAlreadyExists", 409, fmt::format("User with name {} already exists.", name)};
}

Answer<void> write_myself(QueryCall& call) {
  const access::Principal& me = call.principal;
  if (me.kind == access::PrincipalKind::kRoot) {
    TARN_TRY(call.allow(me.arn));
    call.out.open("User").text("UserId", me.id).text("Arn", me.arn);
    call.out.text("CreateDate", query_time(Timestamp{0})).close();
    return {};
  }
  if (me.kind != access::PrincipalKind::kUser)
    return refuse("ValidationError", 400, "Must specify userName when calling with non-User credentials");
  TARN_ASSIGN(const User user, open_entity<User>(call, me.name, call.context()));
  call.out.open("User");
  write_user(call, user, true);
  call.out.close();
  return {};
}

ServiceError cannot_delete(std::string_view first) {
  return {"DeleteConflict", 409, fmt::format("Cannot delete entity, must {} first.", first)};
}

ServiceError no_login_profile(std::string_view name) {
  return {"NoSuchEntity", 404, fmt::format("Login Profile for User {} cannot be found.", name)};
}

void write_login_profile(QueryCall& call, const User& user) {
  call.out.open("LoginProfile").text("UserName", user.name).text("CreateDate", query_time(user.created));
  call.out.flag("PasswordResetRequired", false).close();
}

Answer<void> set_password(QueryCall& call, const User& user, const std::string& password) {
  TARN_TRY(check_length(password, "password", 1, 128));
  auto status = call.parts.identities.set_password(user.name, password);
  if (!status && status.error().code == Code::kInvalid)
    return refuse("PasswordPolicyViolation", 400, std::move(status).error().message);
  TARN_TRY(status);
  return {};
}

// The user whose password the request is about. A password is no part of what a lake file declares.
Answer<User> open_with_password(QueryCall& call) {
  TARN_ASSIGN(User user, open_entity<User>(call));
  if (!user.has_password) return std::unexpected(no_login_profile(user.name));
  return user;
}

// Passwords can't be asked to be changed at the first log-in: there is nowhere to do it.
Answer<void> check_no_reset(const QueryCall& call) {
  TARN_ASSIGN(const bool reset, call.flag("PasswordResetRequired", false));
  if (reset)
    return refuse("InvalidInput", 400,
                  "PasswordResetRequired is not supported: there is no console to change it in.");
  return {};
}

}  // namespace

Answer<void> create_user(QueryCall& call) {
  User user;
  TARN_ASSIGN(user.name, call.required("UserName"));
  TARN_TRY(check_name(user.name, "UserName", 64));
  TARN_ASSIGN(user.path, read_path(call, "Path"));
  TARN_ASSIGN(user.tags, read_tags(call));
  user.boundary = call.optional("PermissionsBoundary");
  access::Context context = call.context();
  add_request_tags(context, user.tags);
  if (!user.boundary.empty()) context.set("iam:PermissionsBoundary", user.boundary);
  TARN_TRY(call.allow(arn_of(user), context));
  if (!user.tags.empty()) TARN_TRY(call.allow_also("TagUser", arn_of(user), context));
  if (!user.boundary.empty()) TARN_TRY(find_policy(call, user.boundary));
  auto status = call.parts.identities.create_user(user);
  if (!status && status.error().code == Code::kExists) return std::unexpected(user_exists(user.name));
  TARN_TRY(status);
  TARN_ASSIGN(const User created, call.parts.identities.user(user.name));
  call.out.open("User");
  write_user(call, created, true);
  call.out.close();
  return {};
}

Answer<void> get_user(QueryCall& call) {
  if (call.in.find("UserName") == nullptr) return write_myself(call);
  TARN_ASSIGN(const User user, open_entity<User>(call));
  call.out.open("User");
  write_user(call, user, true);
  call.out.close();
  return {};
}

Answer<void> update_user(QueryCall& call) {
  TARN_ASSIGN(const User user, open_to_change<User>(call, call.context()));
  TARN_ASSIGN(std::string path, read_path(call, "NewPath"));
  if (call.in.find("NewPath") == nullptr) path = user.path;
  const std::string* name = call.in.find("NewUserName");
  if (name != nullptr) TARN_TRY(check_name(*name, "NewUserName", 64));
  const std::string& next = name == nullptr ? user.name : *name;
  // Who moves or renames it must be allowed to have it there as well.
  if (path != user.path || next != user.name) TARN_TRY(call.allow(access::user_arn(next, path)));
  if (next != user.name && call.parts.identities.user(next)) return std::unexpected(user_exists(next));
  return change_entity<User>(call, user, [&](User& current) -> Answer<void> {
    current.path = path;
    current.name = next;
    return {};
  });
}

Answer<void> delete_user(QueryCall& call) {
  TARN_ASSIGN(const User user, open_to_change<User>(call, call.context()));
  if (!user.attached.empty()) return std::unexpected(cannot_delete("detach all policies"));
  if (!user.inline_policies.empty()) return std::unexpected(cannot_delete("delete policies"));
  if (!call.parts.identities.keys(user.name).empty())
    return std::unexpected(cannot_delete("delete access keys"));
  if (user.has_password) return std::unexpected(cannot_delete("delete login profile"));
  auto status = call.parts.identities.remove_user(user.name, false);
  if (!status && status.error().code == Code::kNotFound) return std::unexpected(no_such("user", user.name));
  TARN_TRY(status);
  return {};
}

Answer<void> list_users(QueryCall& call) {
  TARN_ASSIGN(const std::string prefix, read_path_prefix(call));
  TARN_TRY(call.allow(access::user_arn("", prefix)));
  std::vector<User> users = call.parts.identities.users();
  std::erase_if(users, [&](const User& user) { return !user.path.starts_with(prefix); });
  std::ranges::sort(users, {}, &User::name);
  TARN_ASSIGN(const Page page, page_of(call, users, &User::name));
  call.out.open("Users");
  for (size_t i = page.from; i < page.to; i++) {
    call.out.open("member");
    write_user(call, users[i], false);
    call.out.close();
  }
  call.out.close();
  page.write_end(call.out);
  return {};
}

Answer<void> list_groups_for_user(QueryCall& call) {
  TARN_TRY(open_entity<User>(call));
  call.out.open("Groups").close().flag("IsTruncated", false);
  return {};
}

Answer<void> create_login_profile(QueryCall& call) {
  TARN_ASSIGN(const std::string password, call.required("Password"));
  TARN_ASSIGN(const User user, open_entity<User>(call));
  TARN_TRY(check_no_reset(call));
  if (user.has_password)
    return refuse("EntityAlreadyExists", 409,
                  fmt::format("Login Profile for user {} already exists.", user.name));
  TARN_TRY(set_password(call, user, password));
  write_login_profile(call, user);
  return {};
}

Answer<void> get_login_profile(QueryCall& call) {
  TARN_ASSIGN(const User user, open_with_password(call));
  write_login_profile(call, user);
  return {};
}

Answer<void> update_login_profile(QueryCall& call) {
  TARN_ASSIGN(const User user, open_with_password(call));
  TARN_TRY(check_no_reset(call));
  if (const std::string* password = call.in.find("Password")) return set_password(call, user, *password);
  return {};
}

Answer<void> delete_login_profile(QueryCall& call) {
  TARN_ASSIGN(const User user, open_with_password(call));
  TARN_TRY(call.parts.identities.set_password(user.name, std::nullopt));
  return {};
}

}  // namespace tarn::aws::iam
