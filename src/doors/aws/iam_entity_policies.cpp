// Inline policies, attached policies, boundaries and tags: the same for users and roles.
#include <fmt/format.h>

#include "doors/aws/iam_operations.h"
#include "doors/aws/iam_parts.h"

namespace tarn::aws::iam {

namespace {

using access::NamedPolicy;
using access::Role;
using access::User;

Answer<std::string> read_policy_name(const QueryCall& call) {
  TARN_ASSIGN(std::string name, call.required("PolicyName"));
  TARN_TRY(check_name(name, "PolicyName", 128));
  return name;
}

template <typename E>
ServiceError no_inline_policy(std::string_view name) {
  return {"NoSuchEntity", 404,
          fmt::format("The {} policy with name {} cannot be found.", Kind<E>::kWord, name)};
}

template <typename E>
Answer<void> set_inline_policy(E& entity, const NamedPolicy& policy) {
  auto& all = entity.inline_policies;
  const auto at = std::ranges::find(all, policy.name, &NamedPolicy::name);
  if (at != all.end()) {
    at->document = policy.document;
  } else {
    all.push_back(policy);
  }
  size_t bytes = 0;
  for (const NamedPolicy& p : all) bytes += policy_bytes(p.document);
  if (bytes > Kind<E>::kPolicyBytesMax)
    return refuse("LimitExceeded", 409,
                  fmt::format("Maximum policy size of {} bytes exceeded for {} {}", Kind<E>::kPolicyBytesMax,
                              Kind<E>::kWord, entity.name));
  return {};
}

// To change what it may do. The boundary that it has is a condition's key: with it administration is delegated.
template <typename E>
Answer<E> open_for_policy(QueryCall& call, access::Context context) {
  TARN_ASSIGN(const std::string name, call.required(Kind<E>::kParameter));
  TARN_TRY(check_name(name, Kind<E>::kParameter, Kind<E>::kNameMax));
  if (auto found = Kind<E>::find(call.parts.identities, name); found && !found->boundary.empty())
    context.set("iam:PermissionsBoundary", found->boundary);
  return open_to_change<E>(call, std::move(context));
}

template <typename E>
Answer<E> open_for_policy(QueryCall& call, const std::string& arn) {
  access::Context context = call.context();
  context.set("iam:PolicyARN", arn);
  return open_for_policy<E>(call, std::move(context));
}

}  // namespace

template <typename E>
Answer<void> put_inline_policy(QueryCall& call) {
  NamedPolicy policy;
  TARN_ASSIGN(policy.name, read_policy_name(call));
  TARN_ASSIGN(policy.document, call.required("PolicyDocument"));
  TARN_ASSIGN(const E entity, open_for_policy<E>(call, call.context()));
  TARN_TRY(check_document(policy.document, access::PolicyKind::kIdentity, policy.name));
  return change_entity<E>(call, entity, [&policy](E& current) { return set_inline_policy(current, policy); });
}

template <typename E>
Answer<void> get_inline_policy(QueryCall& call) {
  TARN_ASSIGN(const std::string name, read_policy_name(call));
  TARN_ASSIGN(const E entity, open_entity<E>(call));
  const auto at = std::ranges::find(entity.inline_policies, name, &NamedPolicy::name);
  if (at == entity.inline_policies.end()) return std::unexpected(no_inline_policy<E>(name));
  call.out.text(Kind<E>::kParameter, entity.name).text("PolicyName", at->name);
  call.out.text("PolicyDocument", url_encoded(at->document));
  return {};
}

template <typename E>
Answer<void> delete_inline_policy(QueryCall& call) {
  TARN_ASSIGN(const std::string name, read_policy_name(call));
  TARN_ASSIGN(const E entity, open_for_policy<E>(call, call.context()));
  return change_entity<E>(call, entity, [&name](E& current) -> Answer<void> {
    const size_t gone =
        std::erase_if(current.inline_policies, [&](const NamedPolicy& p) { return p.name == name; });
    if (gone == 0) return std::unexpected(no_inline_policy<E>(name));
    return {};
  });
}

template <typename E>
Answer<void> list_inline_policies(QueryCall& call) {
  TARN_ASSIGN(const E entity, open_entity<E>(call));
  std::vector<NamedPolicy> policies = entity.inline_policies;
  std::ranges::sort(policies, {}, &NamedPolicy::name);
  TARN_ASSIGN(const Page page, page_of(call, policies, &NamedPolicy::name));
  call.out.open("PolicyNames");
  for (size_t i = page.from; i < page.to; i++) call.out.text("member", policies[i].name);
  call.out.close();
  page.write_end(call.out);
  return {};
}

template <typename E>
Answer<void> attach_policy(QueryCall& call) {
  TARN_ASSIGN(const std::string arn, read_policy_arn(call, "PolicyArn"));
  TARN_ASSIGN(const E entity, open_for_policy<E>(call, arn));
  TARN_TRY(find_policy(call, arn));
  return change_entity<E>(call, entity, [&arn](E& current) -> Answer<void> {
    if (std::ranges::find(current.attached, arn) != current.attached.end()) return {};
    if (current.attached.size() >= access::kAttachedMax)
      return refuse(
          "LimitExceeded", 409,
          fmt::format("Cannot exceed quota for PoliciesPer{}: {}", Kind<E>::kTitle, access::kAttachedMax));
    current.attached.push_back(arn);
    return {};
  });
}

template <typename E>
Answer<void> detach_policy(QueryCall& call) {
  TARN_ASSIGN(const std::string arn, read_policy_arn(call, "PolicyArn"));
  TARN_ASSIGN(const E entity, open_for_policy<E>(call, arn));
  return change_entity<E>(call, entity, [&arn](E& current) -> Answer<void> {
    if (std::erase(current.attached, arn) == 0)
      return refuse("NoSuchEntity", 404, fmt::format("Policy {} was not found.", arn));
    return {};
  });
}

template <typename E>
Answer<void> list_attached_policies(QueryCall& call) {
  TARN_ASSIGN(const std::string prefix, read_path_prefix(call));
  TARN_ASSIGN(const E entity, open_entity<E>(call));
  std::vector<std::string> names;
  std::map<std::string, std::string> arns;  // by name: names of policies are unique in an account
  for (const std::string& arn : entity.attached) {
    const size_t path = arn.find('/');
    if (path == std::string::npos || !std::string_view(arn).substr(path).starts_with(prefix)) continue;
    arns[policy_name_of(arn)] = arn;
  }
  names.reserve(arns.size());
  for (const auto& [name, arn] : arns) names.push_back(name);
  TARN_ASSIGN(const Page page, find_page(call, names));
  call.out.open("AttachedPolicies");
  for (size_t i = page.from; i < page.to; i++)
    call.out.open("member").text("PolicyName", names[i]).text("PolicyArn", arns[names[i]]).close();
  call.out.close();
  page.write_end(call.out);
  return {};
}

template <typename E>
Answer<void> put_boundary(QueryCall& call) {
  TARN_ASSIGN(const std::string arn, read_policy_arn(call, "PermissionsBoundary"));
  access::Context context = call.context();
  context.set("iam:PermissionsBoundary", arn);
  TARN_ASSIGN(const E entity, open_to_change<E>(call, std::move(context)));
  TARN_TRY(find_policy(call, arn));
  return change_entity<E>(call, entity, [&arn](E& current) -> Answer<void> {
    current.boundary = arn;
    return {};
  });
}

template <typename E>
Answer<void> delete_boundary(QueryCall& call) {
  TARN_ASSIGN(const E entity, open_for_policy<E>(call, call.context()));
  return change_entity<E>(call, entity, [](E& current) -> Answer<void> {
    if (current.boundary.empty())
      return refuse(
          "NoSuchEntity", 404,
          fmt::format("{} {} does not have a permissions boundary.", Kind<E>::kTitle, current.name));
    current.boundary.clear();
    return {};
  });
}

template <typename E>
Answer<void> tag(QueryCall& call) {
  TARN_ASSIGN(const Tags tags, read_tags(call));
  access::Context context = call.context();
  add_request_tags(context, tags);
  TARN_ASSIGN(const E entity, open_to_change<E>(call, std::move(context)));
  return change_entity<E>(call, entity, [&tags](E& current) { return merge_tags(current.tags, tags); });
}

template <typename E>
Answer<void> untag(QueryCall& call) {
  TARN_ASSIGN(const std::vector<std::string> keys, read_tag_keys(call));
  access::Context context = call.context();
  add_request_tag_keys(context, keys);
  TARN_ASSIGN(const E entity, open_to_change<E>(call, std::move(context)));
  return change_entity<E>(call, entity, [&keys](E& current) -> Answer<void> {
    for (const std::string& key : keys) current.tags.erase(key);
    return {};
  });
}

template <typename E>
Answer<void> list_tags(QueryCall& call) {
  TARN_ASSIGN(const E entity, open_entity<E>(call));
  return write_tag_page(call, entity.tags);
}

template Answer<void> put_inline_policy<User>(QueryCall&);
template Answer<void> put_inline_policy<Role>(QueryCall&);
template Answer<void> get_inline_policy<User>(QueryCall&);
template Answer<void> get_inline_policy<Role>(QueryCall&);
template Answer<void> delete_inline_policy<User>(QueryCall&);
template Answer<void> delete_inline_policy<Role>(QueryCall&);
template Answer<void> list_inline_policies<User>(QueryCall&);
template Answer<void> list_inline_policies<Role>(QueryCall&);
template Answer<void> attach_policy<User>(QueryCall&);
template Answer<void> attach_policy<Role>(QueryCall&);
template Answer<void> detach_policy<User>(QueryCall&);
template Answer<void> detach_policy<Role>(QueryCall&);
template Answer<void> list_attached_policies<User>(QueryCall&);
template Answer<void> list_attached_policies<Role>(QueryCall&);
template Answer<void> put_boundary<User>(QueryCall&);
template Answer<void> put_boundary<Role>(QueryCall&);
template Answer<void> delete_boundary<User>(QueryCall&);
template Answer<void> delete_boundary<Role>(QueryCall&);
template Answer<void> tag<User>(QueryCall&);
template Answer<void> tag<Role>(QueryCall&);
template Answer<void> untag<User>(QueryCall&);
template Answer<void> untag<Role>(QueryCall&);
template Answer<void> list_tags<User>(QueryCall&);
template Answer<void> list_tags<Role>(QueryCall&);

}  // namespace tarn::aws::iam
