#include "app/yaml_document.h"

#include <algorithm>
#include <istream>
#include <map>
#include <set>
#include <spanstream>

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/bytes.h"

namespace tarn::app {
namespace {

Place place_of(const YAML::Mark& mark) {
  return {mark.line + 1, mark.column + 1};
}

size_t count(const YamlNode& node) {
  size_t n = 1;
  for (const YamlNode& item : node.items) n += count(item);
  for (const YamlEntry& entry : node.entries) n += count(entry.value);
  return n;
}

// Ends the parse from inside yaml-cpp's callbacks; caught in parse_yaml().
struct Enough {};

// Builds the tree from yaml-cpp's events.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(YamlDocument& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.place = place_of(mark);
    finish(std::move(node), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node;
    node.kind = YamlNode::Kind::kText;
    node.place = place_of(mark);
    node.text = value;
    node.quoted = tag != "?";
    finish(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      problem(place_of(mark), "this alias stands inside of what it repeats");
      throw Enough{};
    }
    charge(count(found->second), place_of(mark));
    YamlNode copy = found->second;
    copy.place = place_of(mark);
    finish(std::move(copy), YAML::NullAnchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kList, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { close(); }

  bool has_root() const { return has_root_; }

 private:
  struct Level {
    YamlNode node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool have_key = false;
    bool key_is_text = true;
    std::string key;
    Place key_place;
    std::set<std::string> keys;
  };

  void problem(Place place, std::string message) {
    document_.problems.push_back({place, std::move(message)});
  }
  void charge(size_t values, Place place) {
    values_ += values;
    if (values_ <= kYamlValuesMax) return;
    problem(place, fmt::format("the file has more than {} values, counted with what its aliases repeat",
                               kYamlValuesMax));
    throw Enough{};
  }
  void open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (levels_.size() >= static_cast<size_t>(kYamlDepthMax)) {
      problem(place_of(mark), fmt::format("nested deeper than {} levels", kYamlDepthMax));
      throw Enough{};
    }
    Level level;
    level.node.kind = kind;
    level.node.place = place_of(mark);
    level.anchor = anchor;
    levels_.push_back(std::move(level));
  }
  void close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    finish(std::move(level.node), level.anchor);
  }
  void finish(YamlNode node, YAML::anchor_t anchor) {
    charge(1, node.place);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    if (levels_.empty()) {
      document_.root = std::move(node);
      has_root_ = true;
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == YamlNode::Kind::kList) {
      level.node.items.push_back(std::move(node));
    } else if (!level.have_key) {
      take_key(level, node);
    } else {
      level.have_key = false;
      if (!level.key_is_text) return;
      level.node.entries.push_back({std::move(level.key), level.key_place, std::move(node)});
    }
  }
  void take_key(Level& level, YamlNode& node) {
    level.have_key = true;
    level.key_place = node.place;
    level.key_is_text = node.kind == YamlNode::Kind::kText;
    if (!level.key_is_text) {
      problem(node.place, "a key must be text");
      return;
    }
    level.key = std::move(node.text);
    if (!level.keys.insert(level.key).second) {
      problem(node.place, fmt::format("the key `{}` is here twice", level.key));
      level.key_is_text = false;
    }
  }

  YamlDocument& document_;
  std::vector<Level> levels_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  size_t values_ = 0;
  bool has_root_ = false;
};

// YAML forbids tabs in indentation, and yaml-cpp's messages for one name its consequences, not the tab.
bool report_tab(std::string_view text, YamlDocument& document) {
  int line = 1;
  for (size_t at = 0; at < text.size(); ++line) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view row = text.substr(at, end - at);
    size_t blanks = row.find_first_not_of(" \t");
    size_t tab = row.find('\t');
    if (tab != std::string_view::npos && blanks != std::string_view::npos && tab < blanks &&
        row[blanks] != '#') {
      document.problems.push_back(
          {{line, static_cast<int>(tab) + 1}, "a tab in the indentation: YAML takes spaces only"});
      return true;
    }
    at = end + 1;
  }
  return false;
}

}  // namespace

const YamlEntry* YamlNode::find(std::string_view key) const {
  auto found = std::ranges::find_if(entries, [&](const YamlEntry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

YamlDocument parse_yaml(std::string_view text) {
  YamlDocument document;
  if (text.size() > kYamlBytesMax) {
    document.problems.push_back(
        {{1, 1}, fmt::format("the file is larger than {}", format_bytes(kYamlBytesMax))});
    return document;
  }
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
    document.problems.push_back({{1, 1}, "the file is not UTF-8 text"});
    return document;
  }
  try {
    std::ispanstream stream(std::span<const char>(text.data(), text.size()));
    YAML::Parser parser(stream);
    Builder builder(document);
    parser.HandleNextDocument(builder);
    if (builder.has_root()) {
      YamlDocument rest;
      Builder second(rest);
      if (parser.HandleNextDocument(second) && second.has_root() && rest.root.kind != YamlNode::Kind::kNull) {
        document.problems.push_back({rest.root.place, "a second document (after ---): a lake file is one"});
      }
    }
  } catch (const Enough&) {  // NOLINT(bugprone-empty-catch): the problem is noted already
  } catch (const YAML::Exception& e) {
    if (!report_tab(text, document)) document.problems.push_back({place_of(e.mark), e.msg});
  } catch (const std::exception& e) {
    document.problems.push_back({{1, 1}, fmt::format("this can't be read as YAML: {}", e.what())});
  }
  return document;
}

}  // namespace tarn::app
