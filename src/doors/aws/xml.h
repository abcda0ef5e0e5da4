// XML as S3 and the query protocols write and read it.
//
// Writing appends to a string with escaping (also of the control characters that XML 1.0 can't have, which
// S3 writes as character references); reading is pugixml without DTDs and entities of its own, bounded in size
// and depth, so that no document can blow up.
// Threads: pure.
// Fails: parse: MalformedXML as kInvalid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tarn::aws {

// Of documents that are read. A completed upload of 10,000 parts has about 80,000 elements.
inline constexpr size_t kXmlBytesMax = 4u << 20;
inline constexpr size_t kXmlElementsMax = 200'000;
inline constexpr size_t kXmlDepthMax = 32;

inline constexpr std::string_view kS3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

class XmlWriter {
 public:
  XmlWriter();  // with the declaration
  // Names must be literals, or outlive the writer.
  XmlWriter& open(std::string_view name, std::string_view xmlns = {});
  XmlWriter& close();
  XmlWriter& text(std::string_view name, std::string_view value);  // <name>value</name>
  // The same of an error: control characters, which no parser takes, become U+FFFD.
  XmlWriter& words(std::string_view name, std::string_view value);
  XmlWriter& number(std::string_view name, int64_t value);
  XmlWriter& flag(std::string_view name, bool value);  // true, false
  XmlWriter& raw(std::string_view xml);
  std::string take();  // closes what is open

 private:
  std::string out_;
  std::vector<std::string_view> open_;
};

// An element that was read. Names come without their namespace prefix.
struct XmlNode {
  std::string name;
  std::string text;  // of the element itself, entities decoded; empty with children
  std::vector<XmlNode> children;
  std::vector<std::pair<std::string, std::string>> attributes;

  const XmlNode* child(std::string_view child_name) const;  // the first; null: none
  std::string value(std::string_view child_name) const;     // its text; empty: none
  std::vector<const XmlNode*> all(std::string_view child_name) const;
};

// `root` empty: any. kInvalid with the place.
Result<XmlNode> parse_xml(std::string_view text, std::string_view root);

}  // namespace tarn::aws
