// Checked JSON text: see json_text.h.
#include "columns/json_text.h"

#include "columns/json_check.h"

namespace tarn::columns {

namespace {

uint32_t hex4(const char* p) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    char c = p[i];
    value = value << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

void append_utf8(uint32_t code, std::string& out) {
  auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

char plain_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;  // the quote, the slash and the backslash stand for themselves
  }
}

}  // namespace

std::string unescaped(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out.push_back(raw[i]);
      continue;
    }
    ++i;
    if (raw[i] != 'u') {
      out.push_back(plain_escape(raw[i]));
      continue;
    }
    uint32_t code = hex4(raw.data() + i + 1);
    i += 4;
    if (code >= 0xD800 && code < 0xDC00) {
      code = 0x10000 + ((code - 0xD800) << 10) + (hex4(raw.data() + i + 3) - 0xDC00);
      i += 6;
    }
    append_utf8(code, out);
  }
  return out;
}

std::string_view compact(const char* base, const uint32_t* value, const uint32_t* after,
                         std::string& scratch) {
  const char* begin = base + *value;
  bool copied = false;
  for (const uint32_t* t = value; t != after; ++t) {
    uint32_t end = last_byte(base, t[1]) + 1;
    if (copied) {
      scratch.append(base + *t, end - *t);
    } else if (end != t[1] && t + 1 != after) {
      scratch.assign(begin, base + end - begin);
      copied = true;
    }
  }
  if (copied) return scratch;
  return std::string_view(begin, base + last_byte(base, *after) + 1 - begin);
}

void append_escaped(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<uint8_t>(c) < 0x20) {
      out += "\\u00";
      out.push_back(kHex[static_cast<uint8_t>(c) >> 4]);
      out.push_back(kHex[c & 15]);
    } else {
      out.push_back(c);
    }
  }
}

void append_quoted(std::string_view text, std::string& out) {
  out.push_back('"');
  append_escaped(text, out);
  out.push_back('"');
}

}  // namespace tarn::columns
