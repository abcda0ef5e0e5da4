// Who looks after a table: one at a time, so that a request and the maintenance thread don't do the same work
// twice.
//
// Commits would keep the table right all the same; a turn only spares the loser's work.
// Owns: the set of tables that are taken; a Turn gives its table back.
// Threads: any. A Turn ends before its Turns.
#pragma once

#include <memory>
#include <set>

#include "base/thread.h"
#include "base/time.h"
#include "lake/table.h"

namespace tarn::lake {

class Turns {
 public:
  class Turn {
   public:
    Turn(Turns& turns, TableName name) : turns_(turns), name_(std::move(name)) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

   private:
    Turns& turns_;
    const TableName name_;
  };

  // Null while somebody else has the table.
  std::unique_ptr<Turn> take(const TableName& name);
  // The same, but waits for it; null when the deadline passed first.
  std::unique_ptr<Turn> wait(const TableName& name, Deadline deadline);

 private:
  Mutex mu_;
  CondVar given_back_;
  std::set<TableName> taken_ TARN_GUARDED_BY(mu_);
};

}  // namespace tarn::lake
