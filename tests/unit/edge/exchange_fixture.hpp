#pragma once
// An exchange between a user who writes down what arrives, a group's queue that says what the test
// wants, and connectors at the other ends of tunnels. Include it after CAF_SUITE.

#include "edge/exchange.hpp"
#include "edge/tunnel.hpp"
#include "tests/unit/connector/http2_ends.hpp"
#include "tests/unit/edge/node_fixture.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"

#include <deque>

namespace postern::edge::testing {

/// Writes down what the user gets. How content is cut into pieces does not matter.
struct noted_user final : user_stream {
  void send_interim(unsigned status, const runtime::field_list& fields) override {
    log += "interim " + std::to_string(status) + " " + test::text_of(fields) + " ";
  }
  void send_head(unsigned status, const runtime::field_list& fields, bool ended) override {
    log +=
        "head " + std::to_string(status) + " " + test::text_of(fields) + (ended ? "ended " : " ");
  }
  void send_upgrade(const runtime::field_list& fields) override {
    log += "upgrade " + test::text_of(fields) + " ";
  }
  void send_content(std::string_view piece) override { content += piece; }
  void send_end(const runtime::field_list& trailers) override {
    log += "end " + test::text_of(trailers) + " ";
  }
  void send_abort() override { log += "abort "; }
  void wake() override { ++woken; }

  std::string log, content;
  int woken = 0;
};

/// Writes down what a stream tells its exchange. How content is cut into pieces does not matter.
struct told_exchange final : exchange_events {
  void on_response_head(const runtime::field_list& fields, bool ended) override {
    log += "head " + test::text_of(fields) + (ended ? "ended " : " ");
  }
  void on_response_interim(const runtime::field_list& fields) override {
    log += "interim " + test::text_of(fields) + " ";
  }
  void on_response_content(std::string_view piece) override { content += piece; }
  void on_response_trailers(const runtime::field_list& fields) override {
    log += "trailers " + test::text_of(fields) + " ";
  }
  void on_response_end() override { log += "end "; }
  void on_request_room() override { ++rooms; }
  void on_connector_silent() override { log += "silent "; }
  void on_connector_leaving() override { log += "leaving "; }
  void on_stream_closed(uint32_t code) override {
    closed = code;
    log += "closed ";
  }

  std::string log, content;
  std::optional<uint32_t> closed;
  int rooms = 0;
};

/// What a group's queue is asked and told, and what it says.
struct scripted_queue {
  struct place {
    actors::tunnel_id tunnel;
    actors::exchange_outcome how;
  };

  std::deque<runtime::result<actors::dispatch>> says;  ///< one after the other; then it lets wait
  std::vector<actors::exchange_ticket> asked;
  std::vector<uint64_t> cancelled;
  std::vector<place> released;
  std::optional<caf::typed_response_promise<actors::dispatch>> waiting;
};

inline caf::result<actors::dispatch> play_submit(actors::group_queue_actor::pointer self,
                                                 scripted_queue& script,
                                                 const actors::exchange_ticket& ticket) {
  script.asked.push_back(ticket);
  if (script.says.empty()) {
    script.waiting = self->make_response_promise<actors::dispatch>();
    return *script.waiting;
  }
  auto next = std::move(script.says.front());
  script.says.pop_front();
  if (!next) return runtime::to_caf(next.error());
  return *next;
}

inline actors::group_queue_actor::behavior_type play_queue(actors::group_queue_actor::pointer self,
                                                           std::shared_ptr<scripted_queue> script) {
  using namespace actors;
  return play_queue_as(
      [=](submit_atom, const exchange_ticket& ticket) -> caf::result<dispatch> {
        return play_submit(self, *script, ticket);
      },
      [script](cancel_atom, uint64_t ticket) { script->cancelled.push_back(ticket); },
      [script](release_atom, tunnel_id tunnel, exchange_outcome how, milliseconds) {
        script->released.push_back({tunnel, how});
      });
}

/// A tunnel of a shard and the connector at its other end. It says no hello: exchanges do not
/// depend on that. Like a real one it opens no window before the test asks for content.
struct played_connector {
  static constexpr uint32_t places = 77;  // a number by which its SETTINGS are known

