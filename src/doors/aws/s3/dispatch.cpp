#include "doors/aws/s3/dispatch.h"

#include "base/id.h"
#include "base/logging.h"
#include "doors/aws/s3/cors.h"

namespace tarn::aws::s3 {

namespace {

// 16 of 0-9A-Z; twelve of them are as many as one random number has.
std::string new_request_id() {
  constexpr std::string_view kLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr int kOfOneNumber = 12;
  std::string out;
  uint64_t number = random_u64();
  for (int i = 0; i < 16; ++i) {
    if (i == kOfOneNumber) number = random_u64();
    out += kLetters[number % kLetters.size()];
    number /= kLetters.size();
  }
  return out;
}

std::string new_host_id() {
  std::string bytes;
  for (int i = 0; i < 3; ++i) {
    uint64_t number = random_u64();
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  return to_base64(bytes);
}

S3Status not_implemented(const Operation& operation) {
  return refuse("NotImplemented", std::string(operation.name) + " is not implemented",
                {{"Operation", std::string(operation.name)}});
}

S3Status check_bucket_owner(const Call& call) {
  std::string expected = call.header("x-amz-expected-bucket-owner");
  if (expected.empty() || expected == access::kAccount) return {};
  return refuse("AccessDenied");
}

// Whether there is such a bucket is told to everybody, as S3 does; about its keys the guard is asked first.
S3Status run(Call& call, const Operation& operation) {
  if (operation.on != Operation::On::kService) TARN_TRY(check_bucket_owner(call));
  if (!call.bucket.empty() && call.bucket == call.s3.parts.table_bucket) return table_bucket(call, operation);
  bool creates = operation.run == create_bucket;
  if (operation.on != Operation::On::kService && !creates) TARN_TRY(find_bucket(call, call.bucket));
  if (operation.on == Operation::On::kObject) TARN_TRY(check_key(call.s3, call.key));
  if (!operation.action.empty()) TARN_TRY(call.allow(operation.action, call.bucket, call.key));
  if (operation.run == nullptr) return not_implemented(operation);
  return operation.run(call);
}

S3Status handle(Call& call) {
  const Parts& parts = call.s3.parts;
  std::string_view method = call.request.method();
  TARN_ASSIGN(Address address,
              parse_address(call.request.header("host").value_or(""), call.request.target(), parts.domains));
  call.bucket = address.bucket;
  call.key = address.key;
  call.in_host = address.in_host;
  add_cors_headers(call);
  if (method == "OPTIONS") return preflight(call);
  TARN_ASSIGN(const Operation* operation, find_operation(method, address));
  call.operation = operation;
  call.query = std::move(address.query);
  AuthOptions options{.identities = parts.identities,
                      .clock = parts.clock,
                      .region = parts.strict_region ? parts.region : std::string(),
                      .host_bucket = address.in_host ? address.bucket : std::string(),
                      .keys = call.s3.signing_keys.get()};
  auto who = authenticate(call.request, true, options);
  if (!who) return refuse(of_refusal(who.error(), call.request));
  call.who = *std::move(who);
  return run(call, *operation);
}

// A request that is answered already, wholly or in part, can only be cut: the responder sees to that.
void send_error(Call& call, const S3Error& error) {
  if (call.responder.begun()) {
    TARN_LOG(debug, "s3: {} {} ended early: {}", call.request.method(), call.request.target(), error.message);
    return;
  }
  bool bodiless = call.request.method() == "HEAD" || error.status == 304;
  std::string xml = bodiless ? std::string() : error_xml(error, call.request_id, call.host_id);
  S3Status sent = call.send_xml(error.status, xml, error.headers);
  if (!sent) TARN_LOG(debug, "s3: the client is gone: {}", sent.error().message);
}

}  // namespace

void dispatch(S3& s3, http::Request& request, http::Responder& responder) {
  Call call{.s3 = s3,
            .request = request,
            .responder = responder,
            .bucket = {},
            .key = {},
            .query = {},
            .who = {},
            .request_id = new_request_id(),
            .host_id = new_host_id(),
            .extra = {}};
  call.extra = {{"x-amz-request-id", call.request_id}, {"x-amz-id-2", call.host_id}};
  S3Status done = handle(call);
  if (!done) send_error(call, done.error());
}

http::Handler make_handler(Parts parts) {
  // Shared by the copies of the handler that std::function makes.
  auto s3 = std::make_shared<S3>(S3{.parts = std::move(parts)});
  return [s3](http::Request& request, http::Responder& responder) { dispatch(*s3, request, responder); };
}

}  // namespace tarn::aws::s3
