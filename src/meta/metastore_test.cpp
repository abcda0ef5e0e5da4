#include "meta/metastore.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/id.h"

namespace tarn::meta {
namespace {

namespace fs = std::filesystem;
using Values = std::vector<Value>;

constexpr Migration kFirst{
    "test", 1, "CREATE TABLE t (k TEXT PRIMARY KEY, v INTEGER NOT NULL); CREATE INDEX tv ON t (v);"};
constexpr Migration kSecond{
    "test", 2, "ALTER TABLE t ADD COLUMN note TEXT; INSERT INTO t (k, v) VALUES ('migrated', 1);"};

class MetastoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("tarn-meta-" + uuid_v4());
    fs::create_directories(folder_);
    reopen();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }
  fs::path file() const { return folder_ / "meta.db"; }

  void reopen() {
    store_.reset();
    auto opened = open_sqlite(file());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  Status put(const std::string& key, int64_t value) {
    return store_->transact([&](Transaction& t) -> Status {
      TARN_TRY(t.execute("INSERT INTO t (k, v) VALUES (?, ?)", Values{key, value}));
      return {};
    });
  }

  int64_t count() {
    int64_t n = -1;
    Status read = store_->read([&](Transaction& t) -> Status {
      TARN_ASSIGN(auto rows, t.query("SELECT count(*) FROM t"));
      TARN_ASSIGN(n, integer(rows.at(0), 0));
      return {};
    });
    EXPECT_TRUE(read) << read.error().message;
    return n;
  }

  fs::path folder_;
  std::unique_ptr<Metastore> store_;
};

TEST_F(MetastoreTest, MigrationsRunOnceAndInOrder) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  ASSERT_TRUE(store_->migrate(std::vector{kFirst, kSecond}));
  ASSERT_TRUE(store_->migrate(std::vector{kFirst, kSecond}));
  reopen();
  ASSERT_TRUE(store_->migrate(std::vector{kFirst, kSecond}));
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(store_->migrate(std::vector{kSecond, kFirst}).error().code, Code::kInternal);
}

TEST_F(MetastoreTest, ANewerLakeIsRefused) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst, kSecond}));
  Status older = store_->migrate(std::vector{kFirst});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, Code::kUnsupported);
  EXPECT_NE(older.error().message.find("newer Tarn"), std::string::npos);
  EXPECT_NE(older.error().message.find(file().native()), std::string::npos);
  // Other parts have numbers of their own.
  EXPECT_TRUE(store_->migrate(std::vector{Migration{"other", 1, "CREATE TABLE o (k TEXT)"}}));
}

TEST_F(MetastoreTest, AFailingMigrationLeavesNothing) {
  Migration broken{"test", 1, "CREATE TABLE half (k TEXT); CREATE TABLE nonsense (((;"};
  EXPECT_EQ(store_->migrate(std::vector{broken}).error().code, Code::kInternal);
  EXPECT_TRUE(store_->migrate(std::vector{Migration{"test", 1, "CREATE TABLE half (k TEXT)"}}));
}

TEST_F(MetastoreTest, ValuesComeBackAsTheyWere) {
  ASSERT_TRUE(store_->migrate(std::vector{Migration{"test", 1, "CREATE TABLE x (a, b, c, d)"}}));
  Values row{int64_t{-9'000'000'000'000'000'000}, 1.5, std::string("a\0é", 4), std::monostate()};
  Status stored = store_->transact([&](Transaction& t) -> Status {
    TARN_ASSIGN(int64_t changed, t.execute("INSERT INTO x VALUES (?, ?, ?, ?)", row));
    EXPECT_EQ(changed, 1);
    TARN_ASSIGN(int64_t updated, t.execute("UPDATE x SET b = b WHERE a = 7"));
    EXPECT_EQ(updated, 0);
    return {};
  });
  ASSERT_TRUE(stored) << stored.error().message;
  ASSERT_TRUE(store_->read([&](Transaction& t) -> Status {
    TARN_ASSIGN(auto rows, t.query("SELECT a, b, c, d FROM x"));
    EXPECT_EQ(rows, std::vector<Row>{row});
    EXPECT_EQ(text(rows[0], 2), std::get<std::string>(row[2]));
    EXPECT_EQ(text(rows[0], 0).error().code, Code::kCorrupt);
    EXPECT_EQ(integer(rows[0], 3).error().code, Code::kCorrupt);
    EXPECT_EQ(integer(rows[0], 9).error().code, Code::kCorrupt);
    return {};
  }));
}

