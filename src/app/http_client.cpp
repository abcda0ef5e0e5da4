#include "app/http_client.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json.hpp>
#include <curl/curl.h>
#include <fmt/core.h>

#include "app/json_text.h"

namespace tarn::app {
namespace {

constexpr long kConnectTimeoutMs = 5'000;
constexpr long kReceiveBufferBytes = 256 * 1024;
constexpr size_t kErrorBodyBytesMax = 64 * 1024;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What one transfer's callbacks write to.
struct Transfer {
  HttpResponse response;
  const std::function<Status(std::string_view)>* piece = nullptr;  // null: the body is collected
  const std::function<bool()>* cancelled = nullptr;
  CURL* handle = nullptr;
  std::optional<Error> error;

  Status take(std::string_view bytes) {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (piece != nullptr && status >= 200 && status < 300) return (*piece)(bytes);
    if (piece != nullptr && response.body.size() + bytes.size() > kErrorBodyBytesMax) return {};
    response.body += bytes;
    return {};
  }
};

size_t on_body(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (auto taken = transfer.take(std::string_view(data, size * count)); !taken) {
    transfer.error = std::move(taken).error();
    return 0;  // ends the transfer
  }
  return size * count;
}

size_t on_header(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) transfer.response.headers.clear();  // after 100 Continue
  if (size_t colon = line.find(':'); colon != std::string_view::npos) {
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front())) != 0)
      value.remove_prefix(1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())) != 0)
      value.remove_suffix(1);
    transfer.response.headers[name] = std::string(value);
  }
  return size * count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  return transfer.cancelled != nullptr && *transfer.cancelled && (*transfer.cancelled)() ? 1 : 0;
}

std::optional<Code> code_of(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    if (code_name(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  }
  return std::nullopt;
}

// For answers of something that is no lake (a proxy), which have no code.
Code code_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return Code::kDenied;
    case 404:
      return Code::kNotFound;
    case 409:
      return Code::kConflict;
    case 413:
      return Code::kTooLarge;
    case 429:
      return Code::kBusy;
    case 503:
      return Code::kUnavailable;
    default:
      return status < 500 ? Code::kInvalid : Code::kInternal;
  }
}

}  // namespace

struct HttpClient::Impl {
  std::string url;
  Endpoint endpoint;
  CURL* handle = curl_easy_init();
  std::function<bool()> cancelled;

  explicit Impl(Endpoint at) : url(at.url), endpoint(std::move(at)) {
    while (url.ends_with('/')) url.pop_back();
    if (url.find("://") == std::string::npos) url = "http://" + url;
  }
  ~Impl() { curl_easy_cleanup(handle); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<HttpResponse> run(const HttpRequest& request, const std::function<Status(std::string_view)>* piece);
  void set_credentials(std::unique_ptr<curl_slist, FreeList>& headers);
  void set_options(const HttpRequest& request, Transfer& transfer, curl_slist* headers);
  Error refused(const HttpResponse& response) const;
  Error failure(CURLcode code, Transfer& transfer, const char* detail) const;
};

// Basic shows the secret to whoever reads along, so it is for TLS and for this machine only.
void HttpClient::Impl::set_credentials(std::unique_ptr<curl_slist, FreeList>& headers) {
  const Credentials& key = endpoint.credentials;
  if (!endpoint.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, endpoint.ca_file.c_str());
  if (key.key_id.empty()) return;
  curl_easy_setopt(handle, CURLOPT_USERNAME, key.key_id.c_str());
  curl_easy_setopt(handle, CURLOPT_PASSWORD, key.secret.c_str());
  bool here = url.starts_with("http://127.") || url.starts_with("http://localhost") ||
              url.starts_with("http://[::1]");
  if (key.token.empty() && (here || url.starts_with("https://"))) {
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    return;
  }
  curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:tarn");
  if (!key.token.empty())
    headers.reset(
        curl_slist_append(headers.release(), fmt::format("x-amz-security-token: {}", key.token).c_str()));
}

void HttpClient::Impl::set_options(const HttpRequest& request, Transfer& transfer, curl_slist* headers) {
  curl_easy_setopt(handle, CURLOPT_URL, (url + request.target).c_str());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_NOPROXY,
                   "*");  // a lake is reached directly, whatever the environment says
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
  curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "tarn");
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  if (request.method == "GET" && request.body.empty()) return;
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data() == nullptr ? "" : request.body.data());
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

