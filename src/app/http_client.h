// Requests to a lake's HTTP door, over one connection that is kept open, with the endpoint's key: by Basic over TLS
// and on this machine, signed (SigV4) otherwise.
//
// Owns: a libcurl handle.
// Threads: one thread a client; `cancelled` is asked from the same thread, about once a second.
// Fails: kUnavailable when the lake can't be reached, the message says what to do; kCancelled when
// `cancelled` said so; what the lake answered with an error status comes back with the lake's own code and
// message.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "app/endpoint.h"
#include "base/error.h"

namespace tarn::app {

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // "/v1/streams", encoded
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string_view body = {};
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class HttpClient {
 public:
  explicit HttpClient(Endpoint endpoint);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // Any status is an answer; only a failed connection is an error.
  Result<HttpResponse> send(const HttpRequest& request);
  // Gives the body of a 2xx answer piece by piece; a `piece` that fails ends the transfer with its error.
  // Other statuses are errors.
  Result<HttpResponse> stream(const HttpRequest& request,
                              const std::function<Status(std::string_view)>& piece);
  // A JSON answer of a 2xx status; nothing (null) when it has no body.
  Result<boost::json::value> call(const HttpRequest& request);

  // Asked during a transfer; true ends it.
  void set_cancelled(std::function<bool()> cancelled);
  const std::string& url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The Error in an answer that is not 2xx, with retry_after_ms from its Retry-After header.
Error error_of(const HttpResponse& response);

// One part of a path or a query value, percent-encoded.
std::string encode_url(std::string_view text);

// libcurl's global state for the life of the program. One, in run().
class HttpLibrary {
 public:
  HttpLibrary();
  ~HttpLibrary();
  HttpLibrary(const HttpLibrary&) = delete;
  HttpLibrary& operator=(const HttpLibrary&) = delete;
};

}  // namespace tarn::app
