// Where a lake is and with what key: what every command needs before it can ask anything.
//
// The key is looked for in this order: TARN_ACCESS_KEY_ID and TARN_SECRET_ACCESS_KEY (with TARN_SESSION_TOKEN);
// the root key of a lake's folder on this machine (TARN_DATA, or ./.tarn) that listens at that very address;
// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN), which `tarn env` prints. So the keys of
// somebody's real AWS account don't stand in the way of the lake on the same machine.
// Threads: reads the environment; a value.
// Fails: never; without a key requests go without one.
#pragma once

#include <filesystem>
#include <string>

namespace tarn::app {

struct Credentials {
  std::string key_id;
  std::string secret;
  std::string token;
};

struct Endpoint {
  std::string url = "http://127.0.0.1:9700";
  Credentials credentials;
  std::string ca_file;  // TARN_CA_FILE or AWS_CA_BUNDLE: whose certificates are trusted; empty: the system's
};

// `url` as given on the command line; empty: TARN_URL, or the default.
Endpoint find_endpoint(const std::string& url);

// The address of a lake that runs on this folder, as a URL; empty: none does.
std::string running_url(const std::filesystem::path& data);

}  // namespace tarn::app
