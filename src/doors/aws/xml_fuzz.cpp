// XML as a hostile client sends it. What is read can be written, and read again as the same.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "doors/aws/xml.h"

namespace {

using tarn::aws::XmlNode;
using tarn::aws::XmlWriter;

size_t check(const XmlNode& node, size_t depth) {
  TARN_CHECK(depth <= tarn::aws::kXmlDepthMax);
  TARN_CHECK(tarn::is_utf8(node.text));
  size_t elements = 1;
  for (const XmlNode& child : node.children) elements += check(child, depth + 1);
  return elements;
}

void write(XmlWriter& out, const XmlNode& node) {
  out.open(node.name);
  std::string text = XmlWriter().text("t", node.text).take();
  const size_t from = text.find("<t>") + 3;
  out.raw(std::string_view(text).substr(from, text.size() - from - 4));
  for (const XmlNode& child : node.children) write(out, child);
  out.close();
}

bool same(const XmlNode& a, const XmlNode& b) {
  if (a.name != b.name || a.children.size() != b.children.size()) return false;
  // Blanks around elements are not kept when nothing else is there.
  if (a.text != b.text && a.text.find_first_not_of(" \t\r\n") != std::string::npos) return false;
  for (size_t i = 0; i < a.children.size(); i++)
    if (!same(a.children[i], b.children[i])) return false;
  return true;
}

// pugixml is kinder about names than XML; what a prefix was taken from may be none.
bool plain_names(const XmlNode& node) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (node.name.empty() || !std::ranges::all_of(node.name, letter)) return false;
  return std::ranges::all_of(node.children, plain_names);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto node = tarn::aws::parse_xml(text, "");
  if (!node) return 0;
  TARN_CHECK(check(*node, 1) <= tarn::aws::kXmlElementsMax);
  if (!plain_names(*node)) return 0;
  XmlWriter out;
  write(out, *node);
  auto again = tarn::aws::parse_xml(std::move(out).take(), node->name);
  TARN_CHECK(again.has_value());
  TARN_CHECK(same(*node, *again));
  return 0;
}
