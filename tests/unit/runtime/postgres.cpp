#define CAF_SUITE postgres
// One connection by itself: what goes through it, what its errors are, what ends it, and how it
// waits. What stores make of it is shown by postgres_store.cpp.
#include "runtime/postgres.hpp"

#include "tests/unit/runtime/postgres_server.hpp"

#include <caf/test/dsl.hpp>

#include <limits>
#include <unistd.h>

namespace rt = postern::runtime;
namespace pg = postern::runtime::postgres;
using postern::test::postgres_server;
using postern::test::shared_postgres_server;
using namespace std::chrono_literals;

namespace {

/// The error that `work` throws; category none if it does not.
template <class Work>
rt::error thrown_by(Work work) {
  try {
    work();
  } catch (const rt::error_exception& e) {
    return e.value();
  }
  return {.category = rt::error_category::none};
}

rt::error refused(pg::connection& by, const std::string& sql) {
  return thrown_by([&] { by.run(sql.c_str()); });
}

rt::error refused_connection(const std::string& text) {
  return thrown_by([&] { const pg::connection unused{text}; });
}

/// PL/pgSQL that fails with a state of the test's choice.
std::string raise(const std::string& state, const std::string& message = "why") {
  return "DO $$ BEGIN RAISE EXCEPTION '" + message + "' USING ERRCODE = '" + state + "'; END $$";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool has_to_prove_its_name(const std::string& text) {
  return has(pg::with_defaults(text), "sslmode=verify-full");
}

/// A pipe whose reading end wakes a wait.
struct alarm_pipe {
  int ends[2] = {-1, -1};
  alarm_pipe() { CAF_REQUIRE_EQUAL(::pipe(ends), 0); }
  ~alarm_pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void ring() const { CAF_REQUIRE_EQUAL(::write(ends[1], "x", 1), 1); }
};

struct fixture {
  std::string database = shared_postgres_server().new_database();
  pg::connection server{database};

  /// Ends the connection as an administrator of the server can.
  void cut() {
    const auto id = server.run("SELECT pg_backend_pid()::bigint").number(0, 0);
    postgres_server::query(database, "SELECT pg_terminate_backend(" + std::to_string(id) + ")");
  }
  void notify(const std::string& text) {
    postgres_server::query(database, "NOTIFY news, '" + text + "'");
  }
  bool works() { return server.run("SELECT 7::bigint").number(0, 0) == 7; }
};

}  // namespace

// -- connection strings ---------------------------------------------------------------------------

CAF_TEST(of several servers one elsewhere is enough to want proof) {
  CAF_CHECK(has_to_prove_its_name("host=/run/postgresql,db.example.com dbname=p"));
  CAF_CHECK(has_to_prove_its_name("host=localhost hostaddr=192.0.2.7"));
  CAF_CHECK(has_to_prove_its_name("host=db.example.com hostaddr=127.0.0.1"));
  CAF_CHECK(has_to_prove_its_name("host=localhost.example.com"));
  CAF_CHECK(!has_to_prove_its_name("host=localhost,/run/postgresql,::1,127.0.0.2"));
  CAF_CHECK(!has_to_prove_its_name("host=@abstract"));
  CAF_CHECK(!has_to_prove_its_name("dbname=p"));
}

CAF_TEST(a name that begins like a loopback address is elsewhere all the same) {
  for (const auto* text :
       {"host=127.example.com", "host=127.0.0.1.example.com dbname=p", "host=/tmp,127.example.com"})
    CAF_CHECK(has_to_prove_its_name(text));
  CAF_CHECK(!has_to_prove_its_name("host=127.0.0.2"));
}

CAF_TEST(a server that only the environment names has to prove its name) {
  ::setenv("PGHOST", "db.example.com", 1);
  CAF_CHECK(has_to_prove_its_name("dbname=p"));
  CAF_CHECK(!has_to_prove_its_name("host=/tmp dbname=p"));
  ::unsetenv("PGHOST");
  CAF_CHECK(!has_to_prove_its_name("dbname=p"));
}

CAF_TEST(what was given is kept and only what was not is filled in) {
  const auto plain = pg::with_defaults("dbname=p");
  CAF_CHECK(has(plain, "connect_timeout=3 "));
  CAF_CHECK(has(plain, "tcp_user_timeout="));
  const auto given = pg::with_defaults("dbname=p connect_timeout=9 sslmode=disable");
  CAF_CHECK(has(given, "connect_timeout='9'"));
  CAF_CHECK(!has(given, "connect_timeout=3"));
  CAF_CHECK(has(given, "sslmode='disable'"));
}

CAF_TEST(values with quotes and spaces go through unchanged) {
  const std::string text = "\n host=/tmp password='it\\'s a \\\\ word ' dbname=p\r\n";
  const auto once = pg::with_defaults(text);
  CAF_CHECK(has(once, "password='it\\'s a \\\\ word '"));
  CAF_CHECK(has(pg::with_defaults(once), "password='it\\'s a \\\\ word '"));
}

CAF_TEST(a refused log in is told from a server that is not there and shows no password) {
  const auto database = shared_postgres_server().new_database();
  for (const auto* who : {" user=nobody-here", " dbname=nowhere"}) {
    const auto why = refused_connection(database + " password=secret-word" + who);
    CAF_CHECK(why.category == rt::error_category::unavailable);
    CAF_CHECK_EQUAL(why.cause, "store_refused");
    CAF_CHECK_EQUAL(why.source, "store");
    CAF_CHECK(has(why.detail, "does not exist"));
    CAF_CHECK(!has(why.detail, "secret-word"));
    CAF_CHECK(!has(why.detail, "\n"));
  }
  CAF_CHECK_EQUAL(refused_connection("host=/nowhere").cause, "store_unavailable");
}

CAF_TEST_FIXTURE_SCOPE(postgres_tests, fixture)

// -- values ---------------------------------------------------------------------------------------

CAF_TEST(numbers and bytes of any value come back as they went) {
  using limits = std::numeric_limits<int64_t>;
  const std::string odd{"\0'\\\xff\n$1", 7};
  for (const int64_t number : {int64_t{0}, int64_t{-1}, limits::min(), limits::max()}) {
    const auto back = server.run("SELECT $1::bigint, $2::bytea, $3::bytea",
                                 pg::parameters{}.number(number).bytes(odd).bytes(""));
    CAF_REQUIRE_EQUAL(back.size(), 1);
    CAF_CHECK_EQUAL(back.number(0, 0), number);
    CAF_CHECK(back.bytes(0, 1) == odd);
    CAF_CHECK(back.bytes(0, 2).empty());
  }
}

CAF_TEST(rows keep their order and none are none) {
  const auto three = server.run("SELECT i::bigint, 'x' || i FROM generate_series(1, 3) i");
  CAF_REQUIRE_EQUAL(three.size(), 3);
  CAF_CHECK_EQUAL(three.number(2, 0), 3);
  CAF_CHECK_EQUAL(three.bytes(1, 1), "x2");
  CAF_CHECK_EQUAL(server.run("SELECT 1 WHERE false").size(), 0);
  CAF_CHECK_EQUAL(server.run("CREATE TABLE t (x bigint)").size(), 0);
}

CAF_TEST(what is larger than any buffer of the way goes both ways) {
  std::string large(16 * 1'024 * 1'024, 'x');
  large.front() = 'a';
  large.back() = 'z';
  const auto back = server.run("SELECT $1::bytea", pg::parameters{}.bytes(large));
  CAF_REQUIRE_EQUAL(back.size(), 1);
  CAF_CHECK(back.bytes(0, 0) == large);
  CAF_CHECK(works());
}

// -- errors ---------------------------------------------------------------------------------------

CAF_TEST(what the server refuses is said in one line and the connection goes on) {
  const auto why = refused(server, "SELECT nonsense\nFROM nowhere");
  CAF_CHECK(why.category == rt::error_category::unavailable);
  CAF_CHECK_EQUAL(why.cause, "store_failed");
  CAF_CHECK_EQUAL(why.source, "store");
  CAF_CHECK(has(why.detail, "nowhere"));
  CAF_CHECK(!has(refused(server, raise("P0001", "two\nlines")).detail, "\n"));
  CAF_CHECK(!server.lost());
  CAF_CHECK(works());
}

CAF_TEST(a full disk has a name of its own and its like has not) {
  CAF_CHECK_EQUAL(refused(server, raise("53100", "No space left on device")).cause, "store_full");
  CAF_CHECK_EQUAL(refused(server, raise("53200", "out of memory")).cause, "store_failed");
  CAF_CHECK_EQUAL(refused(server, raise("40001")).cause, "store_failed");
  CAF_CHECK(!server.lost());
  CAF_CHECK(works());
}

CAF_TEST(a server that is being stopped is not used again) {
  const auto why = refused(server, raise("57P01", "terminating connection"));
  CAF_CHECK_EQUAL(why.cause, "store_unavailable");
  CAF_CHECK(server.lost());
}

CAF_TEST(a connection that was cut is lost at the next statement) {
  cut();
  const auto why = refused(server, "SELECT 1");
  CAF_CHECK(why.category == rt::error_category::unavailable);
  CAF_CHECK_EQUAL(why.cause, "store_unavailable");
  CAF_CHECK(!has(why.detail, "\n"));
  CAF_CHECK(server.lost());
}

CAF_TEST(several statements in one are refused and none is done) {
  CAF_CHECK_EQUAL(refused(server, "CREATE TABLE a (x int); CREATE TABLE b (x int)").cause,
                  "store_failed");
  CAF_CHECK_EQUAL(server.run("SELECT 1 FROM pg_tables WHERE tablename IN ('a', 'b')").size(), 0);
}

// -- waiting --------------------------------------------------------------------------------------

CAF_TEST(notifications come in their order and one that was taken is gone) {
  const alarm_pipe alarm;
  server.run("LISTEN news");
  CAF_CHECK(!server.notification().has_value());
  notify("first");
  CAF_CHECK(!server.wait(20s, alarm.ends[0]));
  CAF_CHECK_EQUAL(server.notification().value_or("none"), "first");
  CAF_CHECK(!server.notification().has_value());
  notify("second");
  notify("");
  // Those that come together with an answer are not lost.
  CAF_CHECK(works());
  CAF_CHECK_EQUAL(server.notification().value_or("none"), "second");
  CAF_CHECK_EQUAL(server.notification().value_or("none"), "");
  CAF_CHECK(!server.notification().has_value());
}

CAF_TEST(a wait ends with the alarm and not before its time without one) {
  const alarm_pipe alarm;
  CAF_CHECK(!server.wait(0ms, alarm.ends[0]));
  alarm.ring();
  CAF_CHECK(server.wait(20s, alarm.ends[0]));
  server.run("LISTEN news");
  notify("both");
  CAF_CHECK(server.wait(20s, alarm.ends[0]));
  CAF_CHECK(works());
  CAF_CHECK_EQUAL(server.notification().value_or("none"), "both");
}

CAF_TEST(whoever waits learns that the connection was cut) {
  const alarm_pipe alarm;
  cut();
  // Its farewell may be read before its end.
  const auto why = thrown_by([&] {
    for (int i = 0; i < 10; ++i)
      server.wait(20s, alarm.ends[0]);
  });
  CAF_CHECK_EQUAL(why.cause, "store_unavailable");
  CAF_CHECK(server.lost());
}

CAF_TEST_FIXTURE_SCOPE_END()
