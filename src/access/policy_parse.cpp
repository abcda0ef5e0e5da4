// The grammar of policy documents: Policy::parse() of policy.h.
//
// Messages begin with IAM's text where it has one, then say which statement and element is meant.

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

#include <fmt/core.h>
#include <simdjson.h>

#include "access/policy.h"
#include "access/policy_pattern.h"
#include "base/nearest.h"

namespace tarn::access {

namespace {

namespace dom = simdjson::dom;

constexpr size_t kDepthMax = 16;  // a well-formed document has 7
constexpr std::string_view kSyntax = "Syntax errors in policy.";
constexpr auto kDocumentElements = std::to_array<std::string_view>({"Version", "Id", "Statement"});
constexpr auto kStatementElements =
    std::to_array<std::string_view>({"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
                                     "Resource", "NotResource", "Condition"});
constexpr auto kPrincipalElements =
    std::to_array<std::string_view>({"AWS", "Service", "Federated", "CanonicalUser"});

std::unexpected<Error> refuse(std::string_view text, std::string_view where, std::string_view what = {}) {
  return fail(Code::kInvalid, fmt::format("{} ({}{}{})", text, where, what.empty() ? "" : ": ", what));
}

std::string_view type_name(dom::element value) {
  switch (value.type()) {
    case dom::element_type::ARRAY:
      return "a list";
    case dom::element_type::OBJECT:
      return "a map";
    case dom::element_type::STRING:
      return "text";
    case dom::element_type::BOOL:
      return "a boolean";
    case dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

// The members of an object, each of them once and, with `known`, one of those.
using Members = std::vector<std::pair<std::string_view, dom::element>>;
Result<Members> members_of(dom::element value, std::string_view where,
                           std::span<const std::string_view> known = {}) {
  dom::object object;
  if (value.get(object)) return refuse(kSyntax, where, fmt::format("it is {}, not a map", type_name(value)));
  Members members;
  std::set<std::string_view> seen;
  for (const dom::key_value_pair member : object) {
    if (!seen.insert(member.key).second)
      return refuse(kSyntax, where, fmt::format("'{}' is there twice", member.key));
    if (!known.empty() && std::ranges::find(known, member.key) == known.end()) {
      const std::vector<std::string> names(known.begin(), known.end());
      return refuse(kSyntax, where,
                    fmt::format("there is no element '{}'{}", member.key, did_you_mean(member.key, names)));
    }
    members.emplace_back(member.key, member.value);
  }
  return members;
}

const dom::element* member(const Members& members, std::string_view name) {
  const auto place = std::ranges::find(members, name, &Members::value_type::first);
  return place == members.end() ? nullptr : &place->second;
}

Result<std::string> text_of(dom::element value, std::string_view where) {
  std::string_view text;
  if (value.get(text)) return refuse(kSyntax, where, fmt::format("it is {}, not text", type_name(value)));
  return std::string(text);
}

// One text or a list of them. Conditions take numbers and booleans too.
Result<std::string> scalar_of(dom::element value, bool numbers, std::string_view where) {
  if (numbers) {
    if (bool flag = false; !value.get(flag)) return std::string(flag ? "true" : "false");
    if (value.type() == dom::element_type::INT64 || value.type() == dom::element_type::UINT64 ||
        value.type() == dom::element_type::DOUBLE)
      return std::string(simdjson::minify(value));
  }
  return text_of(value, where);
}

Result<std::vector<std::string>> texts_of(dom::element value, bool numbers, std::string_view where) {
  std::vector<std::string> out;
  dom::array list;
  if (value.get(list)) {
    TARN_ASSIGN(std::string text, scalar_of(value, numbers, where));
    out.push_back(std::move(text));
    return out;
  }
  for (const dom::element item : list) {
    TARN_ASSIGN(std::string text, scalar_of(item, numbers, where));
    out.push_back(std::move(text));
  }
  return out;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool all_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(
      text, [&](char c) { return is_letter_or_digit(c) || more.find(c) != std::string_view::npos; });
}

bool only_stars(std::string_view text) {
  return !text.empty() && text.find_first_not_of('*') == std::string_view::npos;
}

bool is_account(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Status check_action(const std::string& action, PolicyKind kind, std::string_view where) {
  const size_t colon = action.find(':');
  const bool prefixed = colon != std::string::npos;
  if (kind == PolicyKind::kTrust && !(prefixed && equal_ignoring_case(action.substr(0, colon), "sts")))
    return refuse("AssumeRole policy may only specify STS AssumeRole actions.", where,
                  fmt::format("'{}'", action));
  if (only_stars(action)) return {};
  if (!prefixed)
    return refuse("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", where,
                  fmt::format("'{}'", action));
  const std::string_view vendor = std::string_view(action).substr(0, colon);
  if (vendor.empty() || !all_of(vendor, "-"))
    return refuse(fmt::format("Vendor {} is not valid", vendor), where, fmt::format("'{}'", action));
  const std::string_view name = std::string_view(action).substr(colon + 1);
  if (name.empty() || !all_of(name, "*?"))
    return refuse(kSyntax, where, fmt::format("'{}' is no action such as s3:GetObject or s3:Get*", action));
  return {};
}

// arn:partition:service:region:account:resource, each of which may have wildcards but the first two.
Status check_resource(const std::string& resource, bool variables, std::string_view where) {
  if (only_stars(resource)) return {};
  size_t colons = 0;
  for (size_t i = 0; i < resource.size() && colons < 5; ++i) {
    if (variables) {
      const size_t end = variable_end(resource, i);
      if (end != std::string_view::npos) i = end - 1;
    }
    if (resource[i] == ':') ++colons;
  }
  if (!resource.starts_with("arn:") || colons < 5)
    return refuse(fmt::format("Resource {} must be in ARN format or \"*\".", resource), where);
  const std::string_view partition = std::string_view(resource).substr(4, resource.find(':', 4) - 4);
  if (partition != "*" && partition != "aws" && !partition.starts_with("aws-"))
    return refuse(fmt::format("Partition \"{}\" is not valid for resource \"{}\".", partition, resource),
                  where);
  return {};
}

// An account, an ARN of IAM or STS, or the id of a principal that is gone (which is nobody).
Result<PrincipalPattern> aws_principal(const std::string& value, std::string_view where) {
  using Kind = PrincipalPattern::Kind;
  if (value == "*") return PrincipalPattern{Kind::kAny, {}};
  if (is_account(value)) return PrincipalPattern{Kind::kAws, fmt::format("arn:aws:iam::{}:root", value)};
  const bool id = value.size() >= 16 && all_of(value, "") && value.starts_with('A');
  if (id) return PrincipalPattern{Kind::kAws, value};
  std::vector<std::string_view> parts;
  std::string_view rest = value;
  while (parts.size() < 5 && rest.find(':') != std::string_view::npos) {
    parts.push_back(rest.substr(0, rest.find(':')));
    rest.remove_prefix(rest.find(':') + 1);
  }
  const auto named = [&](std::string_view prefix) {
    return rest.starts_with(prefix) && rest.size() > prefix.size();
  };
  const bool arn = parts.size() == 5 && parts[0] == "arn" && parts[1].starts_with("aws") && parts[3].empty();
  const bool iam = arn && parts[2] == "iam" && (rest == "root" || named("user/") || named("role/"));
  const bool sts = arn && parts[2] == "sts" && (named("assumed-role/") || named("federated-user/"));
  if ((!iam && !sts) || value.find_first_of("*?") != std::string::npos)
    return refuse(fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", value), where,
                  "it is an account, \"*\", or the ARN of a root, user, role or session without wildcards");
  return PrincipalPattern{Kind::kAws, value};
}

Status add_principals(std::string_view name, const std::vector<std::string>& values, std::string_view where,
                      std::vector<PrincipalPattern>& out) {
  using Kind = PrincipalPattern::Kind;
  for (const std::string& value : values) {
    if (name == "AWS") {
      TARN_ASSIGN(PrincipalPattern pattern, aws_principal(value, where));
      out.push_back(std::move(pattern));
      continue;
    }
    const Kind kind = name == "Service"     ? Kind::kService
                      : name == "Federated" ? Kind::kFederated
                                            : Kind::kCanonicalUser;
    if (value.empty() || value.find_first_of("*?") != std::string::npos)
      return refuse(fmt::format("Invalid principal in policy: \"{}\":\"{}\"", name, value), where);
    out.push_back({kind, value});
  }
  return {};
}

class StatementReader {
 public:
  StatementReader(PolicyKind kind, bool variables, size_t number)
      : kind_(kind), variables_(variables), where_(fmt::format("statement {}", number)) {}

  Result<Statement> read(dom::element json) {
    TARN_ASSIGN(members_, members_of(json, where_, kStatementElements));
    TARN_TRY(read_sid());
    TARN_TRY(read_effect());
    TARN_TRY(read_principals());
    TARN_TRY(read_actions());
    TARN_TRY(read_resources());
    TARN_TRY(read_conditions());
    return std::move(out_);
  }

 private:
  std::string at(std::string_view element) const { return fmt::format("{}, {}", where_, element); }

  Status read_sid() {
    const dom::element* sid = member(members_, "Sid");
    if (sid == nullptr) return {};
    TARN_ASSIGN(out_.sid, text_of(*sid, at("Sid")));
    if (kind_ == PolicyKind::kIdentity && !all_of(out_.sid, ""))
      return refuse(
          "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
          "[0-9A-Za-z]*",
          at("Sid"), fmt::format("'{}'", out_.sid));
    if (!out_.sid.empty()) where_ += fmt::format(" '{}'", out_.sid);
    return {};
  }

  Status read_effect() {
    const dom::element* effect = member(members_, "Effect");
    if (effect == nullptr) return refuse(kSyntax, at("Effect"), "it is missing; Allow or Deny");
    TARN_ASSIGN(const std::string text, text_of(*effect, at("Effect")));
    if (text != "Allow" && text != "Deny")
      return refuse(kSyntax, at("Effect"), fmt::format("it is Allow or Deny, not '{}'", text));
    out_.effect = text == "Deny" ? Effect::kDeny : Effect::kAllow;
    return {};
  }

  // Of an element that has a Not… form: which of the two is there. Null: neither.
  Result<const dom::element*> one_of(std::string_view name, std::string_view not_name, bool& negated) const {
    const dom::element* plain = member(members_, name);
    const dom::element* inverse = member(members_, not_name);
    if (plain != nullptr && inverse != nullptr)
      return refuse(kSyntax, at(name), fmt::format("there is {} as well; one of them", not_name));
    negated = inverse != nullptr;
    return negated ? inverse : plain;
  }

  Status read_principals() {
    TARN_ASSIGN(const dom::element* json, one_of("Principal", "NotPrincipal", out_.not_principals));
    const std::string where = at(out_.not_principals ? "NotPrincipal" : "Principal");
    if (kind_ == PolicyKind::kIdentity) {
      if (json == nullptr) return {};
      return refuse("Policy document should not specify a principal.", where);
    }
    if (json == nullptr) return refuse("Missing required field Principal", where);
    if (kind_ == PolicyKind::kTrust && out_.not_principals)
      return refuse("AssumeRole policy must not have NotPrincipal.", where);
    if (std::string_view text; !json->get(text)) {
      if (text != "*") return refuse(fmt::format("Invalid principal in policy: \"{}\"", text), where);
      out_.principals.push_back({PrincipalPattern::Kind::kAny, {}});
    } else {
      TARN_ASSIGN(const Members kinds, members_of(*json, where, kPrincipalElements));
      for (const auto& [name, values] : kinds) {
        TARN_ASSIGN(const std::vector<std::string> texts, texts_of(values, false, where));
        TARN_TRY(add_principals(name, texts, where, out_.principals));
      }
    }
    if (out_.principals.empty()) return refuse("Invalid principal in policy", where, "it names nobody");
    return {};
  }

  Status read_actions() {
    TARN_ASSIGN(const dom::element* json, one_of("Action", "NotAction", out_.not_actions));
    const std::string where = at(out_.not_actions ? "NotAction" : "Action");
    if (json != nullptr) {
      TARN_ASSIGN(out_.actions, texts_of(*json, false, where));
    }
    if (out_.actions.empty()) return refuse("Policy statement must contain actions.", where);
    for (const std::string& action : out_.actions) TARN_TRY(check_action(action, kind_, where));
    return {};
  }

  Status read_resources() {
    TARN_ASSIGN(const dom::element* json, one_of("Resource", "NotResource", out_.not_resources));
    const std::string_view name = out_.not_resources ? "NotResource" : "Resource";
    const std::string where = at(name);
    if (kind_ == PolicyKind::kTrust) {
      if (json == nullptr) return {};
      return refuse(fmt::format("Has prohibited field {}", name), where);
    }
    if (json != nullptr) {
      TARN_ASSIGN(out_.resources, texts_of(*json, false, where));
    }
    if (out_.resources.empty()) return refuse("Policy statement must contain resources.", where);
    for (const std::string& resource : out_.resources) {
      TARN_TRY(check_resource(resource, variables_, where));
      TARN_TRY(check_variables_of(resource, where));
    }
    return {};
  }

  Status check_variables_of(const std::string& text, std::string_view where) const {
    if (!variables_) return {};
    if (auto status = check_variables(text); !status) return refuse(kSyntax, where, status.error().message);
    return {};
  }

  Status read_conditions() {
    const dom::element* json = member(members_, "Condition");
    if (json == nullptr) return {};
    TARN_ASSIGN(const Members operators, members_of(*json, at("Condition")));
    for (const auto& [name, keys] : operators) {
      const std::string where = at(fmt::format("Condition {}", name));
      TARN_ASSIGN(const Condition condition, read_operator(name, where));
      TARN_ASSIGN(const Members pairs, members_of(keys, where));
      for (const auto& [key, values] : pairs) TARN_TRY(read_key(condition, key, values, where));
    }
    return {};
  }

  static Result<Condition> read_operator(std::string_view name, std::string_view where) {
    constexpr std::string_view kAny = "foranyvalue:";
    constexpr std::string_view kAll = "forallvalues:";
    constexpr std::string_view kIfExists = "ifexists";
    Condition condition;
    std::string_view base = name;
    const std::string lower = to_lower(name);
    if (lower.starts_with(kAny)) {
      condition.set = Condition::Set::kForAnyValue;
      base.remove_prefix(kAny.size());
    } else if (lower.starts_with(kAll)) {
      condition.set = Condition::Set::kForAllValues;
      base.remove_prefix(kAll.size());
    }
    if (lower.ends_with(kIfExists) && base.size() >= kIfExists.size()) {
      condition.if_exists = true;
      base.remove_suffix(kIfExists.size());
    }
    const auto op = operator_of(base);
    if (!op)
      return refuse(kSyntax, where, fmt::format("there is no operator '{}'{}", base, operator_hint(base)));
    condition.op = *op;
    if (*op == Operator::kNull && (condition.if_exists || condition.set != Condition::Set::kNone))
      return refuse(kSyntax, where, "Null takes no ForAnyValue, ForAllValues or IfExists");
    return condition;
  }

  Status read_key(Condition condition, std::string_view key, dom::element values, std::string_view where) {
    if (key.find(':') == std::string_view::npos)
      return refuse("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", where,
                    fmt::format("'{}'", key));
    const std::string whole = fmt::format("{} {}", where, key);
    condition.key = to_lower(key);
    TARN_ASSIGN(condition.values, texts_of(values, true, whole));
    for (const std::string& value : condition.values) {
      if (auto status = check_value(condition.op, value); !status)
        return refuse(kSyntax, whole, status.error().message);
      if (takes_variables(comparison_of(condition.op))) TARN_TRY(check_variables_of(value, whole));
    }
    out_.conditions.push_back(std::move(condition));
    return {};
  }

  const PolicyKind kind_;
  const bool variables_;
  std::string where_;
  Members members_;
  Statement out_;
};

Result<bool> read_version(const dom::element* json) {
  if (json == nullptr) return false;
  TARN_ASSIGN(const std::string version, text_of(*json, "Version"));
  if (version != "2012-10-17" && version != "2008-10-17")
    return refuse(kSyntax, "Version", fmt::format("it is 2012-10-17 or 2008-10-17, not '{}'", version));
  return version == "2012-10-17";
}

Result<std::vector<Statement>> read_statements(dom::element json, PolicyKind kind, bool variables) {
  std::vector<dom::element> items;
  if (dom::array list; !json.get(list)) {
    items.assign(list.begin(), list.end());
  } else {
    items.push_back(json);
  }
  if (items.empty()) return refuse(kSyntax, "Statement", "it is empty");
  std::vector<Statement> statements;
  std::set<std::string> sids;
  for (const dom::element item : items) {
    const size_t number = statements.size() + 1;
    TARN_ASSIGN(Statement statement, StatementReader(kind, variables, number).read(item));
    if (!statement.sid.empty() && !sids.insert(statement.sid).second)
      return refuse("Statement IDs (SID) in a single policy must be unique.",
                    fmt::format("statement {}, Sid", number), fmt::format("'{}'", statement.sid));
    statements.push_back(std::move(statement));
  }
  return statements;
}

}  // namespace

Result<std::shared_ptr<const Policy>> Policy::parse(std::string_view json, PolicyKind kind,
                                                    std::string name) {
  if (json.size() > kPolicyBytesMax)
    return refuse("Policy document is too long.", "document",
                  fmt::format("{} bytes; at most {}", json.size(), kPolicyBytesMax));
  dom::parser parser(kPolicyBytesMax);
  dom::element root;
  const simdjson::padded_string text(json);
  if (parser.allocate(kPolicyBytesMax, kDepthMax) || parser.parse(text).get(root))
    return refuse(kSyntax, "document", "it is no JSON, or nested too deep");
  TARN_ASSIGN(const Members members, members_of(root, "document", kDocumentElements));
  if (const dom::element* id = member(members, "Id")) TARN_TRY(text_of(*id, "Id"));
  auto policy = std::make_shared<Policy>();
  TARN_ASSIGN(policy->variables_, read_version(member(members, "Version")));
  const dom::element* statements = member(members, "Statement");
  if (statements == nullptr) return refuse(kSyntax, "document", "Statement is missing");
  TARN_ASSIGN(policy->statements_, read_statements(*statements, kind, policy->variables_));
  policy->name_ = std::move(name);
  policy->text_ = json;
  return policy;
}

}  // namespace tarn::access
