#include "store/key_path.h"

#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "store/store.h"

namespace tarn::store {
namespace {

constexpr std::string_view kMark = "%";        // makes a dotted name a folder, and one without a dot a leaf
constexpr std::string_view kChainMark = "%+";  // the component goes on inside
constexpr std::string_view kEmpty = "%_";      // the component between two slashes
constexpr std::string_view kHex = "0123456789ABCDEF";

// '*', '?' and '[' would be patterns to whoever opens the path with a glob, as DuckDB does.
bool must_escape(unsigned char c) {
  return c < 0x20 || c == 0x7f || c == '%' || c == '*' || c == '?' || c == '[';
}

void append_escaped(unsigned char c, std::string& out) {
  out += '%';
  out += kHex[c >> 4];
  out += kHex[c & 15];
}

// The length of the UTF-8 sequence that `first` begins, so that a name is never cut inside a character.
size_t character_bytes(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

// The encoded pieces of a component, each at most kPieceBytesMax long, without marks.
std::vector<std::string> pieces_of(std::string_view component) {
  if (component.empty()) return {std::string(kEmpty)};
  std::vector<std::string> pieces(1);
  std::string unit;
  for (size_t i = 0; i < component.size(); i += character_bytes(component[i])) {
    unit.clear();
    auto c = static_cast<unsigned char>(component[i]);
    if (must_escape(c)) {
      append_escaped(c, unit);
    } else {
      unit = component.substr(i, character_bytes(c));
    }
    if (pieces.back().size() + unit.size() > kPieceBytesMax) pieces.emplace_back();
    pieces.back() += unit;
  }
  // "." and ".." mean something to the file system, as a whole component and as the rest of a long one.
  if (pieces.back() == "." || pieces.back() == "..") {
    size_t dots = pieces.back().size();
    pieces.back().clear();
    while (dots-- > 0) append_escaped('.', pieces.back());
  }
  return pieces;
}

bool dotted(std::string_view name) {
  return name.find('.') != std::string_view::npos;
}

void append_component(std::string_view component, bool leaf, std::string& path) {
  std::vector<std::string> pieces = pieces_of(component);
  for (size_t i = 0; i + 1 < pieces.size(); ++i) path.append(pieces[i]).append(kChainMark).append("/");
  path += pieces.back();
  if (dotted(pieces.back()) != leaf) path += kMark;
  if (!leaf) path += '/';
}

std::optional<unsigned> hex_value(char c) {
  auto at = kHex.find(c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<unsigned>(at);
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    auto high = hex_value(text[i + 1]);
    auto low = hex_value(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return out;
}

std::string shown(std::string_view key) {
  constexpr size_t kShownBytes = 100;
  std::string text;
  for (char c : key.substr(0, kShownBytes)) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += c;
    }
  }
  return key.size() > kShownBytes ? text + "…" : text;
}

}  // namespace

Status check_key(std::string_view key) {
  if (key.empty()) return fail(Code::kInvalid, "the key of an object is empty: it needs 1 to 1024 bytes");
  if (key.size() > kKeyBytesMax) {
    return fail(Code::kInvalid, fmt::format("the key \"{}\" has {} bytes: at most {} are allowed", shown(key),
                                            key.size(), kKeyBytesMax));
  }
  if (!is_utf8(key)) {
    return fail(Code::kInvalid, fmt::format("the key \"{}\" is not UTF-8: keys are text", shown(key)));
  }
  return {};
}

Status check_bucket(std::string_view bucket) {
  auto wrong = [&](std::string_view why) {
    return fail(Code::kInvalid, fmt::format("\"{}\" is no name for a bucket: {}", shown(bucket), why));
  };
  if (bucket.size() < 3 || bucket.size() > 63) return wrong("it needs 3 to 63 characters");
  for (char c : bucket) {
    bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!fine) return wrong("only a-z, 0-9, '-' and '.' are allowed");
  }
  auto edge = [](char c) { return c == '-' || c == '.'; };
  if (edge(bucket.front()) || edge(bucket.back()))
    return wrong("it begins and ends with a letter or a digit");
  if (bucket.find("..") != std::string_view::npos) return wrong("two dots in a row are not allowed");
  return {};
}

std::optional<Name> decode_name(std::string_view name) {
  Name result;
  std::string_view body = name;
  if (name.ends_with(kChainMark)) {
    body.remove_suffix(kChainMark.size());
    result.kind = NameKind::kChain;
  } else {
    bool marked = name.ends_with(kMark);
    if (marked) body.remove_suffix(kMark.size());
    result.kind = dotted(body) != marked ? NameKind::kLeaf : NameKind::kFolder;
  }
  if (body == kEmpty && result.kind != NameKind::kChain) return result;
  auto text = unescape(body);
  if (!text || text->empty() || body == "." || body == "..") return std::nullopt;
  result.text = std::move(*text);
  return result;
}

std::string folder_of(std::string_view prefix) {
  std::string path;
  for (size_t from = 0; from < prefix.size();) {
    size_t slash = prefix.find('/', from);
    TARN_CHECK(slash != std::string_view::npos);
    append_component(prefix.substr(from, slash - from), false, path);
    from = slash + 1;
  }
  return path;
}

Result<std::filesystem::path> key_to_path(std::string_view key) {
  TARN_TRY(check_key(key));
  size_t slash = key.rfind('/');
  size_t leaf = slash == std::string_view::npos ? 0 : slash + 1;
  std::string path = folder_of(key.substr(0, leaf));
  append_component(key.substr(leaf), true, path);
  return std::filesystem::path(std::move(path));
}

Result<std::string> path_to_key(const std::filesystem::path& relative) {
  const std::string& path = relative.native();
  auto wrong = [&] { return fail(Code::kInvalid, fmt::format("the file {} is of no key", shown(path))); };
  std::string key;
  for (size_t from = 0;;) {
    size_t slash = path.find('/', from);
    bool last = slash == std::string::npos;
    auto name =
        decode_name(std::string_view(path).substr(from, last ? std::string_view::npos : slash - from));
    if (!name || (name->kind == NameKind::kLeaf) != last) return wrong();
    key += name->text;
    if (last) break;
    if (name->kind == NameKind::kFolder) key += '/';
    from = slash + 1;
  }
  // One key has one path: what decodes and wouldn't be written so is not ours.
  auto again = key_to_path(key);
  if (!again || again->native() != path) return wrong();
  return key;
}

}  // namespace tarn::store