TEST_F(MetastoreTest, WhatFailsIsRolledBack) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  Status failed = store_->transact([](Transaction& t) -> Status {
    TARN_TRY(t.execute("INSERT INTO t VALUES ('a', 1)"));
    return fail(Code::kConflict, "changed my mind");
  });
  EXPECT_EQ(failed.error().code, Code::kConflict);
  Status threw = store_->transact([](Transaction& t) -> Status {
    TARN_TRY(t.execute("INSERT INTO t VALUES ('b', 1)"));
    throw std::runtime_error("thrown in the middle");
  });
  EXPECT_EQ(threw.error().code, Code::kInternal);
  EXPECT_NE(threw.error().message.find("thrown in the middle"), std::string::npos);
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(put("c", 1));
  reopen();
  EXPECT_EQ(count(), 1);
}

TEST_F(MetastoreTest, ErrorsSayWhatTheCallerShouldDo) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  ASSERT_TRUE(put("a", 1));
  EXPECT_EQ(put("a", 2).error().code, Code::kExists);
  auto run = [&](std::string_view sql, Values values = {}) {
    return store_->transact([&](Transaction& t) -> Status {
      TARN_TRY(t.execute(sql, values));
      return {};
    });
  };
  EXPECT_EQ(run("INSERT INTO t VALUES ('x', NULL)").error().code, Code::kConflict);
  EXPECT_EQ(run("SELEKT 1").error().code, Code::kInternal);
  EXPECT_EQ(run("SELECT 1; SELECT 2").error().code, Code::kInternal);
  EXPECT_EQ(run("INSERT INTO t VALUES (?, ?)", {std::string("x")}).error().code, Code::kInternal);
  EXPECT_EQ(store_
                ->read([](Transaction& t) -> Status {
                  TARN_TRY(t.execute("DELETE FROM t"));
                  return {};
                })
                .error()
                .code,
            Code::kInternal);
  EXPECT_EQ(count(), 1);
}

TEST_F(MetastoreTest, AFullDiskIsToldAndNothingIsHalfDone) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  Status full = store_->transact([](Transaction& t) -> Status {
    TARN_TRY(t.query("PRAGMA max_page_count = 8"));  // what SQLite answers then is what a full disk gives
    for (int i = 0; i < 1000; ++i) {
      TARN_TRY(t.execute("INSERT INTO t VALUES (?, 1)", Values{std::string(500, 'x') + std::to_string(i)}));
    }
    return {};
  });
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kFull);
  EXPECT_NE(full.error().message.find(file().native()), std::string::npos);
  EXPECT_EQ(count(), 0);
}

TEST_F(MetastoreTest, AFullDiskThatTheBodyIgnoresIsStillTold) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  Status full = store_->transact([](Transaction& t) -> Status {
    TARN_TRY(t.query("PRAGMA max_page_count = 8"));
    for (int i = 0; i < 1000; ++i) {
      std::ignore =
          t.execute("INSERT INTO t VALUES (?, 1)", Values{std::string(500, 'x') + std::to_string(i)});
    }
    return {};
  });
  EXPECT_EQ(full.error().code, Code::kFull);
}

TEST_F(MetastoreTest, ReadsSeeOneMomentAndDontWaitForWriters) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  ASSERT_TRUE(put("a", 1));
  Status read = store_->read([&](Transaction& t) -> Status {
    TARN_ASSIGN(auto before, t.query("SELECT count(*) FROM t"));
    EXPECT_TRUE(put("b", 2));
    TARN_ASSIGN(auto after, t.query("SELECT count(*) FROM t"));
    EXPECT_EQ(before, after);
    return {};
  });
  EXPECT_TRUE(read);
  EXPECT_EQ(count(), 2);
  // And a reader inside of a transaction that writes sees what was committed.
  ASSERT_TRUE(store_->transact([&](Transaction& t) -> Status {
    TARN_TRY(t.execute("INSERT INTO t VALUES ('c', 3)"));
    EXPECT_EQ(count(), 2);
    return {};
  }));
  EXPECT_EQ(count(), 3);
}

