// What the listings share: their parameters, and how keys are written for clients that ask for encoding.
//
// Threads: pure functions.
// Fails: InvalidArgument names the parameter.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "doors/aws/s3/call.h"
#include "doors/aws/xml.h"

namespace tarn::aws::s3 {

inline constexpr size_t kListMax = 1000;  // entries of one answer

// A number of entries, at most kListMax; absent or empty: kListMax.
S3Result<size_t> read_limit(const Call& call, std::string_view name);
// A prefix, delimiter or marker; absent: nothing.
S3Result<std::optional<std::string>> read_key_parameter(const Call& call, std::string_view name);

// Keys as a listing writes them: percent-encoded when encoding-type=url was asked for.
class KeyEncoding {
 public:
  static S3Result<KeyEncoding> read(const Call& call);
  bool url() const { return url_; }
  std::string operator()(std::string_view key) const;

 private:
  bool url_ = false;
};

struct ListRequest {  // of ListObjects and ListObjectsV2
  bool v2 = false;
  std::string prefix;
  std::string delimiter;
  std::string marker;                // V1
  std::optional<std::string> token;  // V2
  std::optional<std::string> start_after;
  size_t limit = kListMax;
  bool owner = true;
  KeyEncoding encoding;

  std::string after;  // the key that the listing goes on behind
};
S3Result<ListRequest> read_list_request(const Call& call, bool v2);
std::string list_xml(const Call& call, const ListRequest& request, const store::ObjectPage& page);

// <Owner> or <Initiator>: the lake's one owner.
void add_owner(XmlWriter& xml, std::string_view element);

}  // namespace tarn::aws::s3
