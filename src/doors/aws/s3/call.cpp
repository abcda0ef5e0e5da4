#include "doors/aws/s3/call.h"

#include <algorithm>
#include <memory>

#include "access/grants.h"
#include "doors/aws/s3/text.h"
#include "doors/http/url.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kReadBytes = 64 * 1024;

bool is_presigned(Scheme scheme) {
  return scheme == Scheme::kPresignedV4 || scheme == Scheme::kPresignedV2;
}

bool is_signed(Scheme scheme) {
  return scheme == Scheme::kSigV4 || scheme == Scheme::kSigV2 || is_presigned(scheme);
}

std::string_view signature_version(Scheme scheme) {
  return scheme == Scheme::kPresignedV2 || scheme == Scheme::kSigV2 ? "AWS" : "AWS4-HMAC-SHA256";
}

std::string_view auth_type(const Call& call) {
  if (call.form) return "POST";
  return is_presigned(call.who.scheme) ? "REST-QUERY-STRING" : "REST-HEADER";
}

struct FactOfHeader {
  std::string_view header;
  std::string_view fact;
};
constexpr FactOfHeader kFactsOfHeaders[] = {
    {"user-agent", "aws:UserAgent"},
    {"referer", "aws:Referer"},
    {"x-amz-acl", "s3:x-amz-acl"},
    {"x-amz-content-sha256", "s3:x-amz-content-sha256"},
    {"x-amz-server-side-encryption", "s3:x-amz-server-side-encryption"},
    {"x-amz-metadata-directive", "s3:x-amz-metadata-directive"},
    {"x-amz-object-ownership", "s3:x-amz-object-ownership"},
    {"if-match", "s3:if-match"},
    {"if-none-match", "s3:if-none-match"},
};
struct FactOfParameter {
  std::string_view parameter;
  std::string_view fact;
};
constexpr FactOfParameter kFactsOfParameters[] = {
    {"prefix", "s3:prefix"},
    {"delimiter", "s3:delimiter"},
    {"max-keys", "s3:max-keys"},
    {"versionId", "s3:VersionId"},
};

// One question to the guard, with what it borrows.
struct Question {
  access::Context context;
  std::string resource;
  std::string source_ip;
  std::shared_ptr<const BucketPolicy> policy;  // shared by the cache and this question
  bool with_policy = true;

  access::Ask ask(const Call& call, std::string_view action) const {
    return access::Ask{.principal = call.who.principal,
                       .action = action,
                       .resource = resource,
                       .context = &context,
                       .resource_policy = policy && with_policy ? policy->policy.get() : nullptr,
                       .source_ip = source_ip,
                       .request_id = call.request_id};
  }
};

void add_facts(const Call& call, access::Context& context) {
  context.set("aws:SecureTransport", call.request.secure() ? "true" : "false");
  context.set("s3:ResourceAccount", std::string(access::kAccount));
  for (const auto& [header, fact] : kFactsOfHeaders) {
    std::string value = call.header(header);
    if (!value.empty()) context.set(fact, std::move(value));
  }
  for (const auto& [parameter, fact] : kFactsOfParameters) {
    if (const std::string* value = call.parameter(parameter)) context.set(fact, *value);
  }
  if (is_signed(call.who.scheme)) {
    context.set("s3:signatureversion", std::string(signature_version(call.who.scheme)));
    context.set("s3:authType", std::string(auth_type(call)));
  }
}

// A public policy counts for nobody who is a stranger while the bucket restricts public policies.
Result<bool> counts(const Call& call, std::string_view bucket, const BucketPolicy& policy) {
  if (!policy.is_public || call.who.principal.kind != access::PrincipalKind::kAnonymous) return true;
  TARN_ASSIGN(auto block, call.s3.parts.objects.document(bucket, "public-access-block"));
  return !block || !block->contains("<RestrictPublicBuckets>true");
}

Result<Question> question(const Call& call, std::string_view bucket, std::string_view key,
                          const access::Context* more) {
  Question out;
  if (more != nullptr) out.context = *more;
  add_facts(call, out.context);
  out.resource = key.empty() ? access::bucket_arn(bucket) : access::object_arn(bucket, key);
  out.source_ip = call.source_ip();
  if (bucket.empty()) return out;
  auto policy = call.s3.cache->policy(call.s3.parts.objects, bucket);
  if (!policy && policy.error().code == Code::kNotFound) return out;  // a bucket that is to be
  if (!policy) return fail(std::move(policy).error());
  out.policy = *std::move(policy);
  if (out.policy) {
    TARN_ASSIGN(out.with_policy, counts(call, bucket, *out.policy));
  }
  return out;
}

}  // namespace

