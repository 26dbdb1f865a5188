#define CAF_SUITE http2_origin
// Connections to origins and their bounds. What exchanges make of them is tested in
// origin_exchange_http2.cpp.
#include "connector/http2_origin.hpp"

#include "connector/limits.hpp"
#include "tests/unit/connector/http2_ends.hpp"
#include "tests/unit/connector/loopback.hpp"
#include "tests/unit/connector/raw_http2.hpp"

#include <caf/test/dsl.hpp>

#include <list>

using namespace postern;
using namespace postern::test;
using connector::http2_dial;
using connector::http2_origin;

namespace {

/// How a server begins that allows so many streams at once.
std::string settings_for(uint32_t most_streams) {
  raw_frame one{NGHTTP2_SETTINGS, 0, 0, {}};
  put_number(one.payload, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2);
  put_number(one.payload, most_streams, 4);
  return bytes_of(one);
}

std::string go_away_frame(uint32_t last_stream) {
  raw_frame one{NGHTTP2_GOAWAY, 0, 0, {}};
  put_number(one.payload, last_stream, 4);
  put_number(one.payload, NGHTTP2_NO_ERROR, 4);
  return bytes_of(one);
}

/// A request on a connection that it holds, as exchanges do.
struct held_stream final : runtime::http2_stream {
  explicit held_stream(std::shared_ptr<http2_origin> connection) : on(std::move(connection)) {
    const runtime::field_list fields{
        {":method", "GET"}, {":scheme", "http"}, {":authority", "wiki"}, {":path", "/"}};
    CAF_REQUIRE(on->session().submit_request(*this, fields, true).has_value());
  }
  void on_head(const runtime::field_list&, bool) override {}
  void on_content(std::string_view) override {}
  void on_end() override {}
  void on_closed(uint32_t) override {
    closed = true;
    on->on_stream_closed();
  }

  std::shared_ptr<http2_origin> on;
  bool closed = false;
};

struct fixture {
  fixture() {
    acceptor.non_blocking(true);
    table = make_table("wiki");
  }
  ~fixture() {
    all.clear();
    run_ready(home);
    CAF_CHECK(run_until(home, [&] {
      return std::ranges::all_of(streams, [](const auto& one) { return one->closed; });
    }));
    streams.clear();
    run_ready(home);
  }

  std::shared_ptr<const connector::origin_table> make_table(const char* application) const {
    actors::connector_configuration from;
    from.applications.resize(1);
    auto& a = from.applications[0];
    a.name = application;
    a.internal_url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/";
    a.origin_protocol = config::origin_protocol_kind::h2c;
    a.connect_timeout = connect_timeout;
    return connector::origin_table::make(from, {}, {}, nullptr);
  }
  const connector::origin& wiki() const { return *table->find("wiki"); }
  std::shared_ptr<http2_origin> find() { return all.find(wiki().id); }
  bool ends(const http2_dial& dial) {
    return run_until(home, [&] { return dial.done; });
  }

  /// Accepts the connection that is being made, and says so much on it.
  origin_end& accept(const std::string& text) {
    std::optional<runtime::tcp_socket> socket;
    CAF_REQUIRE(run_until(home, [&] {
      boost::system::error_code failed;
      auto next = acceptor.accept(failed);
      if (!failed) socket.emplace(std::move(next));
      return socket.has_value();
    }));
    auto& one = origins.emplace_back(origin_end{std::move(*socket), {}});
    one.say(text);
    return one;
  }
  origin_end& connect(uint32_t most_streams) {
    const auto dial = all.dial(table, wiki());
    auto& one = accept(settings_for(most_streams));
    CAF_REQUIRE(ends(*dial));
    CAF_REQUIRE_EQUAL(dial->failure.cause, "");
    return one;
  }
  held_stream& begin(std::shared_ptr<http2_origin> on) {
    return *streams.emplace_back(std::make_unique<held_stream>(std::move(on)));
  }
  bool loses(origin_end& at) {
    return run_until(home, [&] {
      at.look();
      return at.ended;
    });
  }

