// Managed policies and their versions.
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "doors/aws/iam_operations.h"
#include "doors/aws/iam_parts.h"

namespace tarn::aws::iam {

namespace {

using access::ManagedPolicy;
using access::Role;
using access::User;
using Version = ManagedPolicy::Version;

ServiceError no_policy(std::string_view arn) {
  return {"NoSuchEntity", 404, fmt::format("Policy {} was not found.", arn)};
}

ServiceError no_version(std::string_view arn, std::string_view version) {
  return {"NoSuchEntity", 404,
          fmt::format("Policy {} version {} does not exist or is not attachable.", arn, version)};
}

// How often users and roles have it, as a policy and as a boundary.
struct Uses {
  std::map<std::string, int64_t> attached;
  std::map<std::string, int64_t> boundaries;
};

Uses count_uses(const access::Identities& identities) {
  Uses out;
  auto count = [&out](const auto& entity) {
    for (const std::string& arn : entity.attached) out.attached[arn]++;
    if (!entity.boundary.empty()) out.boundaries[entity.boundary]++;
  };
  for (const User& user : identities.users()) count(user);
  for (const Role& role : identities.roles()) count(role);
  return out;
}

void write_policy(QueryCall& call, const ManagedPolicy& policy, const Uses& uses, bool whole) {
  auto of = [&](const std::map<std::string, int64_t>& counts) {
    const auto at = counts.find(policy.arn);
    return at == counts.end() ? 0 : at->second;
  };
  call.out.open(whole ? "Policy" : "member");
  call.out.text("PolicyName", policy.name).text("PolicyId", policy.id).text("Arn", policy.arn);
  call.out.text("Path", policy.path).text("DefaultVersionId", policy.default_version);
  call.out.number("AttachmentCount", of(uses.attached));
  call.out.number("PermissionsBoundaryUsageCount", of(uses.boundaries)).flag("IsAttachable", true);
  if (whole && !policy.description.empty()) call.out.text("Description", policy.description);
  call.out.text("CreateDate", query_time(policy.created)).text("UpdateDate", query_time(policy.updated));
  if (whole) write_tags(call, policy.tags);
  call.out.close();
}

void write_version(QueryCall& call, std::string_view element, const ManagedPolicy& policy,
                   const Version& version, bool with_document) {
  call.out.open(element);
  if (with_document) call.out.text("Document", url_encoded(version.document));
  call.out.text("VersionId", version.id).flag("IsDefaultVersion", version.id == policy.default_version);
  call.out.text("CreateDate", query_time(version.created)).close();
}

// The policy that the request names, once the guard allows the action on it.
Answer<ManagedPolicy> open_policy(QueryCall& call, access::Context context) {
  TARN_ASSIGN(const std::string arn, read_policy_arn(call, "PolicyArn"));
  auto found = call.parts.identities.policy(arn);
  if (!found && found.error().code != Code::kNotFound) return std::unexpected(ServiceError(found.error()));
  if (found) add_resource_tags(context, found->tags);
  TARN_TRY(call.allow(arn, context));
  if (!found) return std::unexpected(no_policy(arn));
  return *std::move(found);
}

Answer<ManagedPolicy> open_policy(QueryCall& call) {
  return open_policy(call, call.context());
}

Answer<ManagedPolicy> change_policy(QueryCall& call, const std::string& arn,
                                    const std::function<Answer<void>(ManagedPolicy&)>& edit) {
  Answer<void> answer;
  auto changed = call.parts.identities.change_policy(arn, [&](ManagedPolicy& current) -> Status {
    answer = edit(current);
    if (!answer) return fail(Code::kCancelled, answer.error().message);
    return {};
  });
  if (!answer) return std::unexpected(answer.error());
  if (!changed && changed.error().code == Code::kNotFound) return std::unexpected(no_policy(arn));
  if (!changed) return std::unexpected(ServiceError(std::move(changed).error()));
  return *std::move(changed);
}

Answer<std::string> read_document(const QueryCall& call, std::string_view name) {
  TARN_ASSIGN(std::string document, call.required("PolicyDocument"));
  if (policy_bytes(document) > access::kPolicyCharactersMax)
    return refuse("LimitExceeded", 409,
                  fmt::format("Cannot exceed quota for PolicySize: {}", access::kPolicyCharactersMax));
  TARN_TRY(check_document(document, access::PolicyKind::kIdentity, name));
  return document;
}

Answer<void> set_default(QueryCall& call, const std::string& arn, const std::string& id) {
  const Timestamp now = call.parts.clock.now();
  TARN_TRY(change_policy(call, arn, [&](ManagedPolicy& current) -> Answer<void> {
    if (std::ranges::find(current.versions, id, &Version::id) == current.versions.end())
      return std::unexpected(no_version(current.arn, id));
    current.default_version = id;
    current.updated = now;
    return {};
  }));
  return {};
}

int64_t number_of(const Version& version) {
  int64_t out = 0;
  std::from_chars(version.id.data() + 1, version.id.data() + version.id.size(), out);
  return out;
}

Answer<std::string> read_version_id(const QueryCall& call) {
  TARN_ASSIGN(std::string id, call.required("VersionId"));
  const bool digits = id.size() > 1 && id.size() < 12 && id[0] == 'v' && id[1] != '0' &&
                      std::ranges::all_of(id.substr(1), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits)
    return std::unexpected(
        constraint(id, "VersionId", "satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?"));
  return id;
}

enum class Usage { kAny, kAttached, kBoundary };

Answer<Usage> read_usage(const QueryCall& call) {
  const std::string usage = call.optional("PolicyUsageFilter");
  if (usage.empty()) return Usage::kAny;
  if (usage == "PermissionsPolicy") return Usage::kAttached;
  if (usage == "PermissionsBoundary") return Usage::kBoundary;
  return std::unexpected(constraint(usage, "PolicyUsageFilter",
                                    "satisfy enum value set: [PermissionsPolicy, PermissionsBoundary]"));
}

template <typename E>
bool uses(const E& entity, const std::string& arn, Usage usage) {
  const bool attached = std::ranges::find(entity.attached, arn) != entity.attached.end();
  return (usage != Usage::kBoundary && attached) || (usage != Usage::kAttached && entity.boundary == arn);
}

struct Entity {
  std::string key;  // "role x", "user x": pages go over both
  std::string name;
  std::string id;
};

}  // namespace

Answer<void> create_policy(QueryCall& call) {
  ManagedPolicy policy;
  TARN_ASSIGN(policy.name, call.required("PolicyName"));
  TARN_TRY(check_name(policy.name, "PolicyName", 128));
  TARN_ASSIGN(policy.path, read_path(call, "Path"));
  TARN_ASSIGN(policy.tags, read_tags(call));
  policy.description = call.optional("Description");
  TARN_TRY(check_length(policy.description, "Description", 0, access::kDescriptionBytesMax));
  access::Context context = call.context();
  add_request_tags(context, policy.tags);
  policy.arn = fmt::format("arn:aws:iam::{}:policy{}{}", access::kAccount, policy.path, policy.name);
  TARN_TRY(call.allow(policy.arn, context));
  if (!policy.tags.empty()) TARN_TRY(call.allow_also("TagPolicy", policy.arn, context));
  TARN_ASSIGN(std::string document, read_document(call, policy.name));
  auto created = call.parts.identities.create_policy(policy, std::move(document));
  if (!created && created.error().code == Code::kExists)
    return refuse(
        "EntityAlreadyExists", 409,
        fmt::format("A policy called {} already exists. Duplicate names are not allowed.", policy.name));
  TARN_TRY(created);
  write_policy(call, *created, Uses{}, true);
  return {};
}

Answer<void> get_policy(QueryCall& call) {
  TARN_ASSIGN(const ManagedPolicy policy, open_policy(call));
  write_policy(call, policy, count_uses(call.parts.identities), true);
  return {};
}

Answer<void> list_policies(QueryCall& call) {
  TARN_ASSIGN(const std::string prefix, read_path_prefix(call));
  TARN_ASSIGN(const bool only_attached, call.flag("OnlyAttached", false));
  TARN_ASSIGN(const Usage usage, read_usage(call));
  const std::string scope = call.in.find("Scope") == nullptr ? "All" : call.optional("Scope");
  if (scope != "All" && scope != "AWS" && scope != "Local")
    return std::unexpected(constraint(scope, "Scope", "satisfy enum value set: [All, AWS, Local]"));
  TARN_TRY(call.allow(fmt::format("arn:aws:iam::{}:policy{}", access::kAccount, prefix)));
  std::vector<ManagedPolicy> policies;
  if (scope != "AWS") policies = call.parts.identities.policies();  // a lake has none of AWS's own
  const Uses used = count_uses(call.parts.identities);
  std::erase_if(policies, [&](const ManagedPolicy& policy) {
    if (!policy.path.starts_with(prefix)) return true;
    const bool attached = used.attached.contains(policy.arn);
    const bool boundary = used.boundaries.contains(policy.arn);
    if (only_attached && !attached && !boundary) return true;
    return (usage == Usage::kAttached && !attached) || (usage == Usage::kBoundary && !boundary);
  });
  std::ranges::sort(policies, {}, &ManagedPolicy::name);
  TARN_ASSIGN(const Page page, page_of(call, policies, &ManagedPolicy::name));
  call.out.open("Policies");
  for (size_t i = page.from; i < page.to; i++) write_policy(call, policies[i], used, false);
  call.out.close();
  page.write_end(call.out);
  return {};
}

Answer<void> delete_policy(QueryCall& call) {
  TARN_ASSIGN(const ManagedPolicy policy, open_policy(call));
  const Uses used = count_uses(call.parts.identities);
  if (used.attached.contains(policy.arn) || used.boundaries.contains(policy.arn))
    return refuse("DeleteConflict", 409, "Cannot delete a policy attached to entities.");
  if (policy.versions.size() > 1)
    return refuse(
        "DeleteConflict", 409,
        "This policy has more than one version. Before you delete a policy, you must delete the policy's "
        "versions. The default version is deleted with the policy.");
  auto status = call.parts.identities.remove_policy(policy.arn);
  if (!status && status.error().code == Code::kNotFound) return std::unexpected(no_policy(policy.arn));
  TARN_TRY(status);
  return {};
}

Answer<void> create_policy_version(QueryCall& call) {
  TARN_ASSIGN(const bool as_default, call.flag("SetAsDefault", false));
  TARN_ASSIGN(const ManagedPolicy policy, open_policy(call));
  TARN_ASSIGN(const std::string document, read_document(call, policy.name));
  const Timestamp now = call.parts.clock.now();
  std::set<std::string> before;
  TARN_ASSIGN(
      ManagedPolicy changed, change_policy(call, policy.arn, [&](ManagedPolicy& current) -> Answer<void> {
        before.clear();
        for (const Version& version : current.versions) before.insert(version.id);
        if (before.size() >= access::kPolicyVersionsMax)
          return refuse("LimitExceeded", 409,
                        fmt::format("A managed policy can have up to {} versions. Before you create a new "
                                    "version, you must delete an existing version.",
                                    access::kPolicyVersionsMax));
        current.versions.push_back({.id = {}, .document = document, .created = now});
        current.updated = now;
        return {};
      }));
  const auto made = std::ranges::find_if(
      changed.versions, [&](const Version& version) { return !before.contains(version.id); });
  TARN_CHECK(made != changed.versions.end());
  const Version& version = *made;
  if (as_default) {
    TARN_TRY(set_default(call, policy.arn, version.id));
    changed.default_version = version.id;
  }
  write_version(call, "PolicyVersion", changed, version, false);
  return {};
}

Answer<void> get_policy_version(QueryCall& call) {
  TARN_ASSIGN(const std::string id, read_version_id(call));
  TARN_ASSIGN(const ManagedPolicy policy, open_policy(call));
  const auto at = std::ranges::find(policy.versions, id, &Version::id);
  if (at == policy.versions.end()) return std::unexpected(no_version(policy.arn, id));
  write_version(call, "PolicyVersion", policy, *at, true);
  return {};
}

Answer<void> list_policy_versions(QueryCall& call) {
  TARN_ASSIGN(ManagedPolicy policy, open_policy(call));
  std::vector<Version>& versions = policy.versions;
  std::ranges::sort(versions, std::greater<>{}, number_of);  // newest first
  constexpr int64_t kBeyond = 1'000'000'000'000;
  TARN_ASSIGN(const Page page, page_of(call, versions, [](const Version& version) {
                return fmt::format("{:013}", kBeyond - number_of(version));
              }));
  call.out.open("Versions");
  for (size_t i = page.from; i < page.to; i++) write_version(call, "member", policy, versions[i], false);
  call.out.close();
  page.write_end(call.out);
  return {};
}

Answer<void> set_default_policy_version(QueryCall& call) {
  TARN_ASSIGN(const std::string id, read_version_id(call));
  TARN_ASSIGN(const ManagedPolicy policy, open_policy(call));
  return set_default(call, policy.arn, id);
}

Answer<void> delete_policy_version(QueryCall& call) {
  TARN_ASSIGN(const std::string id, read_version_id(call));
  TARN_ASSIGN(const ManagedPolicy policy, open_policy(call));
  TARN_TRY(change_policy(call, policy.arn, [&](ManagedPolicy& current) -> Answer<void> {
    const auto at = std::ranges::find(current.versions, id, &Version::id);
    if (at == current.versions.end()) return std::unexpected(no_version(current.arn, id));
    if (current.default_version == id)
      return refuse("DeleteConflict", 409, "Cannot delete the default version of a policy.");
    current.versions.erase(at);
    return {};
  }));
  return {};
}

Answer<void> tag_policy(QueryCall& call) {
  TARN_ASSIGN(const Tags tags, read_tags(call));
  access::Context context = call.context();
  add_request_tags(context, tags);
  TARN_ASSIGN(const ManagedPolicy policy, open_policy(call, std::move(context)));
  TARN_TRY(change_policy(call, policy.arn,
                         [&tags](ManagedPolicy& current) { return merge_tags(current.tags, tags); }));
  return {};
}

Answer<void> untag_policy(QueryCall& call) {
  TARN_ASSIGN(const std::vector<std::string> keys, read_tag_keys(call));
  access::Context context = call.context();
  add_request_tag_keys(context, keys);
  TARN_ASSIGN(const ManagedPolicy policy, open_policy(call, std::move(context)));
  TARN_TRY(change_policy(call, policy.arn, [&keys](ManagedPolicy& current) -> Answer<void> {
    for (const std::string& key : keys) current.tags.erase(key);
    return {};
  }));
  return {};
}

Answer<void> list_policy_tags(QueryCall& call) {
  TARN_ASSIGN(const ManagedPolicy policy, open_policy(call));
  return write_tag_page(call, policy.tags);
}

Answer<void> list_entities_for_policy(QueryCall& call) {
  TARN_ASSIGN(const Usage usage, read_usage(call));
  TARN_ASSIGN(const std::string prefix, read_path_prefix(call));
  const std::string filter = call.optional("EntityFilter");
  TARN_ASSIGN(const ManagedPolicy policy, open_policy(call));
  std::vector<Entity> found;
  auto gather = [&](const auto& entities, std::string_view word, std::string_view name_of_filter) {
    if (!filter.empty() && filter != name_of_filter) return;
    for (const auto& entity : entities)
      if (entity.path.starts_with(prefix) && uses(entity, policy.arn, usage))
        found.push_back({fmt::format("{} {}", word, entity.name), entity.name, entity.id});
  };
  gather(call.parts.identities.users(), "user", "User");
  gather(call.parts.identities.roles(), "role", "Role");
  std::ranges::sort(found, {}, &Entity::key);
  TARN_ASSIGN(const Page page, page_of(call, found, &Entity::key));
  auto write = [&](std::string_view list, std::string_view word, std::string_view name, std::string_view id) {
    call.out.open(list);
    for (size_t i = page.from; i < page.to; i++)
      if (found[i].key.starts_with(word))
        call.out.open("member").text(name, found[i].name).text(id, found[i].id).close();
    call.out.close();
  };
  call.out.open("PolicyGroups").close();
  write("PolicyUsers", "user ", "UserName", "UserId");
  write("PolicyRoles", "role ", "RoleName", "RoleId");
  page.write_end(call.out);
  return {};
}

}  // namespace tarn::aws::iam