// Without a key the lake's own words are for whoever writes a client; these are for whoever types a command.
Error HttpClient::Impl::refused(const HttpResponse& response) const {
  if (response.status != 401 || !endpoint.credentials.key_id.empty()) return error_of(response);
  return {
      Code::kDenied,
      fmt::format(
          "the lake at {} asks for an access key: name its folder with TARN_DATA, or set TARN_ACCESS_KEY_ID "
          "and TARN_SECRET_ACCESS_KEY (`tarn env --data FOLDER` prints them)",
          url),
      0};
}

Error HttpClient::Impl::failure(CURLcode code, Transfer& transfer, const char* detail) const {
  if (transfer.error) return std::move(*transfer.error);
  if (code == CURLE_ABORTED_BY_CALLBACK) return {Code::kCancelled, "cancelled", 0};
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
    return {Code::kInvalid,
            fmt::format("{} is no address of a lake; write one such as http://127.0.0.1:9700", url), 0};
  }
  const char* reason = *detail != '\0' ? detail : curl_easy_strerror(code);
  if (code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
      code == CURLE_SEND_ERROR) {
    return {Code::kUnavailable, fmt::format("the lake at {} broke the connection off: {}", url, reason), 0};
  }
  return {
      Code::kUnavailable,
      fmt::format("could not reach the lake at {}: {}; is `tarn up` running? (--url or TARN_URL say where)",
                  url, reason),
      0};
}

Result<HttpResponse> HttpClient::Impl::run(const HttpRequest& request,
                                           const std::function<Status(std::string_view)>* piece) {
  Transfer transfer;
  transfer.piece = piece;
  transfer.cancelled = &cancelled;
  transfer.handle = handle;
  std::unique_ptr<curl_slist, FreeList> headers(curl_slist_append(nullptr, "Expect:"));
  for (const auto& [name, value] : request.headers) {
    headers.reset(curl_slist_append(headers.release(), fmt::format("{}: {}", name, value).c_str()));
  }
  curl_easy_reset(handle);
  set_credentials(headers);
  set_options(request, transfer, headers.get());
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail.data());
  CURLcode code = curl_easy_perform(handle);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
  transfer.response.status = static_cast<int>(status);
  if (code != CURLE_OK) return fail(failure(code, transfer, detail.data()));
  return std::move(transfer.response);
}

HttpClient::HttpClient(Endpoint endpoint) : impl_(std::make_unique<Impl>(std::move(endpoint))) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

const std::string& HttpClient::url() const {
  return impl_->url;
}
void HttpClient::set_cancelled(std::function<bool()> cancelled) {
  impl_->cancelled = std::move(cancelled);
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
  return impl_->run(request, nullptr);
}

Result<HttpResponse> HttpClient::stream(const HttpRequest& request,
                                        const std::function<Status(std::string_view)>& piece) {
  TARN_ASSIGN(HttpResponse response, impl_->run(request, &piece));
  if (response.status < 200 || response.status >= 300) return fail(impl_->refused(response));
  return response;
}

Result<boost::json::value> HttpClient::call(const HttpRequest& request) {
  TARN_ASSIGN(HttpResponse response, send(request));
  if (response.status < 200 || response.status >= 300) return fail(impl_->refused(response));
  if (response.body.empty()) return boost::json::value(nullptr);
  auto parsed = parse_json(response.body);
  if (!parsed) {
    return fail(Code::kInternal,
                fmt::format("{} did not answer as a lake does: is that its address?", impl_->url));
  }
  return std::move(*parsed);
}

Error error_of(const HttpResponse& response) {
  Error error{code_of_status(response.status), fmt::format("HTTP status {}", response.status), 0};
  if (auto parsed = parse_json(response.body); parsed && parsed->is_object()) {
    if (const auto* told = object_at(parsed->get_object(), "error")) {
      error.code = code_of(text_at(*told, "code")).value_or(error.code);
      error.message = text_at(*told, "message", error.message);
    }
  }
  if (auto found = response.headers.find("retry-after"); found != response.headers.end()) {
    double seconds = 0;
    const std::string& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), seconds);
    error.retry_after_ms = static_cast<int>(std::clamp(seconds, 0.0, 3600.0) * 1000);
  }
  return error;
}

std::string encode_url(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

HttpLibrary::HttpLibrary() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}
HttpLibrary::~HttpLibrary() {
  curl_global_cleanup();
}

}  // namespace tarn::app