TEST_F(MetastoreTest, ManyWritersAndReadersLoseNothing) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  ASSERT_TRUE(put("counter", 0));
  constexpr int kThreads = 4;
  constexpr int kSteps = 50;
  std::atomic<int> failures = 0;
  std::atomic<bool> done = false;
  auto add = [&](Transaction& t) -> Status {
    TARN_ASSIGN(auto rows, t.query("SELECT v FROM t WHERE k = 'counter'"));
    TARN_ASSIGN(int64_t v, integer(rows.at(0), 0));
    TARN_TRY(t.execute("UPDATE t SET v = ? WHERE k = 'counter'", Values{v + 1}));
    return {};
  };
  auto look = [&](Transaction& t) -> Status {
    TARN_TRY(t.query("SELECT v FROM t"));
    return {};
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        while (!done) failures += store_->read(look) ? 0 : 1;
      });
    }
    {
      std::vector<std::jthread> writers;
      for (int i = 0; i < kThreads; ++i) {
        writers.emplace_back([&] {
          for (int step = 0; step < kSteps; ++step) failures += store_->transact(add) ? 0 : 1;
        });
      }
    }
    done = true;
  }
  EXPECT_EQ(failures, 0);
  ASSERT_TRUE(store_->read([](Transaction& t) -> Status {
    TARN_ASSIGN(auto rows, t.query("SELECT v FROM t WHERE k = 'counter'"));
    EXPECT_EQ(integer(rows.at(0), 0), kThreads * kSteps);
    return {};
  }));
}

TEST_F(MetastoreTest, BytesStayBytesAndTextStaysText) {
  ASSERT_TRUE(store_->migrate(std::vector{Migration{"test", 1, "CREATE TABLE x (a, b, c)"}}));
  Values row{Blob{std::string("\xff\0\x80", 3)}, Blob{}, std::string("text")};
  ASSERT_TRUE(store_->transact([&](Transaction& t) -> Status {
    TARN_TRY(t.execute("INSERT INTO x VALUES (?, ?, ?)", row));
    return {};
  }));
  ASSERT_TRUE(store_->read([&](Transaction& t) -> Status {
    TARN_ASSIGN(auto rows, t.query("SELECT a, b, c FROM x WHERE a = ?", Values{row[0]}));
    EXPECT_EQ(rows, std::vector<Row>{row});
    EXPECT_EQ(blob(rows.at(0), 0), std::get<Blob>(row[0]).bytes);
    EXPECT_EQ(blob(rows.at(0), 2).error().code, Code::kCorrupt);
    EXPECT_EQ(text(rows.at(0), 0).error().code, Code::kCorrupt);
    TARN_ASSIGN(auto types, t.query("SELECT typeof(a), typeof(b), typeof(c) FROM x"));
    EXPECT_EQ(types, std::vector<Row>({Row{Value("blob"), Value("blob"), Value("text")}}));
    return {};
  }));
}

// How many commits the write-ahead log holds: frames that tell the size of the database.
size_t commits_in(const fs::path& file) {
  std::ifstream wal(file.native() + "-wal", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(wal)), {});
  constexpr size_t kHeader = 32;
  constexpr size_t kFrame = 24 + 4096;
  size_t commits = 0;
  for (size_t at = kHeader; at + kFrame <= bytes.size(); at += kFrame) {
    if (bytes.compare(at + 8, 8, bytes, 16, 8) != 0) break;  // the salt of an older log
    if (bytes.compare(at + 4, 4, std::string(4, '\0')) != 0) ++commits;
  }
  return commits;
}

struct Outcomes {
  int stored = 0;
  int refused = 0;
  int wrong = 0;
};

// Each thread adds rows of its own; every third body fails after it wrote.
Outcomes write_from_many_threads(Metastore& store, int threads, int steps) {
  std::atomic<int> stored = 0;
  std::atomic<int> refused = 0;
  std::atomic<int> wrong = 0;
  auto work = [&](int thread) {
    for (int step = 0; step < steps; ++step) {
      bool fails = step % 3 == 2;
      std::string key = std::to_string(thread) + "/" + std::to_string(step) + (fails ? "/no" : "/yes");
      Status done = store.transact([&](Transaction& t) -> Status {
        TARN_TRY(t.execute("INSERT INTO t (k, v) VALUES (?, 1)", Values{key}));
        if (fails && thread % 2 == 0) throw std::runtime_error("thrown");
        if (fails) return fail(Code::kConflict, "changed my mind");
        return {};
      });
      bool as_told = fails
                         ? !done && done.error().code == (thread % 2 == 0 ? Code::kInternal : Code::kConflict)
                         : done.has_value();
      ++(!as_told ? wrong : fails ? refused : stored);
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) workers.emplace_back(work, i);
  }
  return {stored, refused, wrong};
}

