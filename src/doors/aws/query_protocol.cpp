#include "doors/aws/query_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/id.h"
#include "doors/http/url.h"

namespace tarn::aws {

namespace {

Answer<std::string> read_body(Payload& payload) {
  std::string out;
  std::array<char, 16 * 1024> piece;
  for (;;) {
    auto got = payload.read(piece);
    if (!got) return std::unexpected(of_payload(payload, std::move(got).error(), Protocol::kQuery));
    if (*got == 0) return out;
    if (out.size() + *got > kQueryBytesMax)
      return refuse("RequestEntityTooLarge", 413,
                    fmt::format("The request has more than {} bytes", kQueryBytesMax));
    out.append(piece.data(), *got);
  }
}

// A body of another kind (a presigned GET has none) says nothing.
bool is_form(const http::Request& request) {
  const auto type = request.header("content-type");
  return !type || type->empty() || type->starts_with("application/x-www-form-urlencoded");
}

Answer<Parameters> read_parameters(const http::Request& request, Payload* payload) {
  Parameters out;
  TARN_TRY(out.add(http::split_target(request.target()).query));
  if (payload != nullptr) {
    TARN_ASSIGN(const std::string body, read_body(*payload));
    if (is_form(request)) TARN_TRY(out.add(body));
  }
  return out;
}

Answer<const QueryOperation*> find_operation(const QueryService& service, const Parameters& in) {
  const std::string* action = in.find("Action");
  if (action == nullptr || action->empty())
    return refuse("MissingAction", 400, "The request must contain the parameter Action");
  const std::string* version = in.find("Version");
  const std::string_view asked = version == nullptr ? service.version : std::string_view(*version);
  const auto at = std::ranges::find(service.operations, *action, &QueryOperation::name);
  if (at == service.operations.end() || asked != service.version)
    return refuse(
        "InvalidAction", 400,
        fmt::format(
            "Could not find operation {} for version {}: it is not among those of {} that this lake has",
            *action, asked, service.name));
  if (at->run == nullptr)
    return refuse(
        "InvalidAction", 400,
        fmt::format("{} is not available: this lake's {} does not support it", at->name, service.name));
  return &*at;
}

class Exchange {
 public:
  Exchange(std::span<const QueryService* const> services, const Parts& parts, http::Request& request,
           std::string request_id)
      : services_(services), parts_(parts), request_(request), request_id_(std::move(request_id)) {}

  // The answer's document; the operation that gave it.
  Answer<std::string> run(const Authenticator& authenticator) {
    auto who = authenticator(request_);
    if (!who) return std::unexpected(of_refusal(who.error(), Protocol::kQuery));
    TARN_ASSIGN(const Parameters in, read_parameters(request_, who->payload.get()));
    choose_service(in);
    TARN_ASSIGN(operation_, find_operation(*service_, in));
    if (who->scheme == Scheme::kNone) return std::unexpected(of_refusal(Refusal{}, Protocol::kQuery));
    // What GetSessionToken gave ends, and so must not make keys that don't; those of a role may, as in AWS.
    const access::Principal& principal = who->principal;
    if (service_->name == "iam" && principal.expires && principal.kind != access::PrincipalKind::kSession)
      return refuse("InvalidClientTokenId", 403, "The security token included in the request is invalid");

    const std::string response = fmt::format("{}Response", operation_->name);
    const std::string result = fmt::format("{}Result", operation_->name);
    XmlWriter out;
    out.open(response, service_->xmlns);
    if (operation_->result) out.open(result);
    QueryCall call{.parts = parts_,
                   .request = request_,
                   .principal = who->principal,
                   .in = in,
                   .out = out,
                   .action = std::string(operation_->name),
                   .service = service_->name,
                   .request_id = request_id_};
    TARN_TRY(operation_->run(call));
    if (operation_->result) out.close();
    out.open("ResponseMetadata").text("RequestId", request_id_).close();
    return out.take();
  }

  const QueryOperation* operation() const { return operation_; }
  const QueryService& service() const { return *service_; }

 private:
  void choose_service(const Parameters& in) {
    const std::string* version = in.find("Version");
    if (version == nullptr) return;
    const auto at = std::ranges::find_if(
        services_, [&](const QueryService* service) { return service->version == *version; });
    if (at != services_.end()) service_ = *at;
  }

  const std::span<const QueryService* const> services_;
  const Parts& parts_;
  http::Request& request_;
  const std::string request_id_;
  const QueryService* service_ = services_.front();
  const QueryOperation* operation_ = nullptr;
};

std::string lower_first(std::string_view name) {
  std::string out(name);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] - 'A' + 'a');
  return out;
}

}  // namespace

