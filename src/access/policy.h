// A policy document in the form of IAM: statements that allow or deny actions on resources, under conditions.
//
// Our own grants (grants.h) become policies too, so that one evaluator decides everything.
// Threads: a Policy is immutable after parse(); evaluation is a pure function.
// Fails: parse: kInvalid with where and why (as IAM's MalformedPolicyDocument).
// Shapes: JSON, Version 2012-10-17 or 2008-10-17; at most kPolicyBytesMax.
// Source: the IAM user guide's policy grammar and evaluation logic, as docs/access.md tells it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/policy_operators.h"
#include "base/error.h"

namespace tarn::access {

inline constexpr size_t kPolicyBytesMax = 20 * 1024;  // as a bucket policy; also of identity policies

enum class Effect { kAllow, kDeny };

// The facts of one request that conditions look at: "aws:SourceIp", "s3:prefix", "aws:PrincipalTag/team".
class Facts {
 public:
  // Null (or no values): absent. Several values: a multivalued key. They stay where they are while Facts lives.
  virtual const std::vector<std::string>* find_lower(std::string_view lower_case_key) const = 0;

 protected:
  ~Facts() = default;
};

// Facts that somebody wrote down. Keys compare without case.
class Context final : public Facts {
 public:
  void set(std::string_view key, std::string value);
  void add(std::string_view key, std::string value);
  const std::vector<std::string>* find(std::string_view key) const;  // null: absent
  const std::vector<std::string>* find_lower(std::string_view lower_case_key) const override;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;  // by lower-case key
};

struct Condition {
  Operator op = Operator::kStringEquals;
  bool if_exists = false;
  enum class Set { kNone, kForAnyValue, kForAllValues } set = Set::kNone;
  std::string key;                  // in lower case, once it is in a Policy
  std::vector<std::string> values;  // numbers and booleans as text
};

struct PrincipalPattern {  // of a resource policy or a trust policy
  // kAws: an ARN; an account is written as its root's ARN. kCanonicalUser is taken and is nobody here.
  enum class Kind { kAny, kAws, kService, kFederated, kCanonicalUser } kind = Kind::kAny;
  std::string value;
};

struct Statement {
  std::string sid;
  Effect effect = Effect::kAllow;
  std::vector<std::string> actions;
  bool not_actions = false;
  std::vector<std::string> resources;  // none: a trust policy's, which is about its role
  bool not_resources = false;
  std::vector<PrincipalPattern> principals;
  bool not_principals = false;
  std::vector<Condition> conditions;
};

enum class PolicyKind { kIdentity, kResource, kTrust };

class Policy {
 public:
  // kIdentity must not have principals, kResource and kTrust must. `name` is for messages and reasons.
  static Result<std::shared_ptr<const Policy>> parse(std::string_view json, PolicyKind kind,
                                                     std::string name);
  static std::shared_ptr<const Policy> of(std::vector<Statement> statements, std::string name);
  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }  // as it came; empty for of()
  const std::vector<Statement>& statements() const { return statements_; }
  bool variables() const { return variables_; }  // Version 2012-10-17: ${…} means something

 private:
  std::string name_;
  std::string text_;
  std::vector<Statement> statements_;
  bool variables_ = true;
};

// Case-insensitive for actions, exact for resources; '*' any run, '?' any character. Never backtracks over a '*':
// linear for resources without '?', at worst pattern times text.
bool match_action(std::string_view pattern, std::string_view action);
bool match_resource(std::string_view pattern, std::string_view resource);

// What one policy says of a request; a deny wins within it.
enum class Verdict { kNothing, kAllow, kDeny };
struct Finding {
  Verdict verdict = Verdict::kNothing;
  bool by_exact_principal = false;  // of a resource policy: names this user or session itself, or is for all
  // Allowed only through the account: that delegates, and an identity policy must allow as well.
  bool by_account_only = false;
};
// For resource and trust policies, what the asker is called: its ARN, its role's ARN, the account.
struct Asker {
  std::string arn;
  std::string role_arn;
  std::string account;
  bool anonymous = false;
  std::string service;  // "lambda.amazonaws.com": a service of the lake asks
};
// Without an asker, a statement that has principals says nothing.
Finding evaluate(const Policy& policy, std::string_view action, std::string_view resource,
                 const Facts& context, const Asker* asker = nullptr);

}  // namespace tarn::access
