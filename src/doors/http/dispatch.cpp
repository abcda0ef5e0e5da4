#include <algorithm>
#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "access/grants.h"
#include "base/logging.h"
#include "base/nearest.h"
#include "doors/http/answers.h"
#include "doors/http/api.h"
#include "doors/http/caller_check.h"
#include "doors/http/routes.h"
#include "doors/http/url.h"

namespace tarn::http {

namespace {

using Segments = std::vector<std::string>;

std::vector<std::string_view> pattern_segments(std::string_view pattern) {
  std::vector<std::string_view> out;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);  // the slash
    size_t end = std::min(pattern.find('/'), pattern.size());
    out.push_back(pattern.substr(0, end));
    pattern.remove_prefix(end);
  }
  return out;
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{');
}

bool matches(const Route& route, const Segments& path) {
  auto pattern = pattern_segments(route.pattern);
  return std::ranges::equal(
      pattern, path, [](std::string_view p, const std::string& s) { return is_parameter(p) || p == s; });
}

Error no_such_path(const Segments& path, std::string_view given) {
  // The pattern with the most words in common, then the one whose next word is near.
  std::string best;
  size_t best_score = 0;
  for (const Route& route : routes()) {
    auto pattern = pattern_segments(route.pattern);
    size_t score = 0;
    for (size_t i = 0; i < std::min(pattern.size(), path.size()); ++i) {
      std::string word(pattern[i]);
      if (word == path[i]) {
        score += 4;
      } else if (is_parameter(word)) {
        score += 2;
      } else if (!nearest(path[i], std::span(&word, 1)).empty()) {
        score += 3;
      } else {
        break;
      }
    }
    size_t length_gap =
        pattern.size() > path.size() ? pattern.size() - path.size() : path.size() - pattern.size();
    score = score * 8 > length_gap ? score * 8 - length_gap : 0;
    if (score > best_score) {
      best_score = score;
      best = route.pattern;
    }
  }
  std::string hint = best.empty() ? "" : fmt::format("; did you mean {}?", best);
  return {
      Code::kNotFound,
      fmt::format("there is no {}{} GET /v1/openapi.json lists every path", given, hint.empty() ? "." : hint),
      0};
}

Status refuse_method(Responder& responder, std::string_view method, std::vector<std::string> allowed) {
  if (std::ranges::find(allowed, "GET") != allowed.end()) allowed.push_back("HEAD");
  allowed.push_back("OPTIONS");
  std::string list = fmt::format("{}", fmt::join(allowed, ", "));
  if (method == "OPTIONS") return responder.send(204, {{"Allow", list}}, {});
  std::string message =
      fmt::format(R"({{"error":{{"code":"invalid","message":"this path takes {}"}}}})", list);
  return responder.send(405, {{"Allow", list}, {"Content-Type", std::string(kJsonType)}}, message + "\n");
}

Status refuse_unknown(Responder& responder, const Unknown& unknown) {
  boost::json::object body{{"error", {{"code", "unauthenticated"}, {"message", unknown.message}}}};
  std::vector<Header> headers = {{"Content-Type", std::string(kJsonType)}};
  if (unknown.status == 401)
    headers.push_back({"WWW-Authenticate", "Basic realm=\"tarn\", charset=\"UTF-8\""});
  return responder.send(unknown.status, std::move(headers), boost::json::serialize(body) + "\n");
}

Result<std::string> resource_of(const Route& route, const Call& call) {
  switch (route.needs.of) {
    case Needs::Of::kStream:
      return access::stream_arn(call.parameter("stream"));
    case Needs::Of::kTable: {
      // As the action reads it: a name in capitals is the same table.
      TARN_ASSIGN(lake::TableName name, lake::TableName::parse(call.parameter("table")));
      return access::table_arn(name.database, name.name);
    }
    case Needs::Of::kBucket:
      return access::bucket_arn(call.parameter("bucket"));
    case Needs::Of::kSecret:
      return access::secret_arn(call.parameter("secret"));
    case Needs::Of::kNobody:
    case Needs::Of::kAnybody:
    case Needs::Of::kLake:
      break;
  }
  return access::lake_arn();
}

// Who asks, whether they may, and then the action.
Status run(Api& api, const Route& route, Call call) {
  if (route.needs.of == Needs::Of::kNobody) return route.action(api, call);
  auto caller = api.parts.authenticate(call.request);
  if (!caller) return refuse_unknown(call.responder, caller.error());
  Request& request = caller->request ? *caller->request : call.request;
  Call known{request, call.responder, caller->principal, std::move(call.parameters)};
  std::string remote = request.remote();
  known.source_ip = host_of(remote);
  known.context.set("aws:SecureTransport", request.secure() ? "true" : "false");
  if (route.needs.of != Needs::Of::kAnybody) {
    TARN_ASSIGN(std::string resource, resource_of(route, known));
    TARN_TRY(api.parts.guard.check(known.ask(route.needs.action, resource)));
  }
  return route.action(api, known);
}

Status find_and_run(Api& api, Request& request, Responder& responder) {
  TARN_TRY(check_caller(request, api.parts.host_names, api.parts.any_host));
  std::string_view raw_path = split_target(request.target()).path;
  TARN_ASSIGN(Segments path, path_segments(raw_path));
  std::string_view method = request.method() == "HEAD" ? "GET" : request.method();
  std::vector<std::string> allowed;
  for (const Route& route : routes()) {
    if (!matches(route, path)) continue;
    if (route.method != method) {
      allowed.emplace_back(route.method);
      continue;
    }
    static const access::Principal nobody = access::Principal::anonymous();
    Call call{request, responder, nobody, {}};
    auto pattern = pattern_segments(route.pattern);
    for (size_t i = 0; i < pattern.size(); ++i)
      if (is_parameter(pattern[i]))
        call.parameters.emplace_back(pattern[i].substr(1, pattern[i].size() - 2), path[i]);
    return run(api, route, std::move(call));
  }
  if (!allowed.empty()) return refuse_method(responder, method, std::move(allowed));
  return fail(no_such_path(path, raw_path));
}

}  // namespace

const std::string& Call::parameter(std::string_view name) const {
  auto found = std::ranges::find(parameters, name, [](const auto& p) { return p.first; });
  TARN_CHECK(found != parameters.end());
  return found->second;
}

bool may_see(Api& api, const Call& call, std::string_view resource) {
  return api.parts.guard.decide(call.ask(access::kDescribe, resource)).allowed;
}

void dispatch(Api& api, Request& request, Responder& responder) {
  Status done = find_and_run(api, request, responder);
  if (done || responder.begun()) return;
  int status = http_status(done.error().code);
  if (status == 500)
    // Without the query, which may be a signature.
    TARN_LOG(error, "http: {} {}: {}", request.method(), split_target(request.target()).path,
             done.error().message);
  (void)send_error(responder, done.error());  // fails only when the client is gone
}

}  // namespace tarn::http
