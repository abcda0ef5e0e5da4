// Checks a YAML tree against the table of keys and turns it into JSON.
//
// Every value comes out as the readers of specs want it: sizes, durations and types as text, numbers and
// booleans as themselves. A value with a problem is left out.
// Threads: one Checker, one thread.
// Fails: never; problems are collected.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "app/lake_keys.h"
#include "app/yaml_document.h"

namespace tarn::app {

class Checker {
 public:
  explicit Checker(std::vector<Problem>& problems) : problems_(problems) {}
  boost::json::object check_map(const YamlNode& node, const KeyNode& keys, const std::string& path);

 private:
  boost::json::value check(const YamlNode& node, const KeyNode& keys, const std::string& path);
  boost::json::value check_text(const YamlNode& node, const Key& key, const std::string& path);
  boost::json::value check_list(const YamlNode& node, const KeyNode& keys, const std::string& path);
  boost::json::value check_texts(const YamlNode& node, const Key& key, const std::string& path);
  const KeyNode* find_key(const YamlEntry& entry, const KeyNode& keys, const std::string& path);
  void wrong(const YamlNode& node, const Key& key, const std::string& path);
  void problem(Place place, std::string message);

  std::vector<Problem>& problems_;
};

// What somebody wrote, for "found …": `text "abc"`, `a list`, `nothing`.
std::string what_is(const YamlNode& node);

}  // namespace tarn::app