TEST_F(MetastoreTest, WritersWhoWaitShareACommitAndFailAlone) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  size_t before = commits_in(file());
  Outcomes outcomes = write_from_many_threads(*store_, 16, 30);
  EXPECT_EQ(outcomes.wrong, 0);
  EXPECT_EQ(outcomes.refused, 160);
  EXPECT_EQ(outcomes.stored, 320);
  EXPECT_EQ(count(), 320);
  size_t commits = commits_in(file()) - before;
  EXPECT_GE(commits, 1u);
  EXPECT_LT(commits, 160u);  // alone, each of the 320 would need its own
  ASSERT_TRUE(store_->read([](Transaction& t) -> Status {
    TARN_ASSIGN(auto rows, t.query("SELECT count(*) FROM t WHERE k LIKE '%no'"));
    EXPECT_EQ(integer(rows.at(0), 0), 0);
    return {};
  }));
  reopen();
  EXPECT_EQ(count(), 320);
}

// Bodies that fail take turns too: a storm of them must not keep others from their commit.
TEST_F(MetastoreTest, OneWhoSucceedsDoesntWaitForAllWhoFail) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  constexpr int kFailuresMax = 100'000;
  std::atomic<int> failures = 0;
  std::atomic<bool> done = false;
  int before = 0;
  int after = 0;
  {
    std::vector<std::jthread> storm;
    for (int i = 0; i < 6; ++i) {
      storm.emplace_back([&] {
        while (!done && failures < kFailuresMax) {
          (void)store_->transact([&](Transaction& t) -> Status {
            ++failures;
            TARN_TRY(t.query("SELECT count(*) FROM t"));
            return fail(Code::kConflict, "no");
          });
        }
      });
    }
    while (failures < 100) std::this_thread::yield();
    EXPECT_TRUE(store_->transact([&](Transaction& t) -> Status {
      before = failures;
      TARN_TRY(t.execute("INSERT INTO t (k, v) VALUES ('good', 1)"));
      return {};
    }));
    after = failures;
    done = true;
  }
  EXPECT_LT(after - before, kFailuresMax / 10);
}

TEST_F(MetastoreTest, ARefusalIsNotAnsweredFromWhatIsLostWithItsGroup) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  ASSERT_TRUE(store_->transact([](Transaction& t) -> Status {
    TARN_TRY(t.query("PRAGMA max_page_count = 40"));
    return {};
  }));
  int refused = 0;
  for (int round = 0; round < 200; ++round) {
    std::string key = std::to_string(round);
    std::atomic<int> ready = 0;
    Status first;
    Status second;
    {
      std::jthread one([&] {
        first = store_->transact([&](Transaction& t) -> Status {
          TARN_TRY(t.execute("INSERT INTO t (k, v) VALUES (?, 1)", Values{key}));
          while (ready < 2) std::this_thread::yield();
          for (int i = 0; i < 20; ++i) std::this_thread::yield();  // the others come to wait
          return {};
        });
      });
      std::jthread other([&] {
        ++ready;
        second = put(key, 2);
      });
      std::jthread fills_up([&] {
        ++ready;
        EXPECT_EQ(put(std::string(400'000, 'x'), 1).error().code, Code::kFull);
      });
    }
    if (!second && second.error().code == Code::kExists) {
      ++refused;
      EXPECT_TRUE(first) << "there is no " << key << ", and yet it was said to exist";
    }
  }
  RecordProperty("refused", refused);
}

// Readers who overlap keep SQLite from beginning its log anew.
TEST_F(MetastoreTest, TheLogStaysBoundedWhileReadersOverlap) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  std::atomic<bool> done = false;
  uintmax_t largest = 0;
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&] {
        while (!done) {
          EXPECT_TRUE(store_->read([&](Transaction& t) -> Status {
            for (int query = 0; query < 200; ++query) TARN_TRY(t.query("SELECT count(*) FROM migrations"));
            return {};
          }));
        }
      });
    }
    for (int i = 0; i < 45; ++i) {
      EXPECT_TRUE(store_->transact([&](Transaction& t) -> Status {
        for (int row = 0; row < 8; ++row) {
          TARN_TRY(t.execute("INSERT OR REPLACE INTO t (k, v) VALUES (? || ?, 1)",
                             Values{std::to_string(row), std::string(1 << 20, 'x')}));
        }
        return {};
      }));
      largest = std::max(largest, fs::file_size(fs::path(file().native() + "-wal")));
    }
    done = true;
  }
  EXPECT_LT(largest, uintmax_t{256} << 20);  // of 360 MB that were written
}

