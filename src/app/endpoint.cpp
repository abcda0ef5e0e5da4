#include "app/endpoint.h"

#include <cstdlib>

#include "access/identities.h"
#include "base/file.h"

namespace tarn::app {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url.find("://") == std::string::npos ? "http://" + url : url;
}

Credentials from_environment(const std::string& prefix) {
  Credentials found{variable((prefix + "_ACCESS_KEY_ID").c_str()),
                    variable((prefix + "_SECRET_ACCESS_KEY").c_str()),
                    variable((prefix + "_SESSION_TOKEN").c_str())};
  return found.key_id.empty() || found.secret.empty() ? Credentials{} : found;
}

// The root key of the lake in `data`, if that is the lake at `url`.
Credentials of_folder(const std::filesystem::path& data, const std::string& url) {
  if (running_url(data) != url) return {};
  auto key = access::read_key_file(data / "root.key");
  return key ? Credentials{key->id, key->secret, ""} : Credentials{};
}

}  // namespace

std::string running_url(const std::filesystem::path& data) {
  auto address = read_file(data / "http.address");
  if (!address || address->empty()) return "";
  while (address->ends_with('\n')) address->pop_back();
  return without_slash(*address);
}

Endpoint find_endpoint(const std::string& url) {
  Endpoint found;
  if (std::string named = variable("TARN_URL"); !named.empty()) found.url = named;
  if (!url.empty()) found.url = url;
  found.url = without_slash(found.url);
  found.ca_file = variable("TARN_CA_FILE");
  if (found.ca_file.empty()) found.ca_file = variable("AWS_CA_BUNDLE");
  found.credentials = from_environment("TARN");
  if (!found.credentials.key_id.empty()) return found;
  std::string data = variable("TARN_DATA");
  found.credentials = of_folder(data.empty() ? ".tarn" : data, found.url);
  if (found.credentials.key_id.empty()) found.credentials = from_environment("AWS");
  return found;
}

}  // namespace tarn::app
