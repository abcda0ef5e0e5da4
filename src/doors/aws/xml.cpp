#include "doors/aws/xml.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "base/bytes.h"

namespace tarn::aws {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// The length of the UTF-8 sequence that begins here, 0 when none does.
size_t sequence_length(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xC2 ? 0
                        : lead < 0xE0 ? 2
                        : lead < 0xF0 ? 3
                        : lead < 0xF5 ? 4
                                      : 0;
  if (length == 0 || at + length > text.size() || !is_utf8(text.substr(at, length))) return 0;
  return length;
}

void append_escaped(std::string& out, std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x80) {
      const size_t length = sequence_length(text, at);
      const std::string_view bytes = text.substr(at, length);
      if (length == 0) {
        out += "\xEF\xBF\xBD";  // U+FFFD: a document must be UTF-8, whatever the value was
      } else if (bytes == "\xEF\xBF\xBE" || bytes == "\xEF\xBF\xBF") {
        out += bytes.back() == '\xBE' ? "&#xfffe;" : "&#xffff;";
      } else {
        out += bytes;
      }
      at += std::max<size_t>(length, 1);
      continue;
    }
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\t':
      case '\n':
        out += static_cast<char>(c);
        break;
      default:
        if (c < 0x20) {
          out += fmt::format("&#x{:x};", c);
        } else {
          out += static_cast<char>(c);
        }
    }
    at++;
  }
}

std::string_view without_prefix(std::string_view name) {
  const size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// A reference at text[at] == '&': one of XML's own, or of a character that XML 1.0 can have.
bool known_reference(std::string_view text, size_t at) {
  constexpr size_t kReferenceBytesMax = 12;
  const size_t end = text.substr(at, kReferenceBytesMax).find(';');
  if (end == std::string_view::npos) return false;
  const std::string_view name = text.substr(at + 1, end - 1);
  constexpr std::array<std::string_view, 5> kOwn = {"amp", "lt", "gt", "quot", "apos"};
  if (std::ranges::find(kOwn, name) != kOwn.end()) return true;
  if (name.size() < 2 || name[0] != '#') return false;
  const bool hex = name[1] == 'x';
  const std::string_view digits = name.substr(hex ? 2 : 1);
  uint32_t code = 0;
  const auto [stop, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
  if (problem != std::errc() || stop != digits.data() + digits.size()) return false;
  return code != 0 && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

Error malformed(std::string message) {
  return {Code::kInvalid, "the XML is not well-formed: " + std::move(message), 0};
}

// What pugixml is too kind about, and what would cost memory before it could be refused.
Status check_text(std::string_view text) {
  if (text.size() > kXmlBytesMax)
    return fail(Code::kInvalid, fmt::format("the XML has {} bytes; at most {}", text.size(), kXmlBytesMax));
  if (text.find('\0') != std::string_view::npos || !is_utf8(text))
    return fail(malformed("it is no UTF-8 text"));
  if (std::ranges::any_of(text, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
      }))
    return fail(malformed("it has a control character"));
  const size_t from = text.find_first_not_of(kBlanks);
  if (from == std::string_view::npos || text[from] != '<' || text[text.find_last_not_of(kBlanks)] != '>')
    return fail(malformed("there is text around its element"));
  if (static_cast<size_t>(std::ranges::count(text, '<')) > 2 * kXmlElementsMax + 16)
    return fail(Code::kInvalid, fmt::format("the XML has more than {} elements", kXmlElementsMax));
  for (size_t at = text.find_first_of("&<"); at != std::string_view::npos;
       at = text.find_first_of("&<", at)) {
    const std::string_view rest = text.substr(at);
    if (text[at] == '&') {
      if (!known_reference(text, at))
        return fail(malformed(fmt::format("an entity at byte {} that isn't one of XML's own", at)));
      at++;
    } else if (rest.starts_with("<!DOCTYPE") || rest.starts_with("<!ENTITY")) {
      return fail(malformed(fmt::format("a document type declaration at byte {}: none is taken", at)));
    } else if (rest.starts_with("<![CDATA[")) {
      at = text.find("]]>", at);
    } else if (rest.starts_with("<!--")) {
      at = text.find("-->", at + 4);
    } else {
      at++;
    }
    if (at == std::string_view::npos) return fail(malformed("a section that doesn't end"));
  }
  return {};
}

class Converter {
 public:
  Result<XmlNode> convert(const pugi::xml_node& from, size_t depth) {
    if (depth > kXmlDepthMax)
      return fail(malformed(fmt::format("it is nested deeper than {}", kXmlDepthMax)));
    if (++elements_ > kXmlElementsMax)
      return fail(Code::kInvalid, fmt::format("the XML has more than {} elements", kXmlElementsMax));
    XmlNode out;
    out.name = without_prefix(from.name());
    for (const pugi::xml_attribute& attribute : from.attributes()) {
      const std::string_view name = attribute.name();
      if (!name.starts_with("xmlns:")) out.attributes.emplace_back(without_prefix(name), attribute.value());
    }
    for (const pugi::xml_node& child : from.children()) {
      if (child.type() == pugi::node_element) {
        TARN_ASSIGN(XmlNode node, convert(child, depth + 1));
        out.children.push_back(std::move(node));
      } else if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        out.text += child.value();
      }
    }
    if (out.children.empty()) return out;
    // Documents of AWS have the one or the other: what is beside elements is their layout.
    if (out.text.find_first_not_of(kBlanks) != std::string::npos)
      return fail(malformed(fmt::format("{} has text beside its elements", out.name)));
    out.text.clear();
    return out;
  }

 private:
  size_t elements_ = 0;
};

}  // namespace