TEST_F(MetastoreTest, AGroupOfOneIsACommitEach) {
  store_.reset();
  store_ = std::move(*open_sqlite(file(), 1));
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  size_t before = commits_in(file());
  Outcomes outcomes = write_from_many_threads(*store_, 8, 9);
  EXPECT_EQ(outcomes.wrong, 0);
  EXPECT_EQ(commits_in(file()) - before, 48u);
}

TEST_F(MetastoreTest, ADiskThatFillsUpFailsTheWholeGroup) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  ASSERT_TRUE(store_->transact([](Transaction& t) -> Status {
    TARN_TRY(t.query("PRAGMA max_page_count = 40"));
    return {};
  }));
  std::atomic<int> stored = 0;
  std::atomic<int> full = 0;
  std::atomic<int> other = 0;
  {
    std::vector<std::jthread> workers;
    for (int thread = 0; thread < 8; ++thread) {
      workers.emplace_back([&, thread] {
        for (int step = 0; step < 40; ++step) {
          Status done = put(std::string(900, 'x') + std::to_string(thread * 1000 + step), 1);
          ++(done ? stored : done.error().code == Code::kFull ? full : other);
        }
      });
    }
  }
  EXPECT_EQ(other, 0);
  EXPECT_GT(full, 0);
  EXPECT_EQ(stored + full, 320);
  EXPECT_EQ(count(), stored);  // nobody was told of a success that was rolled back with the group
}

TEST_F(MetastoreTest, AFileThatIsNoDatabaseIsCorrupt) {
  store_.reset();
  fs::path other = folder_ / "other.db";
  std::ofstream(other) << std::string(4096, 'x');
  auto opened = open_sqlite(other);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorrupt);
  EXPECT_NE(opened.error().message.find(other.native()), std::string::npos);
}

TEST_F(MetastoreTest, ADamagedPageIsCorrupt) {
  ASSERT_TRUE(store_->migrate(std::vector{kFirst}));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(put(std::string(200, 'k') + std::to_string(i), i));
  store_.reset();  // folds the write-ahead log into the file
  auto size = fs::file_size(file());
  ASSERT_GT(size, 3 * 4096u);
  std::fstream damaged(file(), std::ios::in | std::ios::out | std::ios::binary);
  for (std::streamoff page = 4096; page < static_cast<std::streamoff>(size); page += 4096) {
    damaged.seekp(page).write("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
  }
  damaged.close();
  reopen();
  Status read = store_->read([](Transaction& t) -> Status {
    TARN_TRY(t.query("SELECT * FROM t ORDER BY v"));
    return {};
  });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kCorrupt);
}

// What open_sqlite says to a user without rights; in a child, because tests often run as root.
std::string error_without_rights(const fs::path& file) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    bool dropped = ::geteuid() != 0 || (::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
    auto opened = open_sqlite(file);
    std::string text = !dropped ? "still root" : opened ? "opened" : opened.error().message;
    std::ignore = ::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text(4096, '\0');
  text.resize(static_cast<size_t>(std::max<ssize_t>(0, ::read(ends[0], text.data(), text.size()))));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return text;
}

TEST_F(MetastoreTest, AFolderWithoutWriteRightsIsNamedWithAdvice) {
  store_.reset();
  fs::path closed = folder_ / "closed";
  fs::create_directories(closed);
  fs::permissions(closed, fs::perms(0555));
  std::string text = error_without_rights(closed / "meta.db");
  EXPECT_NE(text.find((closed / "meta.db").native()), std::string::npos) << text;
  EXPECT_NE(text.find("the right to write"), std::string::npos) << text;

  fs::copy_file(file(), closed / "old.db");
  fs::permissions(closed / "old.db", fs::perms(0444));
  text = error_without_rights(closed / "old.db");
  EXPECT_NE(text.find("the right to write"), std::string::npos) << text;
}

TEST_F(MetastoreTest, AMissingFolderIsNamed) {
  auto opened = open_sqlite(folder_ / "no/such/meta.db");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kIo);
  EXPECT_NE(opened.error().message.find("no/such/meta.db"), std::string::npos);
}

}  // namespace
}  // namespace tarn::meta