const std::string* Call::parameter(std::string_view name) const {
  auto found = std::ranges::find(query, name, [](const auto& pair) { return std::string_view(pair.first); });
  return found == query.end() ? nullptr : &found->second;
}

std::string Call::header(std::string_view name) const {
  bool of_object = name.starts_with("x-amz-") || name.starts_with("content-") || name.starts_with("if-");
  if (form && of_object) {
    auto found =
        std::ranges::find(*form, name, [](const auto& pair) { return std::string_view(pair.first); });
    return found == form->end() ? std::string() : found->second;
  }
  if (auto value = request.header(name)) return std::string(*value);
  bool may_stand_in = name.starts_with("x-amz-") || name == "content-type" || name == "content-md5";
  if (!may_stand_in || !is_presigned(who.scheme)) return {};
  for (const auto& [key, value] : query) {
    if (lower(key) == name) return value;
  }
  return {};
}

std::string Call::source_ip() const {
  std::string remote = request.remote();
  std::string_view host = http::host_of(remote);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

std::string Call::location() const {
  std::string out = request.secure() ? "https://" : "http://";
  out += header("host");
  if (!in_host) out += "/" + bucket;
  return out + "/" + percent_encode(key, true);
}

store::Cause Call::cause(std::string reason) const {
  return store::Cause{std::move(reason), who.principal.arn, source_ip(), request_id};
}

S3Status Call::allow(std::string_view action, std::string_view on_bucket, std::string_view on_key,
                     const access::Context* more) {
  TARN_ASSIGN(Question asked, question(*this, on_bucket, on_key, more));
  Status verdict = s3.parts.guard.check(asked.ask(*this, action));
  if (verdict) return {};
  if (verdict.error().code != Code::kDenied) return refuse(S3Error(std::move(verdict).error()));
  if (who.principal.kind == access::PrincipalKind::kAnonymous) return refuse("AccessDenied");
  return refuse("AccessDenied", std::move(verdict).error().message);
}

bool Call::allowed(std::string_view action, std::string_view on_bucket, std::string_view on_key,
                   const access::Context* more) {
  auto asked = question(*this, on_bucket, on_key, more);
  return asked && s3.parts.guard.decide(asked->ask(*this, action)).allowed;
}

S3Error Call::no_such_key(std::string_view on_bucket, std::string_view on_key) {
  auto asked = question(*this, on_bucket, {}, nullptr);
  if (!asked) return std::move(asked).error();
  // Who may list what begins like this key learns nothing new.
  asked->context.set("s3:prefix", std::string(on_key));
  if (!s3.parts.guard.decide(asked->ask(*this, "s3:ListBucket")).allowed) return s3_error("AccessDenied");
  S3Error error = s3_error("NoSuchKey");
  error.fields = {{"Key", std::string(on_key)}};
  return error;
}

S3Status Call::send(int status, std::vector<http::Header> headers, std::string_view body) {
  headers.insert(headers.end(), extra.begin(), extra.end());
  TARN_TRY(responder.send(status, std::move(headers), body));
  return {};
}

S3Status Call::send_xml(int status, std::string_view xml, std::vector<http::Header> headers) {
  headers.push_back({"Content-Type", "application/xml"});
  return send(status, std::move(headers), xml);
}

S3Result<std::string> Call::read_text(size_t bytes_max) {
  auto too_long = [&] {
    return refuse("MaxMessageLengthExceeded", "Your request was too big.",
                  {{"MaxMessageLengthBytes", std::to_string(bytes_max)}});
  };
  Payload& payload = *who.payload;
  uint64_t announced = payload.length().value_or(kReadBytes);
  if (payload.length() && announced > bytes_max) return too_long();
  // One byte more, so that the end of a small body is seen without another buffer.
  auto buffer_bytes = static_cast<size_t>(std::min<uint64_t>(announced + 1, kReadBytes));
  auto buffer = std::make_unique_for_overwrite<char[]>(buffer_bytes);
  std::string text;
  while (true) {
    auto got = payload.read({buffer.get(), buffer_bytes});
    if (!got) return refuse(of_payload(payload, got.error()));
    if (*got == 0) return text;
    if (text.size() + *got > bytes_max) return too_long();
    text.append(buffer.get(), *got);
  }
}

}  // namespace tarn::aws::s3
