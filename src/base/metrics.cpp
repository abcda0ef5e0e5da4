#include "base/metrics.h"

#include <cmath>

#include <fmt/core.h>
#include <fmt/format.h>

namespace tarn {
namespace {

constexpr double kFirstBound_s = 0.0001;

// Backslash, quote and newline are escaped, as the exposition format wants.
std::string label_text(const Labels& labels, std::string_view extra = {}) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += out.empty() ? "{" : ",";
    out += name + "=\"";
    for (char c : value) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n')
        out += "\\n";
      else
        out += c;
    }
    out += '"';
  }
  if (!extra.empty()) {
    out += out.empty() ? "{" : ",";
    out += extra;
  }
  if (!out.empty()) out += '}';
  return out;
}

template <typename Families>
auto& member_of(Families& families, std::string_view name, std::string_view help, const Labels& labels) {
  auto family = families.find(name);
  if (family == families.end())
    family = families.emplace(std::string(name), typename Families::mapped_type{}).first;
  family->second.help = help;
  auto& slot = family->second.members[labels];
  if (!slot) slot = std::make_unique<typename std::remove_reference_t<decltype(*slot)>>();
  return *slot;
}

template <typename Families>
void write_values(const Families& families, std::string_view kind, std::string& out) {
  for (const auto& [name, family] : families) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, kind);
    for (const auto& [labels, metric] : family.members)
      out += fmt::format("{}{} {}\n", name, label_text(labels), metric->value());
  }
}

}  // namespace

double Histogram::upper_bound_seconds(int bucket) {
  return kFirstBound_s * std::ldexp(1.0, bucket);
}

void Histogram::observe(double seconds) {
  int bucket = 0;
  while (bucket < kBuckets && seconds > upper_bound_seconds(bucket)) ++bucket;
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(static_cast<uint64_t>(std::max(0.0, seconds) * 1e9), std::memory_order_relaxed);
}

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
  Lock lock(mu_);
  return member_of(counters_, name, help, labels);
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  Lock lock(mu_);
  return member_of(gauges_, name, help, labels);
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, const Labels& labels) {
  Lock lock(mu_);
  return member_of(histograms_, name, help, labels);
}

std::string Metrics::text() const {
  std::string out;
  Lock lock(mu_);
  write_values(counters_, "counter", out);
  write_values(gauges_, "gauge", out);
  for (const auto& [name, family] : histograms_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} histogram\n", name, family.help, name);
    for (const auto& [labels, histogram] : family.members) {
      uint64_t total = 0;
      for (int i = 0; i <= Histogram::kBuckets; ++i) {
        total += histogram->count(i);
        std::string bound =
            i == Histogram::kBuckets ? "+Inf" : fmt::format("{:g}", Histogram::upper_bound_seconds(i));
        out +=
            fmt::format("{}_bucket{} {}\n", name, label_text(labels, fmt::format("le=\"{}\"", bound)), total);
      }
      out += fmt::format("{}_sum{} {:.9f}\n{}_count{} {}\n", name, label_text(labels),
                         histogram->sum_seconds(), name, label_text(labels), total);
    }
  }
  return out;
}

}  // namespace tarn
