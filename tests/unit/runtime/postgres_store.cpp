#define CAF_SUITE postgres_store
// What only a server can do: serve several nodes, be migrated by one of them at a time, go away and
// come back.
#include "runtime/postgres.hpp"
#include "runtime/postgres_listener.hpp"
#include "runtime/store.hpp"
#include "tests/unit/runtime/postgres_server.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace rt = postern::runtime;
namespace pg = postern::runtime::postgres;
using postern::test::postgres_server;
using postern::test::shared_postgres_server;
using namespace std::chrono_literals;

namespace {

rt::store_change put(std::string key, std::string value, std::optional<uint64_t> expected = {}) {
  return {rt::store_change::action::put, "kind", std::move(key), std::move(value), expected};
}

std::unique_ptr<rt::store> open(const std::string& connection) {
  auto opened = rt::open_postgres_store(connection);
  if (!opened) CAF_FAIL(rt::to_string(opened.error()));
  return std::move(*opened);
}

std::string refusal(const std::string& connection) {
  const auto opened = rt::open_postgres_store(connection);
  return opened ? "" : opened.error().cause;
}

std::string value_of(rt::store& store, const std::string& key) {
  const auto found = store.find("kind", key);
  return found && *found ? (*found)->value : "nothing";
}

template <class Condition>
bool eventually(Condition holds) {
  for (int i = 0; i < 1'000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

bool is_refused(pg::connection& server, const char* sql) {
  try {
    server.run(sql);
    return false;
  } catch (const rt::error_exception&) {
    return true;
  }
}

std::string defaults_of(const std::string& text) {
  try {
    return pg::with_defaults(text);
  } catch (const rt::error_exception& e) {
    return e.value().cause + " " + e.value().detail;
  }
}

}  // namespace

CAF_TEST(two nodes on one database see and fence each other) {
  const auto database = shared_postgres_server().new_database();
  const auto a = open(database);
  const auto b = open(database);
  CAF_CHECK_EQUAL(a->commit({put("x", "1", 0)}).value(), 1u);
  CAF_CHECK_EQUAL(b->commit({put("x", "2", 0)}).error().cause, "store_conflict");
  CAF_CHECK_EQUAL(b->commit({put("x", "2", 1)}).value(), 2u);
  CAF_CHECK_EQUAL(value_of(*a, "x"), "2");
}

CAF_TEST(of two nodes that write at once none loses a change) {
  const auto database = shared_postgres_server().new_database();
  CAF_REQUIRE(open(database)->commit({put("count", "0")}).has_value());
  const auto count_to_30 = [&database] {
    const auto store = open(database);
    for (int done = 0; done < 30;) {
      const auto now = store->find("kind", "count").value().value();
      if (store->commit({put("count", std::to_string(std::stoi(now.value) + 1), now.revision)}))
        ++done;
    }
  };
  std::thread a(count_to_30);
  std::thread b(count_to_30);
  a.join();
  b.join();
  CAF_CHECK_EQUAL(value_of(*open(database), "count"), "60");
}

CAF_TEST(a commit of one node is news to another within a second) {
  const auto database = shared_postgres_server().new_database();
  const auto a = open(database);
  const auto b = open(database);
  std::atomic<int> heard{0};
  const auto watch = b->watch([&](const std::vector<rt::store_news>& news) {
    for (const auto& one : news)
      if (one.kind == "kind" && one.key == "x" && one.revision == 1) ++heard;
  });
  // The first news of a watch say that it listens from now on.
  std::atomic<bool> listening{false};
  const auto ready = b->watch([&](const auto&) { listening = true; });
  static_cast<void>(ready);
  const auto begun = std::chrono::steady_clock::now();
  CAF_REQUIRE(a->commit({put("x", "1")}).has_value());
  CAF_CHECK(eventually([&] { return heard > 0 || listening; }));
  CAF_CHECK(std::chrono::steady_clock::now() - begun < 1s);
}

CAF_TEST(nodes that start at once migrate one after the other) {
  const auto database = shared_postgres_server().new_database();
  std::atomic<int> opened{0};
  std::vector<std::thread> nodes;
  for (int i = 0; i < 6; ++i)
    nodes.emplace_back([&] {
      if (rt::open_postgres_store(database)) ++opened;
    });
  for (auto& node : nodes)
    node.join();
  CAF_CHECK_EQUAL(opened.load(), 6);
  CAF_CHECK_EQUAL(postgres_server::query(database, "SELECT count(*) FROM postern.migrations"), "1");
}

CAF_TEST(tables of a newer version and of another program are left alone) {
  const auto newer = shared_postgres_server().new_database();
  open(newer);
  postgres_server::query(newer, "INSERT INTO postern.migrations VALUES (999)");
  CAF_CHECK_EQUAL(refusal(newer), "store_too_new");
  const auto foreign = shared_postgres_server().new_database();
  postgres_server::query(foreign, "CREATE SCHEMA postern; CREATE TABLE postern.theirs (x integer)");
  CAF_CHECK_EQUAL(refusal(foreign), "store_foreign");
}

CAF_TEST(a server that goes away refuses and is found again without reopening) {
  postgres_server server;
  const auto store = open(server.new_database());
  std::atomic<int> gaps{0};
  std::atomic<bool> heard{false};
  const auto watch = store->watch([&](const std::vector<rt::store_news>& news) {
    for (const auto& one : news) {
      if (one.kind.empty()) ++gaps;
      if (one.key == "after") heard = true;
    }
  });
  CAF_REQUIRE(store->commit({put("x", "1")}).has_value());
  CAF_CHECK(eventually([&] { return gaps == 1; }));

  server.kill();
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    const auto refused = store->commit({put("x", "2")});
    CAF_REQUIRE(!refused);
    CAF_CHECK_EQUAL(refused.error().cause, "store_unavailable");
    CAF_CHECK(refused.error().category == rt::error_category::unavailable);
  }
  CAF_CHECK(std::chrono::steady_clock::now() - begun < 5s);

  server.start();
  CAF_CHECK(eventually([&] { return store->find("kind", "x").has_value(); }));
  CAF_CHECK_EQUAL(value_of(*store, "x"), "1");
  CAF_CHECK(eventually([&] { return gaps == 2; }));
  CAF_REQUIRE(store->commit({put("after", "1")}).has_value());
  CAF_CHECK(eventually([&] { return heard.load(); }));
}

CAF_TEST(a restart between two operations is not noticed) {
  postgres_server server;
  const auto store = open(server.new_database());
  CAF_REQUIRE(store->commit({put("x", "1")}).has_value());
  server.kill();
  server.start();
  CAF_CHECK_EQUAL(store->commit({put("x", "2", 1)}).value(), 2u);
  server.kill();
  server.start();
  CAF_CHECK_EQUAL(value_of(*store, "x"), "2");
}

CAF_TEST(a frozen server is given up in time) {
  postgres_server server;
  const auto store = open(server.new_database());
  CAF_REQUIRE(store->commit({put("x", "1")}).has_value());
  server.freeze();
  const auto begun = std::chrono::steady_clock::now();
  const auto refused = store->find("kind", "x");
  const auto took = std::chrono::steady_clock::now() - begun;
  CAF_REQUIRE(!refused);
  CAF_CHECK_EQUAL(refused.error().cause, "store_unavailable");
  CAF_CHECK(took < 10s);
  server.thaw();
  CAF_CHECK(eventually([&] { return store->find("kind", "x").has_value(); }));
}

CAF_TEST(a node that stands still within a commit holds up the others for seconds only) {
  const auto database = shared_postgres_server().new_database();
  const auto store = open(database);
  pg::connection still{database};
  still.run("BEGIN");
  still.run("UPDATE postern.revisions SET last = last + 1");
  const auto begun = std::chrono::steady_clock::now();
  const auto revision = store->commit({put("x", "1")});
  CAF_REQUIRE(revision.has_value());
  CAF_CHECK_EQUAL(*revision, 1u);
  CAF_CHECK(std::chrono::steady_clock::now() - begun < pg::answer_timeout);
  // One that moves again finds its transaction gone, and knows that it has to connect anew.
  CAF_CHECK(is_refused(still, "COMMIT"));
  CAF_CHECK(still.lost());
  CAF_CHECK_EQUAL(value_of(*store, "x"), "1");
}

CAF_TEST(a commit that waits for a lock in vain leaves nobody behind who waits on) {
  const auto database = shared_postgres_server().new_database();
  const auto store = open(database);
  pg::connection holder{database};
  holder.run("SET idle_in_transaction_session_timeout = 0");
  holder.run("BEGIN");
  holder.run("UPDATE postern.revisions SET last = last + 1");
  const auto begun = std::chrono::steady_clock::now();
  const auto refused = store->commit({put("x", "1")});
  CAF_CHECK(std::chrono::steady_clock::now() - begun < pg::answer_timeout);
  CAF_REQUIRE(!refused);
  CAF_CHECK_EQUAL(refused.error().cause, "store_failed");
  CAF_CHECK(refused.error().category == rt::error_category::unavailable);
  CAF_CHECK_EQUAL(postgres_server::query(database,
                                         "SELECT count(*) FROM pg_stat_activity WHERE datname ="
                                         " current_database() AND wait_event_type = 'Lock'"),
                  "0");
  holder.run("ROLLBACK");
  CAF_CHECK_EQUAL(store->commit({put("x", "1")}).value(), 1u);
}

CAF_TEST(no server and no such database are refused with the reason) {
  CAF_CHECK_EQUAL(refusal("host=/nowhere dbname=x"), "store_unavailable");
  const auto database = shared_postgres_server().new_database();
  CAF_CHECK_EQUAL(refusal(database + "x"), "store_refused");
  CAF_CHECK_EQUAL(refusal("this is no connection string"), "store_connection_malformed");
}

CAF_TEST(a server elsewhere has to prove its name unless told otherwise) {
  CAF_CHECK(defaults_of("host=db.example.com dbname=p").find("sslmode=verify-full") !=
            std::string::npos);
  CAF_CHECK(defaults_of("postgresql://p@10.0.0.1,127.0.0.1/p").find("sslmode=verify-full") !=
            std::string::npos);
  CAF_CHECK(defaults_of("host=db.example.com sslmode=require").find("verify-full") ==
            std::string::npos);
  CAF_CHECK(defaults_of("host=/run/postgresql dbname=p\n").find("sslmode") == std::string::npos);
  CAF_CHECK(defaults_of("postgresql://127.0.0.1/p").find("sslmode") == std::string::npos);
  const auto malformed = defaults_of("password=secret-word nonsense");
  CAF_CHECK(malformed.starts_with("store_connection_malformed"));
  CAF_CHECK(malformed.find("secret-word") == std::string::npos);
}

CAF_TEST(news that are too long for one notification name the kinds only) {
  std::vector<rt::store_change> many;
  for (int i = 0; i < 500; ++i)
    many.push_back(put("a rather long key, number " + std::to_string(i), ""));
  const auto text = pg::encode_news(many, 12);
  CAF_CHECK(text.size() < 8'000);
  const auto news = pg::decode_news(text);
  CAF_REQUIRE_EQUAL(news.size(), 1u);
  CAF_CHECK_EQUAL(news[0].kind + news[0].key, "kind");
  CAF_CHECK_EQUAL(news[0].revision, 12u);
}

CAF_TEST(a notification of somebody else means that anything may have changed) {
  for (const auto* text : {"", "x", "12", "12\n", "12\nkind", "12\n key", "12\nkind ?"}) {
    const auto news = pg::decode_news(text);
    CAF_REQUIRE_EQUAL(news.size(), 1u);
    CAF_CHECK(news[0].kind.empty());
  }
}
