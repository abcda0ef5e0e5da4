#include "app/lake_check.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "app/lake_file.h"
#include "app/terminal.h"
#include "base/bytes.h"
#include "base/nearest.h"
#include "base/time.h"
#include "columns/type.h"
#include "lake/table.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

constexpr int kShownTextMax = 40;

std::optional<int64_t> whole_number(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kText || node.quoted) return std::nullopt;
  int64_t value = 0;
  const char* end = node.text.data() + node.text.size();
  auto [at, error] = std::from_chars(node.text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

bool is_map(const Key* key) {
  return key == nullptr || key->shape == Shape::kMap || key->shape == Shape::kNames;
}

}  // namespace

std::string what_is(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
    case YamlNode::Kind::kText:
      break;
  }
  std::string shown = shorten(visible(node.text), kShownTextMax);
  if (whole_number(node)) return fmt::format("the number {}", shown);
  return fmt::format("\"{}\"", shown);
}

void Checker::problem(Place place, std::string message) {
  problems_.push_back({place, std::move(message)});
}

void Checker::wrong(const YamlNode& node, const Key& key, const std::string& path) {
  problem(node.place, fmt::format("`{}` must be {}, not {}", path, expectation(key), what_is(node)));
}

const KeyNode* Checker::find_key(const YamlEntry& entry, const KeyNode& keys, const std::string& path) {
  if (auto found = keys.children.find(entry.key); found != keys.children.end()) {
    const KeyNode& child = found->second;
    if (child.key == nullptr || child.key->shape != Shape::kLater) return &child;
    problem(entry.place,
            fmt::format("`{}` is not in this version yet; take it out (this version has streams, "
                        "databases, buckets, principals, roles and secrets)",
                        entry.key));
    return nullptr;
  }
  if (keys.any) return keys.any.get();
  std::string shown = shorten(visible(entry.key), kShownTextMax);
  std::string where = path.empty() ? "" : fmt::format(" in `{}`", path);
  std::vector<std::string> names = keys.names();
  if (std::string near = nearest(entry.key, names); !near.empty()) {
    problem(entry.place, fmt::format("unknown key `{}`{}; did you mean `{}`?", shown, where, near));
    return nullptr;
  }
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  problem(entry.place, fmt::format("unknown key `{}`{}; the keys here are: {}", shown, where, all));
  return nullptr;
}

json::object Checker::check_map(const YamlNode& node, const KeyNode& keys, const std::string& path) {
  json::object out;
  for (const YamlEntry& entry : node.entries) {
    const KeyNode* child = find_key(entry, keys, path);
    if (child == nullptr) continue;
    std::string child_path = path.empty() ? entry.key : path + "." + entry.key;
    size_t before = problems_.size();
    json::value value = check(entry.value, *child, child_path);
    if (problems_.size() == before || is_map(child->key)) out[entry.key] = std::move(value);
  }
  return out;
}

json::value Checker::check(const YamlNode& node, const KeyNode& keys, const std::string& path) {
  const Key& key = *keys.key;
  if (is_map(&key)) {
    // `clicks:` with nothing after it is an empty map: a stream with all defaults.
    if (node.kind == YamlNode::Kind::kMap || node.kind == YamlNode::Kind::kNull) {
      return check_map(node, keys, path);
    }
    wrong(node, key, path);
    return json::object();
  }
  if (key.shape == Shape::kTexts) return check_texts(node, key, path);
  if (key.shape == Shape::kTextOrTexts && node.kind == YamlNode::Kind::kList)
    return check_texts(node, key, path);
  if (key.shape == Shape::kList) return check_list(node, keys, path);
  if (key.shape == Shape::kColumn && node.kind == YamlNode::Kind::kMap) {
    if (node.find("type") == nullptr) problem(node.place, fmt::format("`{}` has no type", path));
    return check_map(node, keys, path);
  }
  if (node.kind != YamlNode::Kind::kText) {
    wrong(node, key, path);
    return nullptr;
  }
  return check_text(node, key, path);
}

json::value Checker::check_list(const YamlNode& node, const KeyNode& keys, const std::string& path) {
  json::array out;
  if (node.kind == YamlNode::Kind::kNull) return out;
  if (node.kind != YamlNode::Kind::kList) {
    wrong(node, *keys.key, path);
    return out;
  }
  for (const YamlNode& item : node.items) {
    if (item.kind != YamlNode::Kind::kMap) {
      problem(item.place, fmt::format("`{}` must hold maps only, not {}", path, what_is(item)));
    } else {
      out.push_back(check_map(item, keys, path));
    }
  }
  return out;
}

json::value Checker::check_texts(const YamlNode& node, const Key& key, const std::string& path) {
  json::array out;
  if (node.kind != YamlNode::Kind::kList) {
    wrong(node, key, path);
    return out;
  }
  for (const YamlNode& item : node.items) {
    if (item.kind != YamlNode::Kind::kText) {
      problem(item.place, fmt::format("`{}` must hold text only, not {}", path, what_is(item)));
    } else {
      out.emplace_back(item.text);
    }
  }
  return out;
}

json::value Checker::check_text(const YamlNode& node, const Key& key, const std::string& path) {
  auto say = [&](const Error& error) { problem(node.place, fmt::format("`{}`: {}", path, error.message)); };
  switch (key.shape) {
    case Shape::kInteger: {
      std::optional<int64_t> number = whole_number(node);
      if (!number || *number < key.min || *number > key.max) {
        wrong(node, key, path);
        return nullptr;
      }
      return *number;
    }
    case Shape::kBoolean:
      if (!node.quoted && node.text == "true") return true;
      if (!node.quoted && node.text == "false") return false;
      wrong(node, key, path);
      return nullptr;
    case Shape::kBytes:
      if (auto bytes = parse_bytes(node.text); !bytes || std::cmp_less(*bytes, key.min)) {
        wrong(node, key, path);
      }
      return json::value(node.text);
    case Shape::kDuration:
      if (!parse_duration(node.text)) wrong(node, key, path);
      return json::value(node.text);
    case Shape::kChoice:
      if (std::ranges::find(key.choices, node.text) == key.choices.end()) {
        problem(node.place, fmt::format("`{}` must be {}, not {}{}", path, expectation(key), what_is(node),
                                        did_you_mean(node.text, key.choices)));
      }
      return json::value(node.text);
    case Shape::kType:
    case Shape::kColumn:
      if (auto field = columns::parse_field_type("", node.text); !field) say(field.error());
      return json::value(node.text);
    case Shape::kTable:
      if (auto name = lake::TableName::parse(node.text); !name) say(name.error());
      return json::value(node.text);
    case Shape::kAddress:
      if (auto address = parse_address(node.text); !address) say(address.error());
      return json::value(node.text);
    default:
      return json::value(node.text);
  }
}

}  // namespace tarn::app
