#include "doors/aws/sts.h"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "access/request_facts.h"
#include "doors/aws/iam_parts.h"

namespace tarn::aws {

namespace {

using access::PolicyKind;
using access::Principal;
using access::PrincipalKind;
using access::Role;

constexpr size_t kPolicyArnsMax = 10;
constexpr size_t kPolicyTextMax = 2'048;

int64_t seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

Answer<void> check_words(std::string_view value, std::string_view parameter, size_t min, size_t max,
                         std::string_view more, std::string_view pattern) {
  TARN_TRY(check_length(value, parameter, min, max));
  const bool fits = std::ranges::all_of(value, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
  if (fits) return {};
  return std::unexpected(
      constraint(value, parameter, fmt::format("satisfy regular expression pattern: {}", pattern)));
}

// What the request asks for, checked but for the role.
struct Wish {
  std::string role_arn;
  std::string role;
  access::SessionRequest session;
  access::Context context;  // for the trust policy
};

Answer<void> read_role(const QueryCall& call, Wish& wish) {
  TARN_ASSIGN(wish.role_arn, call.required("RoleArn"));
  TARN_TRY(check_length(wish.role_arn, "RoleArn", 20, 2048));
  const size_t role = wish.role_arn.find(":role/");
  if (!wish.role_arn.starts_with("arn:aws:iam::") || role == std::string::npos ||
      wish.role_arn.ends_with('/'))
    return refuse("ValidationError", 400, fmt::format("{} is invalid", wish.role_arn));
  wish.role = iam::policy_name_of(wish.role_arn);
  return {};
}

// The session's policies together say what it may at most: one of them has to allow. So they become one document.
Answer<std::string> merged(const std::vector<std::string>& documents) {
  if (documents.size() == 1) return documents.front();
  boost::json::array statements;
  for (const std::string& document : documents) {
    boost::system::error_code problem;
    const boost::json::value json = boost::json::parse(document, problem);
    const boost::json::value* statement =
        !problem && json.is_object() ? json.as_object().if_contains("Statement") : nullptr;
    if (statement == nullptr) return refuse("MalformedPolicyDocument", 400, "The policy has no Statement");
    if (statement->is_array()) {
      for (const boost::json::value& one : statement->as_array()) statements.push_back(one);
    } else {
      statements.push_back(*statement);
    }
  }
  // Statement ids need to be unique only within each of them.
  for (boost::json::value& statement : statements)
    if (statement.is_object()) statement.as_object().erase("Sid");
  return boost::json::serialize(
      boost::json::object{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}});
}

Answer<void> read_policies(const QueryCall& call, Wish& wish) {
  std::vector<std::string> documents;
  if (const std::string* policy = call.in.find("Policy")) {
    TARN_TRY(check_length(*policy, "Policy", 1, kPolicyTextMax));
    TARN_TRY(iam::check_document(*policy, PolicyKind::kIdentity, "session policy"));
    documents.push_back(*policy);
  }
  const std::vector<std::string> members = call.in.members("PolicyArns");
  if (members.size() > kPolicyArnsMax)
    return std::unexpected(constraint(fmt::format("{} ARNs", members.size()), "PolicyArns",
                                      fmt::format("have length less than or equal to {}", kPolicyArnsMax)));
  for (const std::string& member : members) {
    TARN_ASSIGN(const std::string arn, call.required(member + ".arn"));
    TARN_TRY(check_length(arn, member + ".arn", 20, 2048));
    auto policy = call.parts.identities.policy(arn);
    if (!policy)
      return refuse("ValidationError", 400,
                    fmt::format("Policy {} does not exist or is not attachable.", arn));
    for (const auto& version : policy->versions)
      if (version.id == policy->default_version) documents.push_back(version.document);
  }
  if (documents.empty()) return {};
  TARN_ASSIGN(std::string document, merged(documents));
  wish.session.policies.push_back(std::move(document));
  return {};
}

Answer<void> read_context(const QueryCall& call, Wish& wish) {
  wish.context = call.context();
  wish.context.set("sts:RoleSessionName", wish.session.session);
  if (const std::string* id = call.in.find("ExternalId")) {
    TARN_TRY(check_words(*id, "ExternalId", 2, 1224, "_+=,.@:/-", "[\\w+=,.@:\\/-]*"));
    wish.context.set("sts:ExternalId", *id);
  }
  TARN_ASSIGN(wish.session.tags, iam::read_tags(call));
  iam::add_request_tags(wish.context, wish.session.tags);
  // What a session would have to hand on to those that it starts: not taken, lest it be lost there.
  if (call.in.find("SourceIdentity") != nullptr || !call.in.texts("TransitiveTagKeys").empty())
    return refuse("ValidationError", 400,
                  "SourceIdentity and TransitiveTagKeys are not supported by this lake: leave them out.");
  if (call.in.find("TokenCode") != nullptr || call.in.find("SerialNumber") != nullptr)
    return refuse("AccessDenied", 403,
                  "MultiFactorAuthentication failed: this lake has no MFA devices. Leave SerialNumber and "
                  "TokenCode out.");
  return {};
}

Answer<Wish> read_wish(const QueryCall& call) {
  Wish out;
  TARN_TRY(read_role(call, out));
  TARN_ASSIGN(out.session.session, call.required("RoleSessionName"));
  TARN_TRY(check_words(out.session.session, "RoleSessionName", 2, 64, "_+=,.@-", "[\\w+=,.@-]*"));
  TARN_ASSIGN(const int64_t duration, call.number("DurationSeconds", 3'600, seconds(access::kSessionMin),
                                                  seconds(access::kSessionMax)));
  out.session.duration = std::chrono::seconds(duration);
  out.session.role = out.role;
  TARN_TRY(read_policies(call, out));
  TARN_TRY(read_context(call, out));
  return out;
}

ServiceError denied(const QueryCall& call, std::string_view action, std::string_view resource) {
  return {"AccessDenied", 403,
          fmt::format("User: {} is not authorized to perform: {} on resource: {}", call.principal.arn, action,
                      resource)};
}

// A role's trust decides, and the trail says what it decided.
Status record(const QueryCall& call, const Wish& wish, access::Effect effect) {
  access::Statement statement;
  statement.effect = effect;
  statement.actions = {"sts:AssumeRole"};
  statement.resources = {wish.role_arn};
  statement.principals = {{access::PrincipalPattern::Kind::kAws, call.principal.arn}};
  const auto trust = access::Policy::of({statement}, fmt::format("trust of role {}", wish.role));
  const std::string from = call.source_ip();
  return call.parts.guard.check(access::Ask{.principal = call.principal,
                                            .action = "sts:AssumeRole",
                                            .resource = wish.role_arn,
                                            .context = &wish.context,
                                            .resource_policy = trust.get(),
                                            .source_ip = from,
                                            .request_id = call.request_id});
}

// Tags make a session somebody else in the eyes of policies: the trust must allow them too. A role without one leaves
// it to the caller's own policies.
bool may_tag(const QueryCall& call, const Role& role, const Wish& wish) {
  const bool root = call.principal.kind == PrincipalKind::kRoot;
  if (wish.session.tags.empty() || root) return true;
  constexpr std::string_view kAction = "sts:TagSession";
  const std::string from = call.source_ip();
  const access::Ask ask{.principal = call.principal,
                        .action = kAction,
                        .resource = wish.role_arn,
                        .context = &wish.context,
                        .resource_policy = nullptr,
                        .source_ip = from,
                        .request_id = call.request_id};
  const access::Decision own = call.parts.guard.decide(ask);
  if (role.trust.empty()) return own.allowed;
  const auto trust = access::Policy::parse(role.trust, PolicyKind::kTrust, "trust");
  if (!trust) return false;
  const access::Asker asker{.arn = call.principal.arn,
                            .role_arn = call.principal.role_arn,
                            .account = std::string(access::kAccount),
                            .anonymous = false,
                            .service = {}};
  const access::RequestFacts facts(ask, call.parts.clock);
  const access::Finding finding = access::evaluate(**trust, kAction, wish.role_arn, facts, &asker);
  if (finding.verdict != access::Verdict::kAllow) return false;
  return own.allowed || (finding.by_exact_principal && !own.explicit_deny);
}

Answer<Role> open_role(const QueryCall& call, Wish& wish) {
  auto role = call.parts.identities.role(wish.role);
  const bool there = role && iam::arn_of(*role) == wish.role_arn;
  if (there) iam::add_resource_tags(wish.context, role->tags);
  if (!there && call.principal.kind == PrincipalKind::kRoot)
    return std::unexpected(iam::no_such("role", wish.role));
  // Who may not doesn't learn whether the role is there.
  const Status may = there ? call.parts.identities.may_assume(call.principal, wish.role, wish.context)
                           : fail(Code::kDenied, "no such role");
  const Status recorded = record(call, wish, may ? access::Effect::kAllow : access::Effect::kDeny);
  if (!may || !recorded) return std::unexpected(denied(call, "sts:AssumeRole", wish.role_arn));
  if (!may_tag(call, *role, wish)) return std::unexpected(denied(call, "sts:TagSession", wish.role_arn));
  const Duration wanted = wish.session.duration;
  if (call.principal.kind == PrincipalKind::kSession && wanted > access::kShortSession)
    return refuse(
        "ValidationError", 400,
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining");
  if (wanted > role->session_max)
    return refuse("ValidationError", 400,
                  "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  return *std::move(role);
}

void write_credentials(QueryCall& call, const access::Session& session) {
  call.out.open("Credentials").text("AccessKeyId", session.key_id).text("SecretAccessKey", session.secret);
  call.out.text("SessionToken", session.token).text("Expiration", query_time(session.expires)).close();
}

Answer<access::Session> start(const QueryCall& call, const access::SessionRequest& request) {
  auto session = call.parts.identities.start_session(call.principal, request);
  if (session) return *std::move(session);
  Error error = std::move(session).error();
  if (error.code == Code::kTooLarge) return refuse("PackedPolicyTooLarge", 400, std::move(error.message));
  return std::unexpected(ServiceError(std::move(error)));
}

Answer<void> assume_role(QueryCall& call) {
  TARN_ASSIGN(Wish wish, read_wish(call));
  TARN_TRY(open_role(call, wish));
  TARN_ASSIGN(const access::Session session, start(call, wish.session));
  call.out.open("AssumedRoleUser").text("AssumedRoleId", session.id).text("Arn", session.arn).close();
  write_credentials(call, session);
  if (!wish.session.policies.empty()) {
    const size_t percent = 100 * wish.session.policies.front().size() / access::kSessionPolicyBytesMax;
    call.out.number("PackedPolicySize", static_cast<int64_t>(std::clamp<size_t>(percent, 1, 100)));
  }
  return {};
}

Answer<void> get_session_token(QueryCall& call) {
  const Principal& me = call.principal;
  if (me.kind == PrincipalKind::kSession || me.expires)
    return refuse("AccessDenied", 403, "Cannot call GetSessionToken with session credentials");
  const Duration longest = me.kind == PrincipalKind::kRoot ? access::kShortSession : access::kUserSessionMax;
  TARN_ASSIGN(int64_t duration, call.number("DurationSeconds", 43'200, seconds(access::kSessionMin),
                                            seconds(access::kUserSessionMax)));
  duration = std::min(duration, seconds(longest));  // the root's are shortened, as in AWS
  if (call.in.find("TokenCode") != nullptr || call.in.find("SerialNumber") != nullptr)
    return refuse("AccessDenied", 403,
                  "MultiFactorAuthentication failed: this lake has no MFA devices. Leave SerialNumber and "
                  "TokenCode out.");
  access::SessionRequest request;
  request.duration = std::chrono::seconds(duration);
  TARN_ASSIGN(const access::Session session, start(call, request));
  write_credentials(call, session);
  return {};
}

// Anyone may ask who they are.
Answer<void> get_caller_identity(QueryCall& call) {
  call.out.text("Arn", call.principal.arn).text("UserId", call.principal.id);
  call.out.text("Account", access::kAccount);
  return {};
}

Answer<void> get_access_key_info(QueryCall& call) {
  TARN_ASSIGN(const std::string id, call.required("AccessKeyId"));
  TARN_TRY(check_words(id, "AccessKeyId", 16, 128, "_", "[\\w]*"));
  TARN_TRY(call.allow("*"));
  call.out.text("Account", access::kAccount);
  return {};
}

}  // namespace

const QueryService& sts_service() {
  static constexpr std::array kOperations = std::to_array<QueryOperation>({
      {"GetCallerIdentity", get_caller_identity},
      {"AssumeRole", assume_role, true, true},
      {"GetSessionToken", get_session_token, true, true},
      {"GetAccessKeyInfo", get_access_key_info},
      {"AssumeRoleWithWebIdentity", nullptr},
      {"AssumeRoleWithSAML", nullptr},
      {"AssumeRoot", nullptr},
      {"DecodeAuthorizationMessage", nullptr},
      {"GetFederationToken", nullptr},
  });
  static constexpr QueryService kService = {.name = "sts",
                                            .version = "2011-06-15",
                                            .xmlns = "https://sts.amazonaws.com/doc/2011-06-15/",
                                            .operations = kOperations};
  return kService;
}

}  // namespace tarn::aws
