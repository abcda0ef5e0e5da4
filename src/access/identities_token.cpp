#include "access/identities_token.h"

#include <boost/json.hpp>
#include <openssl/crypto.h>

namespace tarn::access {
namespace {

namespace json = boost::json;

constexpr int64_t kForm = 1;

std::string purpose_of(std::string_view key_id) {
  return "session " + std::string(key_id);
}

std::unexpected<Error> damaged() {
  return fail(Code::kCorrupt, "the session token is damaged");
}

bool take_text(const json::object& object, std::string_view key, std::string& out) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return false;
  out = std::string(value->get_string());
  return true;
}

bool take_policies(const json::object& object, std::vector<std::string>& out) {
  const json::value* value = object.if_contains("policies");
  if (value == nullptr || !value->is_array()) return false;
  for (const json::value& item : value->get_array()) {
    if (!item.is_string()) return false;
    out.emplace_back(item.get_string());
  }
  return true;
}

bool take_tags(const json::object& object, std::map<std::string, std::string>& out) {
  const json::value* value = object.if_contains("tags");
  if (value == nullptr || !value->is_object()) return false;
  for (const auto& member : value->get_object()) {
    if (!member.value().is_string()) return false;
    out[std::string(member.key())] = std::string(member.value().get_string());
  }
  return true;
}

}  // namespace

std::string token_text(const SessionToken& token) {
  json::array policies;
  for (const std::string& policy : token.policies) policies.push_back(json::string(policy));
  json::object tags;
  for (const auto& [key, value] : token.tags) tags[key] = value;
  return json::serialize(json::object{{"v", kForm},
                                      {"secret", token.secret},
                                      {"role", token.of_role},
                                      {"owner", token.owner},
                                      {"owner_id", token.owner_id},
                                      {"session", token.session},
                                      {"expires", token.expires.us},
                                      {"policies", std::move(policies)},
                                      {"tags", std::move(tags)}});
}

Result<SessionToken> token_from_text(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) return damaged();
  const json::object& object = value.get_object();
  const json::value* form = object.if_contains("v");
  const json::value* role = object.if_contains("role");
  const json::value* expires = object.if_contains("expires");
  if (form == nullptr || !form->is_int64() || form->get_int64() != kForm || role == nullptr ||
      !role->is_bool() || expires == nullptr || !expires->is_int64())
    return damaged();
  SessionToken token;
  token.of_role = role->get_bool();
  token.expires = {expires->get_int64()};
  if (!take_text(object, "secret", token.secret) || !take_text(object, "owner", token.owner) ||
      !take_text(object, "owner_id", token.owner_id) || !take_text(object, "session", token.session) ||
      !take_policies(object, token.policies) || !take_tags(object, token.tags) || token.secret.empty())
    return damaged();
  return token;
}

Result<std::string> seal_token(const Sealer& sealer, std::string_view key_id, const SessionToken& token) {
  std::string text = token_text(token);
  Result<std::string> sealed = sealer.seal(text, purpose_of(key_id));
  OPENSSL_cleanse(text.data(), text.size());
  return sealed;
}

Result<SessionToken> open_token(const Sealer& sealer, std::string_view key_id, std::string_view token) {
  TARN_ASSIGN(std::string text, sealer.open(token, purpose_of(key_id)));
  Result<SessionToken> opened = token_from_text(text);
  OPENSSL_cleanse(text.data(), text.size());
  return opened;
}

}  // namespace tarn::access