  runtime::shard home{0};
  runtime::tcp_acceptor acceptor{home.get_executor(), {boost::asio::ip::address_v4::loopback(), 0}};
  std::chrono::milliseconds connect_timeout{10'000};
  std::shared_ptr<const connector::origin_table> table;
  connector::http2_origins all{home};
  std::list<origin_end> origins;
  std::vector<std::unique_ptr<held_stream>> streams;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http2_origin_tests, fixture)

CAF_TEST(whoever needs a connection waits for the one that is being made) {
  CAF_CHECK(find() == nullptr);
  const auto first = all.dial(table, wiki());
  CAF_CHECK(all.dial(table, wiki()) == first);
  runtime::wait_point mine{home};
  first->waiting.push_back(&mine);
  bool woken = false;
  start(home, [&]() -> runtime::awaitable<void> {
    co_await mine.wait();
    woken = true;
  });
  accept(settings_for(10));
  CAF_CHECK(run_until(home, [&] { return woken; }));
  CAF_CHECK(first->done);
  CAF_REQUIRE(find() != nullptr);
  CAF_CHECK(find()->has_room());
  CAF_CHECK_EQUAL(all.size(), 1u);
}

CAF_TEST(an origin that does not speak HTTP 2 is told from one that says nothing) {
  const auto odd = all.dial(table, wiki());
  accept("HTTP/1.1 400 Bad Request\r\n\r\n").socket.close();
  CAF_REQUIRE(ends(*odd));
  CAF_CHECK_EQUAL(odd->failure.cause, "origin_protocol");
  connect_timeout = std::chrono::milliseconds{50};
  table = make_table("wiki");
  const auto silent = all.dial(table, wiki());
  CAF_CHECK(silent != odd);
  CAF_REQUIRE(ends(*silent));  // in the backlog, accepted by nobody
  CAF_CHECK_EQUAL(silent->failure.cause, "connect_timeout");
  CAF_CHECK(find() == nullptr);
  CAF_CHECK_EQUAL(all.size(), 0u);
}

CAF_TEST(a failure is not kept for the next who asks) {
  const auto failed = all.dial(table, wiki());
  accept("").socket.close();
  CAF_REQUIRE(ends(*failed));
  connect(10);
  CAF_CHECK(find() != nullptr);
}

CAF_TEST(the limit of the origin makes more connections and they have a bound) {
  for (size_t i = 0; i < connector::limits::http2_connections; ++i) {
    CAF_REQUIRE(find() == nullptr);
    connect(1);
    const auto one = find();
    CAF_REQUIRE(one != nullptr && one->has_room());
    begin(one);
  }
  // All are full: the next waits where the line is shortest.
  begin(streams.front()->on);
  const auto shortest = find();
  CAF_REQUIRE(shortest != nullptr);
  CAF_CHECK(!shortest->has_room());
  CAF_CHECK(shortest != streams.front()->on);
  CAF_CHECK_EQUAL(all.size(), connector::limits::http2_connections);
}

CAF_TEST(an origin that leaves gets nothing new and what runs may finish) {
  auto& origin = connect(10);
  auto& running = begin(find());
  CAF_REQUIRE(run_until(home, [&] {
    origin.look();
    return has_head(origin.got, 1);
  }));
  origin.say(go_away_frame(1));
  CAF_REQUIRE(run_until(home, [&] { return !running.on->is_usable(); }));
  CAF_CHECK(find() == nullptr);
  CAF_CHECK(!running.closed);
  origin.say(status_frame(1, "204", true));
  CAF_CHECK(run_until(home, [&] { return running.closed; }));
  CAF_CHECK(loses(origin));
}

CAF_TEST(connections to origins of an older configuration end after what runs) {
  auto& origin = connect(10);
  auto& running = begin(find());
  all.retain(*table);
  CAF_CHECK(find() != nullptr);
  all.retain(*make_table("other"));
  CAF_CHECK(find() == nullptr);
  CAF_CHECK_EQUAL(all.size(), 0u);
  CAF_REQUIRE(run_until(home, [&] {
    origin.look();
    return has_head(origin.got, 1);
  }));
  CAF_CHECK(!running.closed);
  origin.say(status_frame(1, "204", true));
  CAF_CHECK(run_until(home, [&] { return running.closed; }));
  CAF_CHECK(loses(origin));
}

CAF_TEST(an idle connection to an origin of an older configuration ends at once) {
  auto& origin = connect(10);
  all.retain(*make_table("other"));
  CAF_CHECK(loses(origin));
}

CAF_TEST(the end of all connections ends what runs on them) {
  auto& origin = connect(10);
  auto& running = begin(find());
  all.clear();
  CAF_CHECK(run_until(home, [&] { return running.closed; }));
  CAF_CHECK(loses(origin));
  CAF_CHECK(find() == nullptr);
}

CAF_TEST_FIXTURE_SCOPE_END()
