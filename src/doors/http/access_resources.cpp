// Principals, roles, keys and secrets as resources; and who the caller is.
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "access/grants.h"
#include "access/specs.h"
#include "doors/http/answers.h"
#include "doors/http/api.h"

namespace tarn::http {

namespace json = boost::json;

namespace {

std::string_view origin_name(access::Origin origin) {
  return origin == access::Origin::kFile ? "file" : "api";
}

json::value time_json(const std::optional<Timestamp>& time) {
  return time ? json::value(to_string(*time)) : json::value(nullptr);
}

void merge(json::object& out, const json::value& more) {
  for (const auto& member : more.get_object()) out[member.key()] = member.value();
}

json::object user_json(Api& api, const access::User& user) {
  json::object out{{"name", user.name}, {"id", user.id}};
  merge(out, access::to_json(access::spec_of(user)));
  json::array attached;
  for (const std::string& arn : user.attached) attached.push_back(json::string(arn));
  for (const access::NamedPolicy& policy : user.inline_policies)
    attached.push_back(json::string(policy.name));
  out["policies"] = std::move(attached);
  out["keys"] = api.parts.identities.keys(user.name).size();
  out["password"] = user.has_password;
  out["origin"] = origin_name(user.origin);
  out["created"] = to_string(user.created);
  return out;
}

json::object role_json(const access::Role& role) {
  json::object out{{"name", role.name}, {"id", role.id}};
  merge(out, access::to_json(access::spec_of(role)));
  json::array policies;
  for (const std::string& arn : role.attached) policies.push_back(json::string(arn));
  for (const access::NamedPolicy& policy : role.inline_policies)
    policies.push_back(json::string(policy.name));
  out["policies"] = std::move(policies);
  out["origin"] = origin_name(role.origin);
  out["created"] = to_string(role.created);
  return out;
}

json::object key_json(const access::AccessKey& key) {
  return {{"id", key.id},
          {"user", key.user},
          {"active", key.active},
          {"created", to_string(key.created)},
          {"used", time_json(key.used)},
          {"description", key.description}};
}

json::object secret_json(const access::SecretInfo& secret) {
  return {{"name", secret.name},
          {"description", secret.description},
          {"versions", secret.versions.size()},
          {"created", to_string(secret.created)},
          {"changed", time_json(secret.changed)},
          {"origin", origin_name(secret.origin)}};
}

// The body without what GET adds, so that an answer can be changed and sent back.
Result<json::object> spec_body(Api& api, Call& call, const std::string& what,
                               std::initializer_list<std::string_view> added) {
  TARN_ASSIGN(std::string text, read_text(call.request, api.parts.limits.statement_bytes_max, what));
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return json::object();
  TARN_ASSIGN(json::object body, parse_object(text, what));
  for (std::string_view key : added) body.erase(key);
  return body;
}

// Whose it is to be: as `?origin=` says (`tarn apply` says file), else whose it is, else the API's. It is no part of
// the body, so that what GET answers can be sent back by anybody without claiming it for a file.
template <typename There>
Result<access::Origin> origin_for(const Call& call, const Result<There>& have) {
  std::optional<std::string> asked = call.request.query("origin");
  if (!asked) return have ? have->origin : access::Origin::kApi;
  if (*asked == "file") return access::Origin::kFile;
  if (*asked == "api") return access::Origin::kApi;
  return fail(Code::kInvalid, "'origin' is file (a lake file declares it) or api");
}

Result<std::string> text_in(const json::object& body, std::string_view key) {
  const json::value* value = body.if_contains(key);
  if (value == nullptr || !value->is_string())
    return fail(Code::kInvalid, fmt::format("the body needs '{}', a text", key));
  return std::string(value->get_string());
}

}  // namespace

Status who_am_i(Api&, Call& call) {
  const access::Principal& who = call.principal;
  return send_json(call.responder, 200,
                   json::object{{"name", who.name}, {"arn", who.arn}, {"id", who.id}, {"key", who.key_id}});
}

Status list_principals(Api& api, Call& call) {
  json::array out;
  for (const access::User& user : api.parts.identities.users()) out.push_back(user_json(api, user));
  return send_json(call.responder, 200, json::object{{"principals", std::move(out)}});
}

Status get_principal(Api& api, Call& call) {
  TARN_ASSIGN(access::User user, api.parts.identities.user(call.parameter("principal")));
  return send_json(call.responder, 200, user_json(api, user));
}

Status put_principal(Api& api, Call& call) {
  const std::string& name = call.parameter("principal");
  TARN_ASSIGN(json::object body,
              spec_body(api, call, fmt::format("the definition of principal '{}'", name),
                        {"name", "id", "policies", "keys", "password", "origin", "created"}));
  TARN_ASSIGN(access::PrincipalSpec spec, access::principal_spec_from_json(name, body));
  auto have = api.parts.identities.user(name);
  TARN_ASSIGN(access::Origin origin, origin_for(call, have));
  TARN_TRY(access::put_principal(api.parts.identities, name, spec, origin));
  TARN_ASSIGN(access::User user, api.parts.identities.user(name));
  return send_json(call.responder, have ? 200 : 201, user_json(api, user));
}

Status delete_principal(Api& api, Call& call) {
  const std::string& name = call.parameter("principal");
  TARN_ASSIGN(access::User user, api.parts.identities.user(name));
  if (call.principal.arn == access::user_arn(user.name, user.path))
    return fail(Code::kConflict, "this is who you are: remove it as somebody else");
  TARN_TRY(api.parts.identities.remove_user(name, true));
  return send_empty(call.responder);
}

Status put_password(Api& api, Call& call) {
  const std::string& name = call.parameter("principal");
  TARN_ASSIGN(json::object body,
              read_object(call.request, api.parts.limits.statement_bytes_max, "the password"));
  const json::value* password = body.if_contains("password");
  if (password == nullptr || !(password->is_string() || password->is_null()))
    return fail(Code::kInvalid, "the body needs 'password', a text, or null to take it away");
  std::optional<std::string> given;
  if (password->is_string()) given = std::string(password->get_string());
  TARN_TRY(api.parts.identities.set_password(name, std::move(given)));
  return send_empty(call.responder);
}

Status list_roles(Api& api, Call& call) {
  json::array out;
  for (const access::Role& role : api.parts.identities.roles()) out.push_back(role_json(role));
  return send_json(call.responder, 200, json::object{{"roles", std::move(out)}});
}

Status get_role(Api& api, Call& call) {
  TARN_ASSIGN(access::Role role, api.parts.identities.role(call.parameter("role")));
  return send_json(call.responder, 200, role_json(role));
}

Status put_role(Api& api, Call& call) {
  const std::string& name = call.parameter("role");
  TARN_ASSIGN(json::object body, spec_body(api, call, fmt::format("the definition of role '{}'", name),
                                           {"name", "id", "policies", "origin", "created"}));
  TARN_ASSIGN(access::RoleSpec spec,
              access::role_spec_from_json(name, body.empty() ? json::value(nullptr) : json::value(body)));
  auto have = api.parts.identities.role(name);
  TARN_ASSIGN(access::Origin origin, origin_for(call, have));
  TARN_TRY(access::put_role(api.parts.identities, name, spec, origin));
  TARN_ASSIGN(access::Role role, api.parts.identities.role(name));
  return send_json(call.responder, have ? 200 : 201, role_json(role));
}

Status delete_role(Api& api, Call& call) {
  TARN_TRY(api.parts.identities.remove_role(call.parameter("role"), true));
  return send_empty(call.responder);
}

Status list_keys(Api& api, Call& call) {
  std::optional<std::string> user = call.request.query("user");
  if (user && *user != "root") TARN_TRY(api.parts.identities.user(*user));
  json::array out;
  for (const access::AccessKey& key : api.parts.identities.keys(user)) out.push_back(key_json(key));
  return send_json(call.responder, 200, json::object{{"keys", std::move(out)}});
}

Status post_key(Api& api, Call& call) {
  TARN_ASSIGN(json::object body, spec_body(api, call, "the key", {}));
  std::string user = call.principal.name;
  std::string description;
  if (body.contains("user")) {
    TARN_ASSIGN(user, text_in(body, "user"));
  } else if (call.principal.kind == access::PrincipalKind::kSession) {
    return fail(Code::kInvalid, "a role's session has no keys of its own: say whose key it is to be");
  }
  if (body.contains("description")) {
    TARN_ASSIGN(description, text_in(body, "description"));
  }
  TARN_ASSIGN(access::NewAccessKey made, api.parts.identities.create_key(user, description));
  json::object out = key_json(made.key);
  out["secret"] = made.secret;
  return send_json(call.responder, 201, out);
}

Status put_key(Api& api, Call& call) {
  TARN_ASSIGN(json::object body, read_object(call.request, api.parts.limits.statement_bytes_max, "the key"));
  const json::value* active = body.if_contains("active");
  if (active == nullptr || !active->is_bool())
    return fail(Code::kInvalid, "the body needs 'active', true or false");
  const std::string& id = call.parameter("key");
  if (!active->get_bool() && id == call.principal.key_id)
    return fail(Code::kConflict, "this is the key that you came with: disable it with another one");
  TARN_TRY(api.parts.identities.set_key_active(id, active->get_bool()));
  return send_empty(call.responder);
}

Status delete_key(Api& api, Call& call) {
  if (call.parameter("key") == call.principal.key_id)
    return fail(Code::kConflict, "this is the key that you came with: delete it with another one");
  TARN_TRY(api.parts.identities.remove_key(call.parameter("key")));
  return send_empty(call.responder);
}

Status list_secrets(Api& api, Call& call) {
  TARN_ASSIGN(std::vector<access::SecretInfo> secrets, api.parts.secrets.list());
  json::array out;
  for (const access::SecretInfo& secret : secrets) out.push_back(secret_json(secret));
  return send_json(call.responder, 200, json::object{{"secrets", std::move(out)}});
}

Status put_secret(Api& api, Call& call) {
  const std::string& name = call.parameter("secret");
  TARN_ASSIGN(json::object body, spec_body(api, call, fmt::format("the definition of secret '{}'", name),
                                           {"name", "versions", "created", "changed", "origin"}));
  TARN_ASSIGN(access::SecretSpec spec, access::secret_spec_from_json(name, body));
  auto have = api.parts.secrets.info(name);
  TARN_ASSIGN(access::Origin origin, origin_for(call, have));
  TARN_TRY(api.parts.secrets.declare(name, spec.description, origin));
  TARN_ASSIGN(access::SecretInfo secret, api.parts.secrets.info(name));
  return send_json(call.responder, have ? 200 : 201, secret_json(secret));
}

Status delete_secret(Api& api, Call& call) {
  TARN_TRY(api.parts.secrets.remove(call.parameter("secret")));
  return send_empty(call.responder);
}

Status get_secret_value(Api& api, Call& call) {
  const std::string& name = call.parameter("secret");
  TARN_ASSIGN(std::string value, api.parts.secrets.value(name));
  return call.responder.send(200, {{"Content-Type", std::string(kJsonType)}, {"Cache-Control", "no-store"}},
                             json::serialize(json::object{{"name", name}, {"value", value}}) + "\n");
}

Status put_secret_value(Api& api, Call& call) {
  TARN_ASSIGN(json::object body,
              read_object(call.request, api.parts.limits.statement_bytes_max, "the secret"));
  TARN_ASSIGN(std::string value, text_in(body, "value"));
  TARN_ASSIGN(access::SecretInfo secret, api.parts.secrets.set(call.parameter("secret"), value));
  return send_json(call.responder, 200, secret_json(secret));
}

Status rotate_secret(Api& api, Call& call) {
  constexpr size_t kLength = 32;
  TARN_ASSIGN(json::object body, spec_body(api, call, "the rotation", {}));
  size_t length = kLength;
  if (const json::value* given = body.if_contains("length")) {
    json::error_code error;
    length = given->to_number<size_t>(error);
    if (error || length < 8 || length > 4096)
      return fail(Code::kInvalid, "'length' is a number of characters from 8 to 4096");
  }
  TARN_ASSIGN(access::SecretInfo secret, api.parts.secrets.rotate(call.parameter("secret"), length));
  return send_json(call.responder, 200, secret_json(secret));
}

Status rekey(Api& api, Call& call) {
  TARN_TRY(api.parts.sealer.rekey([&]() -> Status {
    TARN_TRY(api.parts.identities.reseal());
    return api.parts.secrets.reseal();
  }));
  return send_empty(call.responder);
}

}  // namespace tarn::http
