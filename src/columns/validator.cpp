// One record at the door of a strict stream: see records.h.
#include "columns/json_check.h"
#include "columns/records.h"
#include "columns/shredder.h"

namespace tarn::columns {

struct Validator::Impl {
  explicit Impl(const ScanSpec& spec) : checker(index, spec.limits.depth_max), shredder(spec, index) {}

  JsonIndex index;
  JsonChecker checker;
  Shredder shredder;
  std::string text;  // the record, followed by what follows it in a frame, so that it is judged alike
};

Validator::Validator(const ScanSpec& spec) : impl_(std::make_unique<Impl>(spec)) {}
Validator::~Validator() = default;

std::optional<std::string> Validator::violation(std::string_view record) {
  Impl& my = *impl_;
  my.text.assign(record);
  my.text.push_back('\n');
  my.text.append(kJsonPadding, '\0');
  if (!my.index.run(my.text.data(), record.size())) return find_fault(record);
  my.checker.open(my.text.data(), static_cast<uint32_t>(record.size()));
  if (!my.checker.check(my.index.tokens(), 0, static_cast<uint32_t>(record.size())))
    return my.checker.fault();
  return my.shredder.violation(my.checker.record());
}

}  // namespace tarn::columns
