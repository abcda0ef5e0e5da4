#include "access/grants.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "access/policy_pattern.h"
#include "access/principal.h"
#include "base/nearest.h"

namespace tarn::access {

namespace json = boost::json;

namespace {

constexpr std::string_view kS3 = "s3://";

struct Row {
  Right right;
  std::string_view name;
  std::string_view takes;  // for messages
};
constexpr auto kRights = std::to_array<Row>({
    {Right::kSelect, "select", "tables such as raw.clicks, raw.* or *"},
    {Right::kInsert, "insert", "tables such as raw.clicks, raw.* or *"},
    {Right::kPut, "put", "streams such as clicks, web-* or *"},
    {Right::kRead, "read", "objects such as s3://reports/2026/*, s3://reports or *"},
    {Right::kWrite, "write", "objects such as s3://reports/in/*, s3://reports or *"},
    {Right::kUse, "use", "secrets such as warehouse-password, warehouse-* or *"},
    {Right::kAssume, "assume", "roles such as loader, or *"},
    {Right::kAdmin, "admin", "\"*\" only"},
});

std::optional<Right> right_of(std::string_view name) {
  const auto place = std::ranges::find(kRights, name, &Row::name);
  if (place == kRights.end()) return std::nullopt;
  return place->right;
}

// Only '*' is a wildcard here: '?' is itself. Variables stay.
std::string pattern_of(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = variable_end(text, i);
    if (end != std::string_view::npos) {
      out += text.substr(i, end - i);
      i = end - 1;
    } else if (text[i] == '?') {
      out += "${?}";
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Objects {
  std::string bucket;
  std::string key;  // patterns both
};

// s3://bucket, s3://bucket/key*; "*" is everything. A '*' of an ARN runs across '/', so that in a bucket's name it
// means what it says only when all of the bucket's objects are meant.
Result<Objects> objects_of(std::string_view on) {
  if (on == "*") return Objects{"*", "*"};
  if (!on.starts_with(kS3)) return fail(Code::kInvalid, "it begins with s3://");
  on.remove_prefix(kS3.size());
  const size_t slash = std::min(on.find('/'), on.size());
  Objects objects{std::string(on.substr(0, slash)), "*"};
  if (slash + 1 < on.size()) objects.key = on.substr(slash + 1);
  if (objects.bucket.empty()) return fail(Code::kInvalid, "the bucket's name is missing");
  const size_t star = objects.bucket.find('*');
  const bool legal =
      objects.bucket.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-*") == std::string::npos;
  if (!legal) return fail(Code::kInvalid, fmt::format("'{}' is no name of a bucket", objects.bucket));
  if (star != std::string::npos && (star + 1 != objects.bucket.size() || objects.key != "*"))
    return fail(Code::kInvalid,
                "in a bucket's name '*' stands at the end, and all objects are meant: s3://team-*");
  if (objects.key.ends_with('/'))
    return fail(Code::kInvalid,
                fmt::format("for everything below it write s3://{}/{}*", objects.bucket, objects.key));
  TARN_TRY(check_variables(objects.key));
  return objects;
}

Status check_table(std::string_view on) {
  if (on == "*") return {};
  const size_t dot = on.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == on.size())
    return fail(Code::kInvalid, "a table is written database.table");
  if (on.find_first_of("/?") != std::string_view::npos)
    return fail(Code::kInvalid, "a table's name has no '/' or '?'");
  return {};
}

Status check(const Grant& grant) {
  switch (grant.right) {
    case Right::kSelect:
    case Right::kInsert:
      return check_table(grant.on);
    case Right::kRead:
    case Right::kWrite: {
      TARN_TRY(objects_of(grant.on));
      return {};
    }
    case Right::kPut:
    case Right::kUse:
      if (grant.on.find('?') == std::string::npos) return {};
      return fail(Code::kInvalid, "'?' is no wildcard here");
    case Right::kAssume:
      if (grant.on == "*" || grant.on.find_first_of("*?/:") == std::string::npos) return {};
      return fail(Code::kInvalid, "it is one role's name, or '*' alone");
    case Right::kAdmin:
      if (grant.on == "*") return {};
      return fail(Code::kInvalid, "whoever may do some things only isn't an admin");
  }
  return {};
}

Status add_grant(Right right, const json::value& value, std::vector<Grant>& grants) {
  const Row& row = kRights[static_cast<size_t>(right)];
  if (!value.is_string())
    return fail(Code::kInvalid,
                fmt::format("{}: text or a list of text is expected: {}", row.name, row.takes));
  Grant grant{right, std::string(value.get_string())};
  auto status = grant.on.empty() ? fail(Code::kInvalid, "it is empty") : check(grant);
  if (!status)
    return fail(Code::kInvalid, fmt::format("{}: '{}': {}; it takes {}", row.name, grant.on,
                                            status.error().message, row.takes));
  if (grants.size() >= kGrantsMax)
    return fail(Code::kTooLarge, fmt::format("a role has at most {} grants", kGrantsMax));
  grants.push_back(std::move(grant));
  return {};
}

Status add_grants(const json::object& object, std::vector<Grant>& grants) {
  if (object.empty()) return fail(Code::kInvalid, "a grant is empty; write for example select: raw.*");
  for (const auto& member : object) {
    const auto right = right_of(member.key());
    if (!right) {
      std::vector<std::string> names;
      for (const Row& row : kRights) names.emplace_back(row.name);
      return fail(
          Code::kInvalid,
          fmt::format("{}: there is no such grant{}; there are select, insert, put, read, write, use, "
                      "assume and admin",
                      std::string_view(member.key()), did_you_mean(member.key(), names)));
    }
    if (!member.value().is_array()) {
      TARN_TRY(add_grant(*right, member.value(), grants));
      continue;
    }
    if (member.value().get_array().empty())
      return fail(Code::kInvalid, fmt::format("{}: the list is empty", std::string_view(member.key())));
    for (const json::value& item : member.value().get_array()) TARN_TRY(add_grant(*right, item, grants));
  }
  return {};
}

Statement allow(std::vector<std::string> actions, std::vector<std::string> resources) {
  Statement statement;
  statement.actions = std::move(actions);
  statement.resources = std::move(resources);
  return statement;
}

std::string table_pattern(std::string_view on) {
  if (on == "*") return table_arn("*", "*");
  const size_t dot = on.find('.');
  return table_arn(on.substr(0, dot), on.substr(dot + 1));
}

// What a listing with prefix P shows is all granted just when P itself fits a pattern that ends with '*'. Other
// patterns grant no listing.
void add_listing(const Objects& objects, std::vector<std::string> actions, std::vector<Statement>& out) {
  const std::string key = pattern_of(objects.key);
  if (!key.ends_with('*')) return;
  Statement listing = allow(std::move(actions), {bucket_arn(objects.bucket)});
  if (key != "*")
    listing.conditions.push_back({Operator::kStringLike, false, Condition::Set::kNone, "s3:prefix", {key}});
  out.push_back(std::move(listing));
}

void add_objects(const Grant& grant, std::vector<Statement>& out) {
  const auto objects = objects_of(grant.on);
  if (!objects) return;
  std::vector<std::string> actions;
  std::vector<std::string> listing;
  if (grant.right == Right::kRead) {
    actions = {"s3:GetObject",           "s3:GetObjectVersion",
               "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes",
               "s3:GetObjectTagging",    "s3:GetObjectVersionTagging",
               "s3:GetObjectAcl",        "s3:GetObjectVersionAcl"};
    listing = {"s3:ListBucket", "s3:ListBucketVersions"};
  } else {
    actions = {
        "s3:PutObject",           "s3:PutObjectAcl",         "s3:PutObjectTagging",        "s3:DeleteObject",
        "s3:DeleteObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"};
    listing = {"s3:ListBucketMultipartUploads"};
  }
  out.push_back(allow(std::move(actions), {object_arn(objects->bucket, pattern_of(objects->key))}));
  out.push_back(allow({"s3:GetBucketLocation", "s3:HeadBucket"}, {bucket_arn(objects->bucket)}));
  add_listing(*objects, std::move(listing), out);
}

void add_statements(const Grant& grant, std::vector<Statement>& out) {
  const auto one = [&](std::initializer_list<std::string_view> actions, std::string resource) {
    out.push_back(allow({actions.begin(), actions.end()}, {std::move(resource)}));
  };
  switch (grant.right) {
    case Right::kSelect:
      return one({kSelect, kDescribe}, table_pattern(grant.on));
    case Right::kInsert:
      return one({kInsert, kDescribe}, table_pattern(grant.on));
    case Right::kPut:
      return one({kPutRecords, kDescribe}, stream_arn(grant.on));
    case Right::kRead:
    case Right::kWrite:
      return add_objects(grant, out);
    case Right::kUse:
      return one({kUseSecret, "secretsmanager:DescribeSecret"}, secret_arn(grant.on));
    case Right::kAssume:
      out.push_back(allow({std::string(kAssumeRole)}, {role_arn(grant.on), role_arn(grant.on, "/*/")}));
      return;
    case Right::kAdmin:
      return one({"*"}, "*");
  }
}

}  // namespace

std::string_view right_name(Right right) {
  return kRights[static_cast<size_t>(right)].name;
}

Result<std::vector<Grant>> grants_from_json(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error) return fail(Code::kInvalid, "grants: no JSON: " + error.message());
  if (!value.is_array())
    return fail(Code::kInvalid, "grants: a list is expected, such as [ { select: \"raw.*\" } ]");
  std::vector<Grant> grants;
  for (const json::value& item : value.get_array()) {
    if (!item.is_object()) return fail(Code::kInvalid, "grants: each is a map such as { select: \"raw.*\" }");
    TARN_TRY(add_grants(item.get_object(), grants));
  }
  return grants;
}

std::string grants_to_json(const std::vector<Grant>& grants) {
  json::array out;
  for (const Grant& grant : grants) out.push_back(json::object{{right_name(grant.right), grant.on}});
  return json::serialize(out);
}

std::shared_ptr<const Policy> grants_policy(const std::vector<Grant>& grants, std::string name) {
  std::vector<Statement> statements;
  for (const Grant& grant : grants) {
    if (check(grant)) add_statements(grant, statements);
  }
  return Policy::of(std::move(statements), std::move(name));
}

std::string table_arn(std::string_view database, std::string_view table) {
  return fmt::format("arn:aws:tarn:::table/{}/{}", database, table);
}
std::string stream_arn(std::string_view stream) {
  return fmt::format("arn:aws:tarn:::stream/{}", stream);
}
std::string lake_arn() {
  return "arn:aws:tarn:::lake";
}
std::string secret_arn(std::string_view secret) {
  return fmt::format("arn:aws:secretsmanager:::secret:{}", secret);
}
std::string role_arn(std::string_view role, std::string_view path) {
  return fmt::format("arn:aws:iam::{}:role{}{}", kAccount, path, role);
}
std::string user_arn(std::string_view user, std::string_view path) {
  return fmt::format("arn:aws:iam::{}:user{}{}", kAccount, path, user);
}
std::string object_arn(std::string_view bucket, std::string_view key) {
  return fmt::format("arn:aws:s3:::{}/{}", bucket, key);
}
std::string bucket_arn(std::string_view bucket) {
  return fmt::format("arn:aws:s3:::{}", bucket);
}

}  // namespace tarn::access
