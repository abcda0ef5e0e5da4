// Any bytes as a policy document: a policy or an error, the same one twice; and a policy that was taken answers
// questions, of which a deny anywhere is never an allow.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "access/grants.h"
#include "access/policy.h"
#include "access/policy_pattern.h"

namespace {

using namespace tarn::access;

void ask(const Policy& policy) {
  Context context;
  context.set("aws:username", "alice");
  context.set("aws:SourceIp", "192.0.2.1");
  context.set("s3:prefix", "home/alice/");
  context.add("aws:TagKeys", "team");
  context.add("aws:TagKeys", "cost");
  const Asker asker{"arn:aws:iam::000000000000:user/alice", "", "000000000000", false, ""};
  const std::string object = object_arn("reports", "home/alice/x");
  const Verdict verdict = evaluate(policy, "s3:GetObject", object, context, &asker).verdict;
  bool denied = false;
  bool allowed = false;
  for (const Statement& statement : policy.statements()) {
    // Policy::of() has variables; a document of the old version hasn't.
    if (!policy.variables()) return;
    const Verdict alone =
        evaluate(*Policy::of({statement}, "one"), "s3:GetObject", object, context, &asker).verdict;
    denied = denied || alone == Verdict::kDeny;
    allowed = allowed || alone == Verdict::kAllow;
  }
  if (!policy.variables()) return;
  const Verdict expected = denied ? Verdict::kDeny : allowed ? Verdict::kAllow : Verdict::kNothing;
  if (verdict != expected) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const PolicyKind kind : {PolicyKind::kIdentity, PolicyKind::kResource, PolicyKind::kTrust}) {
    auto first = Policy::parse(text, kind, "fuzz");
    auto second = Policy::parse(text, kind, "fuzz");
    if (first.has_value() != second.has_value()) std::abort();
    if (!first && (first.error().message.empty() || first.error().message != second.error().message))
      std::abort();
    if (first) ask(**first);
  }
  if (auto grants = grants_from_json(text)) {
    if (grants_from_json(grants_to_json(*grants)).value() != *grants) std::abort();
    ask(*grants_policy(*grants, "role fuzz"));
  }
  const size_t half = size / 2;
  (void)match_resource(text.substr(0, half), text.substr(half));
  (void)like_arn(text.substr(0, half), text.substr(half), nullptr);
  return 0;
}
