#include "access/specs.h"

#include <algorithm>
#include <cctype>
#include <span>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "access/identities_check.h"
#include "base/nearest.h"

namespace tarn::access {

namespace json = boost::json;

namespace {

std::unexpected<Error> wrong(std::string_view key, std::string_view what) {
  return fail(Code::kInvalid, fmt::format("{}: {}", key, what));
}

Result<json::object> object_of(const json::value& value, std::string_view what,
                               std::span<const std::string> keys) {
  if (value.is_null()) return json::object();
  if (!value.is_object()) return wrong(what, "a map is expected");
  for (const auto& member : value.get_object()) {
    std::string key(member.key());
    if (std::ranges::find(keys, key) == keys.end())
      return wrong(key, "there is no such key" + did_you_mean(key, keys));
  }
  return value.get_object();
}

// One text or a list of them.
Result<std::vector<std::string>> texts_of(const json::value& value, std::string_view key) {
  std::vector<std::string> out;
  if (value.is_string()) return std::vector<std::string>{std::string(value.get_string())};
  if (!value.is_array()) return wrong(key, "text or a list of text is expected");
  for (const json::value& item : value.get_array()) {
    if (!item.is_string()) return wrong(key, "a list of text is expected");
    out.emplace_back(item.get_string());
  }
  return out;
}

// Here too, so that a plan shows what could not be applied.
Status check_principal_name(const std::string& name) {
  TARN_TRY(check_name(name, "user name", kUserNameMax));
  if (same_without_case(name, kAnonymous) && name != kAnonymous)
    return fail(Code::kInvalid, fmt::format("user name '{}' is reserved; who comes without credentials is "
                                            "'{}'",
                                            name, kAnonymous));
  if (same_without_case(name, kRoot) || same_without_case(name, kSystem))
    return fail(Code::kInvalid,
                fmt::format("user name '{}' is reserved: it is the lake's own; take another", name));
  return {};
}

// As secrets.h says.
Status check_secret_name(const std::string& name) {
  auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("/_+=.@-").contains(c);
  };
  constexpr size_t kNameMax = 512;
  if (!name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, fits)) return {};
  return fail(
      Code::kInvalid,
      fmt::format("secret name: it must have 1 to {} of letters, digits and / _ + = . @ -", kNameMax));
}

}  // namespace

Result<PrincipalSpec> principal_spec_from_json(const std::string& name, const json::value& value) {
  TARN_TRY(check_principal_name(name));
  const std::vector<std::string> keys = {"roles", "tags"};
  TARN_ASSIGN(json::object object, object_of(value, "a principal", keys));
  PrincipalSpec spec;
  if (const json::value* roles = object.if_contains("roles")) {
    TARN_ASSIGN(spec.roles, texts_of(*roles, "roles"));
  }
  if (spec.roles.size() > kRolesOfUserMax)
    return wrong("roles",
                 fmt::format("{} of them, at most {} are taken", spec.roles.size(), kRolesOfUserMax));
  if (const json::value* tags = object.if_contains("tags")) {
    if (!tags->is_object()) return wrong("tags", "a map of text is expected");
    for (const auto& tag : tags->get_object()) {
      if (!tag.value().is_string()) return wrong("tags", "a map of text is expected");
      spec.tags[std::string(tag.key())] = std::string(tag.value().get_string());
    }
  }
  TARN_TRY(check_tags(spec.tags));
  return spec;
}

Result<RoleSpec> role_spec_from_json(const std::string& name, const json::value& value) {
  TARN_TRY(check_name(name, "role name", kUserNameMax));
  RoleSpec spec;
  if (value.is_null()) return spec;
  const json::value* grants = value.is_object() ? value.get_object().if_contains("grants") : &value;
  if (grants == nullptr || !grants->is_array())
    return wrong("a role", "a list of grants is expected, such as [ { select: raw.* } ]");
  TARN_ASSIGN(spec.grants, grants_from_json(json::serialize(*grants)));
  return spec;
}

Result<SecretSpec> secret_spec_from_json(const std::string& name, const json::value& value) {
  TARN_TRY(check_secret_name(name));
  const std::vector<std::string> keys = {"description"};
  TARN_ASSIGN(json::object object, object_of(value, "a secret", keys));
  SecretSpec spec;
  if (const json::value* description = object.if_contains("description")) {
    if (!description->is_string()) return wrong("description", "text is expected");
    spec.description = std::string(description->get_string());
  }
  TARN_TRY(check_description(spec.description));
  return spec;
}

json::value to_json(const PrincipalSpec& spec) {
  json::array roles;
  for (const std::string& role : spec.roles) roles.push_back(json::string(role));
  json::object out{{"roles", std::move(roles)}};
  if (spec.tags.empty()) return out;
  json::object tags;
  for (const auto& [key, value] : spec.tags) tags[key] = value;
  out["tags"] = std::move(tags);
  return out;
}

json::value to_json(const RoleSpec& spec) {
  return json::object{{"grants", json::parse(grants_to_json(spec.grants))}};
}

json::value to_json(const SecretSpec& spec) {
  json::object out;
  if (!spec.description.empty()) out["description"] = spec.description;
  return out;
}

PrincipalSpec spec_of(const User& user) {
  return {user.roles, user.tags};
}
RoleSpec spec_of(const Role& role) {
  return {role.grants};
}
SecretSpec spec_of(const SecretInfo& secret) {
  return {secret.description};
}

// In one transaction with what is there: IAM clients may change the same user meanwhile.
Status put_principal(Identities& identities, const std::string& name, const PrincipalSpec& spec,
                     Origin origin) {
  auto declare = [&](User& user) -> Status {
    user.origin = origin;
    user.roles = spec.roles;
    user.tags = spec.tags;
    return {};
  };
  Status changed = identities.change_user(name, declare);
  if (changed || identities.user(name)) return changed;
  User user;
  user.name = name;
  TARN_TRY(declare(user));
  return identities.create_user(std::move(user));
}

Status put_role(Identities& identities, const std::string& name, const RoleSpec& spec, Origin origin) {
  auto declare = [&](Role& role) -> Status {
    role.origin = origin;
    role.grants = spec.grants;
    return {};
  };
  Status changed = identities.change_role(name, declare);
  if (changed || identities.role(name)) return changed;
  Role role;
  role.name = name;
  TARN_TRY(declare(role));
  return identities.create_role(std::move(role));
}

}  // namespace tarn::access