  played_connector(edge_context& at, const std::string& name, bool speaks)
      : ends(at.home),
        on(std::make_shared<tunnel>(at, runtime::transport{std::move(ends.accepted), nullptr},
                                    tunnel_peer{name, "01", "192.0.2.1"})),
        dispatched{{at.home.index(), on->number()}, name} {
    const runtime::http2_options options{
        .server = true, .initial_window = 0, .max_streams = places, .extended_connect = true};
    if (speaks) end.open(at.home, std::move(ends.dialled), options);
    test::start(at.home, [this]() -> runtime::awaitable<void> {
      co_await on->run();
      running = false;
    });
  }

  bool ready() { return end.streams.size() == 1 && on->session().peer_max_streams() == places; }
  bool over() const { return !running && (!end.session || end.ended); }
  runtime::http2_session& session() { return *end.session; }
  test::noted_stream& last() { return *end.streams.back(); }

  test::loopback_pair ends;
  std::shared_ptr<tunnel> on;
  actors::dispatch dispatched;
  test::http2_end end;
  bool running = true;
};

struct exchange_fixture : node_fixture {
  exchange_fixture() {
    context.tunnels = &tunnels;
    context.shards = {&context};
    application.application = settings;
    application.urls = split_application_urls(*settings);
    application.queue = own(sys.spawn(play_queue, script));
  }
  ~exchange_fixture() override {
    script->waiting.reset();
    for (auto& c : connectors)
      c->on->cut("over");
    CAF_CHECK(works_until([&] {
      return std::all_of(connectors.begin(), connectors.end(), [](auto& c) { return c->over(); });
    }));
    test::run_ready(home);
  }

  played_connector& add_connector(const std::string& name, bool speaks = true) {
    auto& added =
        *connectors.emplace_back(std::make_unique<played_connector>(context, name, speaks));
    if (speaks) CAF_REQUIRE(works_until([&] { return added.ready(); }));
    return added;
  }

  /// A request without content; `put` is one with content.
  exchange_request get() const { return {&application, &head, "r-1", false, true, false}; }
  exchange_request post() const { return {&application, &head, "r-1", false, false, false}; }
  exchange_request put() const { return {&application, &head, "r-1", true, true, false}; }
  exchange_request websocket() const { return {&application, &head, "r-1", false, false, true}; }

  runtime::result<void> start(const exchange_request& request) {
    return answer_of([&] { return subject.start(request); });
  }
  /// Starts the exchange on a connector's tunnel; returns what arrives there.
  test::noted_stream& send(const exchange_request& request, played_connector& to) {
    script->says.emplace_back(to.dispatched);
    const auto before = to.end.streams.size();
    CAF_REQUIRE(start(request).has_value());
    CAF_REQUIRE(works_until([&] { return to.end.streams.size() > before; }));
    return to.last();
  }
  /// Lets the connector answer and waits until the user has got it.
  void respond(played_connector& from, test::noted_stream& at, const runtime::field_list& fields,
               bool ended = false) {
    const auto before = user.log.size();
    from.session().submit_response(at, fields, ended);
    CAF_REQUIRE(works_until([&] { return user.log.size() > before || subject.ended(); }));
  }
  void wait_for_end() {
    CAF_REQUIRE(works_until([&] { return subject.ended(); }));
  }

  void check_failed(const char* cause, const char* source, unsigned status) {
    CAF_CHECK(subject.current() == exchange::state::failed);
    CAF_CHECK_EQUAL(subject.failure().cause, cause);
    CAF_CHECK_EQUAL(subject.failure().source, source);
    CAF_CHECK_EQUAL(runtime::http_status_code(subject.failure().category), status);
  }
  /// The place on that tunnel was given back, and once.
  void check_released(const played_connector& of, actors::exchange_outcome how) {
    CAF_REQUIRE(works_until([&] { return !script->released.empty(); }));
    test::run_ready(home);
    sched.run();
    CAF_CHECK_EQUAL(script->released.size(), 1u);
    CAF_CHECK(script->released.back().tunnel == of.dispatched.tunnel);
    CAF_CHECK(script->released.back().how == how);
    script->released.clear();
  }

  const runtime::field_list head{
      {":method", "PUT"}, {":scheme", "https"}, {":authority", "wiki"}, {":path", "/"}};
  std::shared_ptr<config::application> settings =
      std::make_shared<config::application>(samples::wiki);
  std::shared_ptr<scripted_queue> script = std::make_shared<scripted_queue>();
  published_application application;
  tunnel_table tunnels;
  std::vector<std::unique_ptr<played_connector>> connectors;
  noted_user user;
  exchange subject{context, user};
};

}  // namespace postern::edge::testing