XmlWriter::XmlWriter() : out_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

XmlWriter& XmlWriter::open(std::string_view name, std::string_view xmlns) {
  out_ += '<';
  out_ += name;
  if (!xmlns.empty()) {
    out_ += " xmlns=\"";
    append_escaped(out_, xmlns);
    out_ += '"';
  }
  out_ += '>';
  open_.push_back(name);
  return *this;
}

XmlWriter& XmlWriter::close() {
  TARN_CHECK(!open_.empty());
  out_ += "</";
  out_ += open_.back();
  out_ += '>';
  open_.pop_back();
  return *this;
}

XmlWriter& XmlWriter::words(std::string_view name, std::string_view value) {
  std::string shown;
  for (const char c : value) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') {
      shown += "\xEF\xBF\xBD";
    } else {
      shown += c;
    }
  }
  return text(name, shown);
}

XmlWriter& XmlWriter::text(std::string_view name, std::string_view value) {
  out_ += '<';
  out_ += name;
  out_ += '>';
  append_escaped(out_, value);
  out_ += "</";
  out_ += name;
  out_ += '>';
  return *this;
}

XmlWriter& XmlWriter::number(std::string_view name, int64_t value) {
  return text(name, fmt::to_string(value));
}

XmlWriter& XmlWriter::flag(std::string_view name, bool value) {
  return text(name, value ? "true" : "false");
}

XmlWriter& XmlWriter::raw(std::string_view xml) {
  out_ += xml;
  return *this;
}

std::string XmlWriter::take() {
  while (!open_.empty()) close();
  return std::move(out_);
}

const XmlNode* XmlNode::child(std::string_view child_name) const {
  const auto at = std::ranges::find(children, child_name, &XmlNode::name);
  return at == children.end() ? nullptr : &*at;
}

std::string XmlNode::value(std::string_view child_name) const {
  const XmlNode* found = child(child_name);
  return found == nullptr ? std::string() : found->text;
}

std::vector<const XmlNode*> XmlNode::all(std::string_view child_name) const {
  std::vector<const XmlNode*> out;
  for (const XmlNode& node : children)
    if (node.name == child_name) out.push_back(&node);
  return out;
}

Result<XmlNode> parse_xml(std::string_view text, std::string_view root) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  TARN_TRY(check_text(text));
  pugi::xml_document document;
  const unsigned options = pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_doctype;
  const pugi::xml_parse_result parsed =
      document.load_buffer(text.data(), text.size(), options, pugi::encoding_utf8);
  if (!parsed) return fail(malformed(fmt::format("{} at byte {}", parsed.description(), parsed.offset)));
  pugi::xml_node top;
  for (const pugi::xml_node& node : document.children()) {
    if (node.type() == pugi::node_doctype)
      return fail(malformed("a document type declaration: none is taken"));
    if (node.type() != pugi::node_element) continue;
    if (top) return fail(malformed("more than one element at the top"));
    top = node;
  }
  if (!top) return fail(malformed("it has no element"));
  if (!root.empty() && without_prefix(top.name()) != root)
    return fail(malformed(fmt::format("the element is {}, expected {}", top.name(), root)));
  return Converter().convert(top, 1);
}

}  // namespace tarn::aws
