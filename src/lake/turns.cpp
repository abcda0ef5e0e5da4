#include "lake/turns.h"

namespace tarn::lake {

Turns::Turn::~Turn() {
  Lock lock(turns_.mu_);
  turns_.taken_.erase(name_);
}

std::unique_ptr<Turns::Turn> Turns::take(const TableName& name) {
  {
    Lock lock(mu_);
    if (!taken_.insert(name).second) return nullptr;
  }
  return std::make_unique<Turn>(*this, name);
}

}  // namespace tarn::lake
