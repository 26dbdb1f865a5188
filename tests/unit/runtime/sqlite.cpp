#define CAF_SUITE sqlite
#include "runtime/sqlite.hpp"

#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::runtime;
using namespace postern::runtime::sqlite;
using namespace std::string_literals;

namespace {

/// The error that `f` throws; its cause is "none" if it throws none.
template <class F>
error failure(F f) {
  try {
    f();
  } catch (const error_exception& e) {
    CAF_CHECK(e.value().category == error_category::unavailable);
    return e.value();
  }
  return {error_category::unavailable, "none", {}, {}};
}

template <class F>
std::string cause(F f) {
  return failure(f).cause;
}

/// Two connections to one file, as two processes have them; neither waits for the other.
struct fixture {
  fixture() {
    for (auto* one : {&db, &other})
      sqlite3_busy_timeout(one->native(), 0);
    db.execute("CREATE TABLE t (a, b)");
  }

  void insert(int64_t a, std::string_view b) {
    statement{db.native(), "INSERT INTO t VALUES (?, ?)"}.bind(a).bind(b).run();
  }
  int64_t rows() { return other.query_number("SELECT count(*) FROM t"); }

  postern::test::temp_directory directory;
  std::string path = directory.write("x.db", "");
  connection db{path}, other{path};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_tests, fixture)

CAF_TEST(texts and numbers come back as they were) {
  const auto bytes = "\0\xff'--"s;
  insert(INT64_MIN, bytes);
  insert(INT64_MAX, {});
  statement query{db.native(), "SELECT a, b, b IS NULL FROM t ORDER BY a"};
  CAF_REQUIRE(query.step());
  CAF_CHECK_EQUAL(query.number(0), INT64_MIN);
  CAF_CHECK(query.text(1) == bytes);
  CAF_REQUIRE(query.step());
  CAF_CHECK_EQUAL(query.number(0), INT64_MAX);
  CAF_CHECK_EQUAL(query.text(1), "");
  CAF_CHECK_EQUAL(query.number(2), 0);  // empty is not absent
  CAF_CHECK(!query.step());
}

CAF_TEST(a text and a blob of the same bytes are not the same) {
  statement insert{db.native(), "INSERT INTO t VALUES (?, ?)"};
  insert.bind("x").bind_blob("x").run();
  insert.bind(std::string_view{}).bind_blob({}).run();
  CAF_CHECK_EQUAL(db.query_number("SELECT count(*) FROM t WHERE typeof(a) = 'text'"), 2);
  CAF_CHECK_EQUAL(db.query_number("SELECT count(*) FROM t WHERE typeof(b) = 'blob'"), 2);
}

CAF_TEST(what is absent reads as empty and nought) {
  statement query{db.native(), "SELECT NULL"};
  CAF_REQUIRE(query.step());
  CAF_CHECK_EQUAL(query.text(0), "");
  CAF_CHECK_EQUAL(query.number(0), 0);
  CAF_CHECK_EQUAL(db.query_number("SELECT a FROM t"), 0);
}

CAF_TEST(a statement begins anew after a run and after one parameter too many) {
  statement insert{db.native(), "INSERT INTO t VALUES (?, ?)"};
  insert.bind(1).bind("first").run();
  insert.bind(2).run();  // what is not bound again is forgotten
  CAF_CHECK_EQUAL(db.query_number("SELECT b IS NULL FROM t WHERE a = 2"), 1);
  CAF_CHECK_EQUAL(cause([&] { insert.bind(3).bind("x").bind("too many"); }), "store_failed");
  insert.bind(4).bind("whole").run();
  CAF_CHECK_EQUAL(db.query_number("SELECT count(*) FROM t WHERE a = 4 AND b = 'whole'"), 1);
  CAF_CHECK_EQUAL(rows(), 3);
}

CAF_TEST(a statement can be used again after it has failed) {
  db.execute("CREATE UNIQUE INDEX one ON t (a)");
  statement insert{db.native(), "INSERT INTO t VALUES (?, 'x')"};
  insert.bind(1).run();
  CAF_CHECK_EQUAL(cause([&] { insert.bind(1).run(); }), "store_failed");
  insert.bind(2).run();
  CAF_CHECK_EQUAL(rows(), 2);
}

CAF_TEST(a transaction that is left early has done nothing) {
  {
    const transaction undone{db};
    insert(1, "undone");
  }
  CAF_CHECK_EQUAL(rows(), 0);
  transaction kept{db};
  insert(2, "kept");
  CAF_CHECK_EQUAL(rows(), 0);  // nobody else sees half of it
  kept.commit();
  CAF_CHECK_EQUAL(rows(), 1);
}

CAF_TEST(of two writers one is told that the file is busy) {
  {
    const transaction writing{db};
    CAF_CHECK_EQUAL(cause([&] { const transaction second{other}; }), "store_busy");
  }
  CAF_CHECK_EQUAL(cause([&] { const transaction second{other}; }), "none");
}

CAF_TEST(a reader holds up a commit until its rows are given up) {
  insert(1, "x");
  insert(2, "x");
  transaction writing{db};
  insert(3, "x");
  statement query{other.native(), "SELECT a FROM t"};
  {
    const row_scope reading{query};
    CAF_REQUIRE(query.step());
    CAF_CHECK_EQUAL(cause([&] { writing.commit(); }), "store_busy");
  }
  CAF_CHECK_EQUAL(cause([&] { writing.commit(); }), "none");
  CAF_CHECK_EQUAL(rows(), 3);
}

CAF_TEST(a full file ends its transaction and the next one works) {
  db.execute("PRAGMA max_page_count = 4");
  {
    const transaction full{db};
    insert(1, "small");
    CAF_CHECK_EQUAL(cause([&] { insert(2, std::string(100'000, 'x')); }), "store_full");
  }
  CAF_CHECK_EQUAL(rows(), 0);
  transaction next{db};
  insert(3, "small");
  next.commit();
  CAF_CHECK_EQUAL(rows(), 1);
}

CAF_TEST(a file that does not exist is not made) {
  const auto missing = directory / "missing.db";
  CAF_CHECK_EQUAL(cause([&] { const connection none{missing}; }), "store_failed");
  CAF_CHECK(!std::filesystem::exists(missing));
}

CAF_TEST(an error names the file and the reason) {
  CAF_CHECK_EQUAL(failure([&] { db.execute("INSERT INTO nowhere VALUES (1)"); }).detail,
                  path + ": no such table: nowhere");
  const auto folder = directory / ".";
  CAF_CHECK_EQUAL(failure([&] { const connection none{folder}; }).detail,
                  folder + ": unable to open database file");
}

CAF_TEST(causes are told by the primary code) {
  const auto cause_of = [](int code) { return make_error(nullptr, code).cause; };
  CAF_CHECK_EQUAL(cause_of(SQLITE_BUSY_SNAPSHOT), "store_busy");
  CAF_CHECK_EQUAL(cause_of(SQLITE_LOCKED), "store_busy");
  CAF_CHECK_EQUAL(cause_of(SQLITE_FULL), "store_full");
  CAF_CHECK_EQUAL(cause_of(SQLITE_CORRUPT_INDEX), "store_corrupt");
  CAF_CHECK_EQUAL(cause_of(SQLITE_NOTADB), "store_corrupt");
  CAF_CHECK_EQUAL(cause_of(SQLITE_IOERR_FSYNC), "store_failed");
}

CAF_TEST_FIXTURE_SCOPE_END()