Status Parameters::add(std::string_view encoded) {
  while (!encoded.empty()) {
    const size_t end = std::min(encoded.find('&'), encoded.size());
    const std::string_view pair = encoded.substr(0, end);
    encoded.remove_prefix(std::min(end + 1, encoded.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    TARN_ASSIGN(std::string name, http::percent_decode(pair.substr(0, equals), true));
    TARN_ASSIGN(std::string value,
                http::percent_decode(pair.substr(std::min(equals + 1, pair.size())), true));
    if (!is_utf8(name) || !is_utf8(value)) return fail(Code::kInvalid, "a parameter is not UTF-8");
    if (values_.size() >= kQueryParametersMax)
      return fail(Code::kTooLarge,
                  fmt::format("the request has more than {} parameters", kQueryParametersMax));
    values_.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

const std::string* Parameters::find(std::string_view name) const {
  for (const auto& [key, value] : values_)
    if (key == name) return &value;
  return nullptr;
}

std::vector<std::string> Parameters::members(std::string_view list) const {
  const std::string prefix = fmt::format("{}.member.", list);
  std::map<int, std::string> found;
  for (const auto& [key, value] : values_) {
    if (!key.starts_with(prefix)) continue;
    int number = 0;
    const char* const from = key.data() + prefix.size();
    const auto [stop, problem] = std::from_chars(from, key.data() + key.size(), number);
    const bool whole = stop == key.data() + key.size() || *stop == '.';
    if (problem == std::errc() && number > 0 && whole)
      found.emplace(number, key.substr(0, static_cast<size_t>(stop - key.data())));
  }
  std::vector<std::string> out;
  out.reserve(found.size());
  for (auto& [number, name] : found) out.push_back(std::move(name));
  return out;
}

std::vector<std::string> Parameters::texts(std::string_view list) const {
  std::vector<std::string> out;
  for (const std::string& name : members(list))
    if (const std::string* value = find(name)) out.push_back(*value);
  return out;
}

std::string QueryCall::source_ip() const {
  const std::string remote = request.remote();
  return std::string(http::host_of(remote));
}

access::Context QueryCall::context() const {
  access::Context out;
  out.set("aws:SourceIp", source_ip());
  out.set("aws:SecureTransport", request.secure() ? "true" : "false");
  if (const auto agent = request.header("user-agent")) out.set("aws:UserAgent", std::string(*agent));
  return out;
}

Answer<void> QueryCall::allow(std::string_view resource, const access::Context& context) const {
  return allow_also(action, resource, context);
}

Answer<void> QueryCall::allow_also(std::string_view action, std::string_view resource,
                                   const access::Context& context) const {
  const std::string asked = fmt::format("{}:{}", service, action);
  const std::string from = source_ip();
  TARN_TRY(parts.guard.check(access::Ask{.principal = principal,
                                         .action = asked,
                                         .resource = resource,
                                         .context = &context,
                                         .resource_policy = nullptr,
                                         .source_ip = from,
                                         .request_id = request_id}));
  return {};
}

Answer<std::string> QueryCall::required(std::string_view name) const {
  const std::string* value = in.find(name);
  if (value == nullptr)
    return refuse(
        "ValidationError", 400,
        fmt::format("1 validation error detected: Value null at '{}' failed to satisfy constraint: Member "
                    "must not be null",
                    lower_first(name)));
  return *value;
}

std::string QueryCall::optional(std::string_view name) const {
  const std::string* value = in.find(name);
  return value == nullptr ? std::string() : *value;
}

Answer<bool> QueryCall::flag(std::string_view name, bool otherwise) const {
  const std::string* value = in.find(name);
  if (value == nullptr) return otherwise;
  if (*value == "true" || *value == "True") return true;
  if (*value == "false" || *value == "False") return false;
  return refuse("MalformedInput", 400, fmt::format("{} is true or false, not '{}'", name, *value));
}

Answer<int64_t> QueryCall::number(std::string_view name, int64_t otherwise, int64_t min, int64_t max) const {
  const std::string* value = in.find(name);
  if (value == nullptr) return otherwise;
  int64_t out = 0;
  const auto [stop, problem] = std::from_chars(value->data(), value->data() + value->size(), out);
  if (problem != std::errc() || stop != value->data() + value->size())
    return refuse("MalformedInput", 400, fmt::format("{} is a whole number, not '{}'", name, *value));
  if (out < min)
    return std::unexpected(
        constraint(*value, name, fmt::format("have value greater than or equal to {}", min)));
  if (out > max)
    return std::unexpected(constraint(*value, name, fmt::format("have value less than or equal to {}", max)));
  return out;
}

void answer_query(std::span<const QueryService* const> services, const Parts& parts,
                  const Authenticator& authenticator, http::Request& request, http::Responder& responder) {
  const std::string request_id = uuid_v4();
  Exchange exchange(services, parts, request, request_id);
  auto answer = exchange.run(authenticator);
  // A client that is gone gets nothing; there is nobody to tell.
  if (!answer) {
    (void)send_error(responder, answer.error(), Protocol::kQuery, request_id, exchange.service().xmlns);
    return;
  }
  std::vector<http::Header> headers = {{"x-amzn-RequestId", request_id},
                                       {"Content-Type", std::string(content_type(Protocol::kQuery))}};
  if (exchange.operation()->secret) headers.push_back({"Cache-Control", "no-store"});
  (void)responder.send(200, std::move(headers), *answer);
}

ServiceError constraint(std::string_view value, std::string_view parameter, std::string_view must) {
  return {"ValidationError", 400,
          fmt::format(
              "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: Member must {}",
              value, lower_first(parameter), must)};
}

Answer<void> check_length(std::string_view value, std::string_view parameter, size_t min, size_t max) {
  if (value.size() < min)
    return std::unexpected(
        constraint(value, parameter, fmt::format("have length greater than or equal to {}", min)));
  if (value.size() > max)
    return std::unexpected(
        constraint(value, parameter, fmt::format("have length less than or equal to {}", max)));
  return {};
}

std::string query_time(Timestamp t) {
  const std::string whole = to_string(Timestamp{t.us - t.us % 1'000'000});  // …:05Z
  return fmt::format("{}.{:03}Z", whole.substr(0, whole.size() - 1), t.us % 1'000'000 / 1000);
}

}  // namespace tarn::aws
