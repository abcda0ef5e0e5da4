// What didn't fit, told: the _rescued object and the reasons of the error table. See shredder.h.
#include <algorithm>
#include <unordered_map>

#include "columns/json_text.h"
#include "columns/shredder.h"

namespace tarn::columns {

namespace {

constexpr size_t kShownBytes = 80;  // of a value in a reason

// At most kShownBytes, not cut inside a character.
std::string shown(std::string_view text) {
  if (text.size() <= kShownBytes) return std::string(text);
  size_t end = kShownBytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace

std::string Shredder::path(std::string_view key) const {
  std::string path;
  for (const Step& step : steps_) {
    if (step.in_list) {
      path += '[';
      path += std::to_string(step.element);
      path += ']';
    } else {
      if (!path.empty()) path += '.';
      path += step.key;
    }
  }
  if (!path.empty()) path += '.';
  path += key;
  return path;
}

void Shredder::note(Why why, const JsonField& field, const OutputColumn* column) {
  notes_.push_back(Note{why, path({base_ + field.key, field.key_bytes}), column, field.value, field.after});
}

void Shredder::note_element(const OutputColumn& column, const uint32_t* value, const uint32_t* after) {
  std::string at = path({});
  at.pop_back();  // the dot
  notes_.push_back(
      Note{base_[*value] == 'n' ? Why::kMissing : Why::kMisfit, std::move(at), &column, value, after});
}

std::string_view Shredder::rescued() {
  // Notes of one path together, in the order in which each path came first.
  std::unordered_map<std::string_view, std::vector<const Note*>> by_path;
  std::vector<std::string_view> order;
  for (const Note& note : notes_) {
    auto& same = by_path[note.path];
    if (same.empty()) order.push_back(note.path);
    same.push_back(&note);
  }
  rescued_.assign(1, '{');
  for (std::string_view path : order) {
    const auto& same = by_path[path];
    if (rescued_.size() > 1) rescued_ += ',';
    rescued_ += '"';
    rescued_ += path;
    rescued_ += same.size() > 1 ? "\":[" : "\":";
    for (const Note* note : same) {
      if (note != same.front()) rescued_ += ',';
      rescued_ += compact(base_, note->value, note->after, compact_);
    }
    if (same.size() > 1) rescued_ += ']';
  }
  rescued_ += '}';
  return rescued_;
}

std::string Shredder::explain(const Note& note) {
  std::string field = "field \"" + note.path + "\"";
  if (note.why == Why::kMissing) return field + " is required and " + (note.value ? "null" : "missing");
  std::string value = shown(compact(base_, note.value, note.after, compact_));
  switch (note.why) {
    case Why::kRepeat:
      return field + " comes twice; the second time as " + value;
    case Why::kUnknown:
      return field + " has no column; its value is " + value;
    default:
      return field + ": " + value + " is not a " + note.column->type_name;
  }
}

}  // namespace tarn::columns
