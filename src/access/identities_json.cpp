#include "access/identities_json.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/logging.h"

namespace tarn::access {
namespace {

namespace json = boost::json;
using Tags = std::map<std::string, std::string>;

json::string text_of(std::string_view text) {
  return json::string(text.data(), text.size());
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.push_back(text_of(text));
  return out;
}

json::object object_of(const Tags& tags) {
  json::object out;
  for (const auto& [key, value] : tags) out[key] = text_of(value);
  return out;
}

json::array array_of(const std::vector<NamedPolicy>& policies) {
  json::array out;
  for (const NamedPolicy& policy : policies)
    out.push_back(json::object{{"name", text_of(policy.name)}, {"document", text_of(policy.document)}});
  return out;
}

// What users and roles have in common.
template <typename Owner>
json::object common_of(const Owner& owner) {
  return {{"path", text_of(owner.path)},
          {"id", text_of(owner.id)},
          {"origin", owner.origin == Origin::kFile ? "file" : "api"},
          {"created", owner.created.us},
          {"tags", object_of(owner.tags)},
          {"inline", array_of(owner.inline_policies)},
          {"attached", array_of(owner.attached)},
          {"boundary", text_of(owner.boundary)}};
}

// Reads members and remembers whether one was of the wrong type.
class Reader {
 public:
  Reader(std::string what, std::string_view text) : what_(std::move(what)) {
    boost::system::error_code error;
    value_ = json::parse(text, error);
    damaged_ = error.failed() || !value_.is_object();
    if (damaged_) value_ = json::object();
  }
  Reader(std::string what, const json::value& value) : what_(std::move(what)), value_(value) {
    damaged_ = !value_.is_object();
    if (damaged_) value_ = json::object();
  }

  std::string text(std::string_view key, std::string otherwise = {}) {
    const json::value* value = value_.get_object().if_contains(key);
    if (value == nullptr) return otherwise;
    if (value->is_string()) return std::string(value->get_string());
    damaged_ = true;
    return otherwise;
  }

  int64_t number(std::string_view key, int64_t otherwise = 0) {
    const json::value* value = value_.get_object().if_contains(key);
    if (value == nullptr) return otherwise;
    if (value->is_int64()) return value->get_int64();
    damaged_ = true;
    return otherwise;
  }

  std::vector<std::string> texts(std::string_view key) {
    std::vector<std::string> out;
    for (const json::value& item : array(key)) {
      damaged_ = damaged_ || !item.is_string();
      if (item.is_string()) out.emplace_back(item.get_string());
    }
    return out;
  }

  Tags tags(std::string_view key) {
    Tags out;
    const json::value* value = value_.get_object().if_contains(key);
    if (value == nullptr) return out;
    damaged_ = damaged_ || !value->is_object();
    if (!value->is_object()) return out;
    for (const auto& member : value->get_object()) {
      damaged_ = damaged_ || !member.value().is_string();
      if (member.value().is_string())
        out[std::string(member.key())] = std::string(member.value().get_string());
    }
    return out;
  }

  json::array array(std::string_view key) {
    const json::value* value = value_.get_object().if_contains(key);
    if (value == nullptr) return {};
    damaged_ = damaged_ || !value->is_array();
    return value->is_array() ? value->get_array() : json::array();
  }

  void absorb(const Reader& other) { damaged_ = damaged_ || other.damaged_; }
  const std::string& what() const { return what_; }

  Status end() const {
    if (!damaged_) return {};
    return fail(Code::kCorrupt, fmt::format("the stored definition of {} is damaged", what_));
  }

 private:
  std::string what_;
  json::value value_;
  bool damaged_ = false;
};

template <typename Owner>
void read_common(Reader& reader, Owner& owner) {
  owner.path = reader.text("path", "/");
  owner.id = reader.text("id");
  owner.origin = reader.text("origin") == "file" ? Origin::kFile : Origin::kApi;
  owner.created = {reader.number("created")};
  owner.tags = reader.tags("tags");
  for (const json::value& item : reader.array("inline")) {
    Reader policy(reader.what(), item);
    owner.inline_policies.push_back({policy.text("name"), policy.text("document")});
    reader.absorb(policy);
  }
  owner.attached = reader.texts("attached");
  owner.boundary = reader.text("boundary");
}

}  // namespace

std::string stored_form(const User& user) {
  json::object out = common_of(user);
  out["roles"] = array_of(user.roles);
  return json::serialize(out);
}

std::string stored_form(const Role& role) {
  json::object out = common_of(role);
  out["description"] = text_of(role.description);
  out["grants"] = text_of(grants_to_json(role.grants));
  out["trust"] = text_of(role.trust);
  out["session_max"] = role.session_max.count();
  return json::serialize(out);
}

std::string stored_form(const PolicyEntry& entry) {
  const ManagedPolicy& policy = entry.policy;
  json::array versions;
  for (const ManagedPolicy::Version& version : policy.versions) {
    versions.push_back(json::object{{"id", text_of(version.id)},
                                    {"document", text_of(version.document)},
                                    {"created", version.created.us}});
  }
  return json::serialize(json::object{{"name", text_of(policy.name)},
                                      {"path", text_of(policy.path)},
                                      {"id", text_of(policy.id)},
                                      {"description", text_of(policy.description)},
                                      {"created", policy.created.us},
                                      {"updated", policy.updated.us},
                                      {"tags", object_of(policy.tags)},
                                      {"versions", std::move(versions)},
                                      {"default", text_of(policy.default_version)},
                                      {"made", entry.versions_made}});
}

Result<User> stored_user(std::string_view name, std::string_view text) {
  Reader reader(fmt::format("user {}", name), text);
  User user;
  user.name = name;
  read_common(reader, user);
  user.roles = reader.texts("roles");
  TARN_TRY(reader.end());
  return user;
}

Result<Role> stored_role(std::string_view name, std::string_view text) {
  Reader reader(fmt::format("role {}", name), text);
  Role role;
  role.name = name;
  read_common(reader, role);
  role.description = reader.text("description");
  role.trust = reader.text("trust");
  role.session_max = Duration(reader.number("session_max", kShortSession.count()));
  Result<std::vector<Grant>> grants = grants_from_json(reader.text("grants", "[]"));
  if (grants) {
    role.grants = *std::move(grants);
  } else {
    // Grants only allow: without them the role may do less, and the lake starts.
    TARN_LOG(error,
             "the grants of role {} can't be read, and it grants nothing until they are given again: {}",
             name, grants.error().message);
  }
  TARN_TRY(reader.end());
  return role;
}

Result<PolicyEntry> stored_policy(std::string_view arn, std::string_view text) {
  Reader reader(fmt::format("policy {}", arn), text);
  PolicyEntry entry;
  ManagedPolicy& policy = entry.policy;
  policy.arn = arn;
  policy.name = reader.text("name");
  policy.path = reader.text("path", "/");
  policy.id = reader.text("id");
  policy.description = reader.text("description");
  policy.created = {reader.number("created")};
  policy.updated = {reader.number("updated")};
  policy.tags = reader.tags("tags");
  for (const json::value& item : reader.array("versions")) {
    Reader version(reader.what(), item);
    policy.versions.push_back(
        {version.text("id"), version.text("document"), Timestamp{version.number("created")}});
    reader.absorb(version);
  }
  policy.default_version = reader.text("default");
  entry.versions_made = static_cast<int>(reader.number("made", 1));
  TARN_TRY(reader.end());
  return entry;
}

}  // namespace tarn::access
