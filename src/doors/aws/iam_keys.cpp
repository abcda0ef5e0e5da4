// Access keys. They are no part of what a lake file declares, so they are made here for its users too.
#include <fmt/format.h>

#include "doors/aws/iam_operations.h"
#include "doors/aws/iam_parts.h"

namespace tarn::aws::iam {

namespace {

using access::AccessKey;
using access::PrincipalKind;

constexpr std::string_view kRoot = "root";

std::string root_arn() {
  return fmt::format("arn:aws:iam::{}:root", access::kAccount);
}

// Whose keys the request is about: the user it names, else the caller itself; allowed.
Answer<std::string> open_owner(QueryCall& call) {
  if (const std::string* name = call.in.find("UserName")) {
    TARN_ASSIGN(const access::User user, open_entity<access::User>(call, *name, call.context()));
    return user.name;
  }
  if (call.principal.kind == PrincipalKind::kRoot) {
    TARN_TRY(call.allow(root_arn()));
    return std::string(kRoot);
  }
  if (call.principal.kind != PrincipalKind::kUser)
    return refuse("ValidationError", 400, "Must specify userName when calling with non-User credentials");
  TARN_ASSIGN(const access::User user, open_entity<access::User>(call, call.principal.name, call.context()));
  return user.name;
}

ServiceError no_key(std::string_view id) {
  return {"NoSuchEntity", 404, fmt::format("The Access Key with id {} cannot be found.", id)};
}

Answer<std::string> read_key_id(const QueryCall& call) {
  TARN_ASSIGN(std::string id, call.required("AccessKeyId"));
  TARN_TRY(check_length(id, "AccessKeyId", 16, 128));
  return id;
}

Answer<AccessKey> find_key(const QueryCall& call, std::string_view id,
                           std::optional<std::string_view> owner) {
  for (AccessKey& key : call.parts.identities.keys(owner))
    if (key.id == id) return std::move(key);
  return std::unexpected(no_key(id));
}

std::string_view status_of(const AccessKey& key) {
  return key.active ? "Active" : "Inactive";
}

}  // namespace

Answer<void> create_access_key(QueryCall& call) {
  TARN_ASSIGN(const std::string owner, open_owner(call));
  if (call.parts.identities.keys(owner).size() >= kKeysMax)
    return refuse("LimitExceeded", 409,
                  fmt::format("Cannot exceed quota for AccessKeysPerUser: {}", kKeysMax));
  TARN_ASSIGN(const access::NewAccessKey made, call.parts.identities.create_key(owner, "made by IAM"));
  call.out.open("AccessKey").text("UserName", owner).text("AccessKeyId", made.key.id);
  call.out.text("Status", status_of(made.key)).text("SecretAccessKey", made.secret);
  call.out.text("CreateDate", query_time(made.key.created)).close();
  return {};
}

Answer<void> update_access_key(QueryCall& call) {
  TARN_ASSIGN(const std::string id, read_key_id(call));
  TARN_ASSIGN(const std::string status, call.required("Status"));
  if (status != "Active" && status != "Inactive")
    return std::unexpected(constraint(status, "Status", "satisfy enum value set: [Active, Inactive]"));
  TARN_ASSIGN(const std::string owner, open_owner(call));
  TARN_ASSIGN(const AccessKey key, find_key(call, id, owner));
  TARN_TRY(call.parts.identities.set_key_active(key.id, status == "Active"));
  return {};
}

Answer<void> delete_access_key(QueryCall& call) {
  TARN_ASSIGN(const std::string id, read_key_id(call));
  TARN_ASSIGN(const std::string owner, open_owner(call));
  TARN_ASSIGN(const AccessKey key, find_key(call, id, owner));
  TARN_TRY(call.parts.identities.remove_key(key.id));
  return {};
}

Answer<void> list_access_keys(QueryCall& call) {
  TARN_ASSIGN(const std::string owner, open_owner(call));
  std::vector<AccessKey> keys = call.parts.identities.keys(owner);
  std::ranges::sort(keys, {}, &AccessKey::id);
  TARN_ASSIGN(const Page page, page_of(call, keys, &AccessKey::id));
  call.out.open("AccessKeyMetadata");
  for (size_t i = page.from; i < page.to; i++) {
    call.out.open("member").text("UserName", owner).text("AccessKeyId", keys[i].id);
    call.out.text("Status", status_of(keys[i])).text("CreateDate", query_time(keys[i].created)).close();
  }
  call.out.close();
  page.write_end(call.out);
  return {};
}

Answer<void> get_access_key_last_used(QueryCall& call) {
  TARN_ASSIGN(const std::string id, read_key_id(call));
  const Answer<AccessKey> key = find_key(call, id, std::nullopt);
  std::string arn = access::user_arn("*");
  if (key && key->user == kRoot) {
    arn = root_arn();
  } else if (key) {
    TARN_ASSIGN(const access::User user, call.parts.identities.user(key->user));
    arn = arn_of(user);
  }
  TARN_TRY(call.allow(arn));
  if (!key) return std::unexpected(key.error());
  call.out.text("UserName", key->user).open("AccessKeyLastUsed");
  if (key->used) call.out.text("LastUsedDate", query_time(*key->used));
  call.out.text("ServiceName", "N/A").text("Region", "N/A").close();
  return {};
}

}  // namespace tarn::aws::iam
