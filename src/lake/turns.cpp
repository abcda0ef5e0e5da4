#include "lake/turns.h"

namespace tarn::lake {

Turns::Turn::~Turn() {
  Lock lock(turns_.mu_);
  turns_.taken_.erase(name_);
  turns_.given_back_.notify_all();
}

std::unique_ptr<Turns::Turn> Turns::take(const TableName& name) {
  {
    Lock lock(mu_);
    if (!taken_.insert(name).second) return nullptr;
  }
  return std::make_unique<Turn>(*this, name);
}

std::unique_ptr<Turns::Turn> Turns::wait(const TableName& name, Deadline deadline) {
  {
    Lock lock(mu_);
    while (!taken_.insert(name).second) {
      if (deadline.passed()) return nullptr;
      given_back_.wait_until(mu_, deadline.at());
    }
  }
  return std::make_unique<Turn>(*this, name);
}

}  // namespace tarn::lake
