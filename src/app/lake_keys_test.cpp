#include "app/lake_keys.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/lake_file.h"
#include "app/version.h"
#include "base/file.h"

namespace tarn::app {
namespace {

using ::testing::HasSubstr;

std::string file_of_project(const std::string& path) {
  auto text = read_file(std::filesystem::path(__FILE__).parent_path() / ".." / ".." / path);
  EXPECT_TRUE(text) << text.error().message;
  return text.value_or("");
}

TEST(LakeKeys, CommittedSchemaIsWhatTheProgramPrints) {
  EXPECT_EQ(file_of_project("docs/lake.schema.json"), lake_json_schema())
      << "run: tarn schema > docs/lake.schema.json";
}

TEST(LakeKeys, DocumentationHasTheTableOfKeys) {
  EXPECT_THAT(file_of_project("docs/lake-file.md"), HasSubstr(key_table_markdown()));
}

TEST(LakeKeys, EveryKeyHasHelpAndEveryValueAnExample) {
  for (const Key& key : all_keys()) {
    EXPECT_FALSE(key.help.empty()) << key.path;
    bool value = key.shape != Shape::kMap && key.shape != Shape::kNames && key.shape != Shape::kLater;
    if (value) {
      EXPECT_FALSE(key.example.empty()) << key.path;
    }
  }
}

const Key* parent_of(const Key& key) {
  std::string parent = key.path.substr(0, std::min(key.path.rfind('.'), key.path.size()));
  for (const Key& other : all_keys())
    if (other.path == parent) return &other;
  return nullptr;
}

// A document with one key, set to its example. A key of a list's maps stands in its first one.
std::string document_of(const Key& key) {
  const Key* parent = parent_of(key);
  bool in_list = parent != nullptr && parent->shape == Shape::kList;
  std::string text;
  std::string indent;
  std::string_view path = key.path;
  for (;;) {
    size_t dot = path.find('.');
    std::string part(path.substr(0, dot));
    bool last = dot == std::string_view::npos;
    text += indent + (last && in_list ? "- " : "") + (part == "*" ? "some" : part) + ":";
    if (last) break;
    text += "\n";
    indent += "  ";
    path = path.substr(dot + 1);
  }
  bool list = key.shape == Shape::kTexts || key.shape == Shape::kList;
  text += " " + (list ? key.example : "\"" + key.example + "\"") + "\n";
  // A rule that does nothing is an error.
  if (in_list && parent->path.ends_with("lifecycle") && !key.path.ends_with(".expire"))
    text += indent + "  expire: 7d\n";
  bool quoted = key.shape == Shape::kInteger || key.shape == Shape::kBoolean;
  if (quoted) std::erase(text, '"');
  return text;
}

TEST(LakeKeys, EveryExampleIsTaken) {
  for (const Key& key : all_keys()) {
    // Which need something beside them: a type, the other file, an item of a list.
    bool alone = !key.example.empty() && !key.path.ends_with(".required") && !key.path.starts_with("tls.") &&
                 !key.path.starts_with("buckets.*.lifecycle.tags.") &&
                 !key.path.starts_with("principals.*.roles");
    if (!alone) continue;
    auto file = parse_lake_file(document_of(key), "lake.yaml");
    // Partitions name columns, which the readers may or may not look for here.
    EXPECT_TRUE(file) << document_of(key) << (file ? "" : file.error().message);
  }
}

TEST(LakeKeys, ExampleLakeFilesAreGood) {
  std::filesystem::path path =
      std::filesystem::path(__FILE__).parent_path() / "../../examples/flights/lake.yaml";
  auto file = read_lake_file(path);
  EXPECT_TRUE(file) << file.error().message;
}

TEST(Version, IsTheBuildsVersion) {
  EXPECT_THAT(file_of_project("CMakeLists.txt"), HasSubstr("project(tarn VERSION " + std::string(kVersion)));
}

}  // namespace
}  // namespace tarn::app
