// What IAM's operations share: names, tags, policy documents, pages, and users and roles as entities.
//
// Threads: pure but for reading and changing identities.
// Fails: IAM's errors: ValidationError, NoSuchEntity, UnmodifiableEntity, LimitExceeded, MalformedPolicyDocument.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "access/grants.h"
#include "access/identities.h"
#include "doors/aws/query_protocol.h"

namespace tarn::aws::iam {

inline constexpr size_t kKeysMax = 2;  // of one user that IAM makes; the commands may make more

using Tags = std::map<std::string, std::string>;

Answer<void> check_name(std::string_view value, std::string_view parameter, size_t max);
// The parameter Path, "/" without it.
Answer<std::string> read_path(const QueryCall& call, std::string_view parameter);
// "/" without it.
Answer<std::string> read_path_prefix(const QueryCall& call);

Answer<Tags> read_tags(const QueryCall& call);
Answer<std::vector<std::string>> read_tag_keys(const QueryCall& call);
Answer<void> merge_tags(Tags& tags, const Tags& more);           // LimitExceeded past access::kTagsMax
void write_tags(QueryCall& call, const Tags& tags);              // <Tags>, left out when there are none
Answer<void> write_tag_page(QueryCall& call, const Tags& tags);  // an answer of a ListXTags
void add_request_tags(access::Context& context, const Tags& tags);
void add_request_tag_keys(access::Context& context, const std::vector<std::string>& keys);
void add_resource_tags(access::Context& context, const Tags& tags);

// MalformedPolicyDocument (400) with where and why.
Answer<void> check_document(std::string_view json, access::PolicyKind kind, std::string_view name);
size_t policy_bytes(std::string_view document);  // without blanks, as IAM counts
std::string url_encoded(std::string_view text);  // RFC 3986: how documents stand in answers

Answer<std::string> read_policy_arn(const QueryCall& call, std::string_view parameter);
// A managed policy that can be attached; NoSuchEntity.
Answer<access::ManagedPolicy> find_policy(const QueryCall& call, const std::string& arn);
std::string policy_name_of(std::string_view arn);

// One page of what is sorted by `key`, after Marker. Call write_end() behind the list's element.
struct Page {
  size_t from = 0;
  size_t to = 0;
  bool more = false;
  std::string marker;
  void write_end(XmlWriter& out) const;
};
Answer<Page> find_page(const QueryCall& call, const std::vector<std::string>& sorted_keys);

template <typename T, typename Key>
Answer<Page> page_of(const QueryCall& call, const std::vector<T>& sorted, Key key) {
  std::vector<std::string> keys;
  keys.reserve(sorted.size());
  for (const T& item : sorted) keys.push_back(std::invoke(key, item));
  return find_page(call, keys);
}

// Users and roles, as the operations on both see them.
template <typename E>
struct Kind;

template <>
struct Kind<access::User> {
  static constexpr std::string_view kWord = "user";
  static constexpr std::string_view kTitle = "User";
  static constexpr std::string_view kParameter = "UserName";
  static constexpr size_t kNameMax = 128;  // of a name that is looked up
  static constexpr size_t kPolicyBytesMax = access::kInlineCharactersOfUserMax;
  static std::string arn(std::string_view name, std::string_view path) {
    return access::user_arn(name, path);
  }
  static Result<access::User> find(access::Identities& all, std::string_view name) { return all.user(name); }
  static Status change(access::Identities& all, std::string_view name,
                       const std::function<Status(access::User&)>& edit) {
    return all.change_user(name, edit);
  }
};

template <>
struct Kind<access::Role> {
  static constexpr std::string_view kWord = "role";
  static constexpr std::string_view kTitle = "Role";
  static constexpr std::string_view kParameter = "RoleName";
  static constexpr size_t kNameMax = 64;
  static constexpr size_t kPolicyBytesMax = access::kInlineCharactersOfRoleMax;
  static std::string arn(std::string_view name, std::string_view path) {
    return access::role_arn(name, path);
  }
  static Result<access::Role> find(access::Identities& all, std::string_view name) { return all.role(name); }
  static Status change(access::Identities& all, std::string_view name,
                       const std::function<Status(access::Role&)>& edit) {
    return all.change_role(name, edit);
  }
};

template <typename E>
std::string arn_of(const E& entity) {
  return Kind<E>::arn(entity.name, entity.path);
}

ServiceError no_such(std::string_view word,
                     std::string_view name);  // "The user with name x cannot be found."
ServiceError unmodifiable(std::string_view word, std::string_view name);

// The entity that the request names, once the guard allows the action on it. Who may not learns nothing of
// whether it is there. `context`: what is known beside the entity's own tags.
template <typename E>
Answer<E> open_entity(QueryCall& call, std::string_view name, access::Context context) {
  TARN_TRY(check_name(name, Kind<E>::kParameter, Kind<E>::kNameMax));
  Result<E> found = Kind<E>::find(call.parts.identities, name);
  if (!found && found.error().code != Code::kNotFound) return std::unexpected(ServiceError(found.error()));
  if (found) add_resource_tags(context, found->tags);
  TARN_TRY(call.allow(Kind<E>::arn(name, found ? found->path : "/"), context));
  if (!found) return std::unexpected(no_such(Kind<E>::kWord, name));
  return *std::move(found);
}

template <typename E>
Answer<E> open_entity(QueryCall& call) {
  TARN_ASSIGN(const std::string name, call.required(Kind<E>::kParameter));
  return open_entity<E>(call, name, call.context());
}

// The same for a change: what the lake file declares is changed there.
template <typename E>
Answer<E> open_to_change(QueryCall& call, access::Context context) {
  TARN_ASSIGN(const std::string name, call.required(Kind<E>::kParameter));
  TARN_ASSIGN(E entity, open_entity<E>(call, name, std::move(context)));
  if (entity.origin == access::Origin::kFile)
    return std::unexpected(unmodifiable(Kind<E>::kWord, entity.name));
  return entity;
}

// Edits it in a transaction; an edit that fails changes nothing.
template <typename E>
Answer<void> change_entity(QueryCall& call, const E& entity, const std::function<Answer<void>(E&)>& edit) {
  Answer<void> answer;
  const Status status = Kind<E>::change(call.parts.identities, entity.name, [&](E& current) -> Status {
    answer = edit(current);
    if (!answer) return fail(Code::kCancelled, answer.error().message);
    return {};
  });
  if (!answer) return answer;
  if (!status && status.error().code == Code::kNotFound)
    return std::unexpected(no_such(Kind<E>::kWord, entity.name));
  TARN_TRY(status);
  return {};
}

void write_boundary(QueryCall& call, const std::string& boundary_arn);  // nothing when there is none

}  // namespace tarn::aws::iam
