// Connections that queries run on, each with a database of views of its own.
//
// A session has one DuckDB connection and one attached in-memory database, in which the tables of the running
// query stand as views: raw.transactions is a view in the schema raw. Sessions are reused; nothing of a query
// is left but views that the next one replaces.
// Owns: the pool owns idle sessions; a Lease owns its session until it gives it back.
// Threads: the pool any; a session one at a time.
// Fails: kBusy when `limit` sessions are out.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/thread.h"
#include "columns/duck.h"

namespace tarn::query {

struct Session {
  explicit Session(duck::Connection c) : connection(std::move(c)) {}
  duck::Connection connection;
  std::map<std::string, std::string> views;  // by quoted name: the SELECT that each stands for
};

class Sessions {
 public:
  Sessions(duck::Database& database, int limit) : database_(database), limit_(limit) {}

  class Lease {
   public:
    Lease(Sessions& pool, std::unique_ptr<Session> session) : pool_(&pool), session_(std::move(session)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    duck::Connection& connection() { return session_->connection; }
    std::map<std::string, std::string>& views() { return session_->views; }
    // The connection is closed instead of reused: it may be in an unknown state.
    void discard() { broken_ = true; }

   private:
    Sessions* pool_;  // outlives the lease
    std::unique_ptr<Session> session_;
    bool broken_ = false;
  };

  Result<Lease> take();

 private:
  void give_back(std::unique_ptr<Session> session, bool reuse);

  duck::Database& database_;
  const int limit_;
  Mutex mu_;
  std::vector<std::unique_ptr<Session>> idle_ TARN_GUARDED_BY(mu_);
  int out_ TARN_GUARDED_BY(mu_) = 0;
  int made_ TARN_GUARDED_BY(mu_) = 0;
};

}  // namespace tarn::query
