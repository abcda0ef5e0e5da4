#include "query/session.h"

#include <fmt/core.h>

#include "query/bounded_functions.h"

namespace tarn::query {

Sessions::Lease::~Lease() {
  if (session_ != nullptr) pool_->give_back(std::move(session_), !broken_);
}

Result<Sessions::Lease> Sessions::take() {
  int number = 0;
  {
    Lock lock(mu_);
    if (out_ >= limit_)
      return fail(Error{
          Code::kBusy,
          fmt::format("{} queries are running, which is the limit (settings.queries_max); try again", out_),
          500});
    ++out_;
    if (!idle_.empty()) {
      auto session = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(session));
    }
    number = ++made_;
  }
  auto opened = database_.connect();
  if (!opened) {
    Lock lock(mu_);
    --out_;
    return std::unexpected(std::move(opened).error());
  }
  Lease lease(*this, std::make_unique<Session>(std::move(*opened)));
  std::string name = fmt::format("session_{}", number);
  Status prepared = lease.connection().run(
      fmt::format("ATTACH ':memory:' AS {0}; USE {0};\n{1}", name, bounded_functions_sql()));
  if (!prepared) {
    lease.discard();
    return std::unexpected(std::move(prepared).error());
  }
  return lease;
}

void Sessions::give_back(std::unique_ptr<Session> session, bool reuse) {
  Lock lock(mu_);
  --out_;
  if (reuse) idle_.push_back(std::move(session));
}

}  // namespace tarn::query
