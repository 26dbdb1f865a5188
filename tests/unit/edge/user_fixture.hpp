#pragma once
// A user's connection to one shard over TLS, and an application behind it: the test plays the user,
// the group's queue, and the connector at the other end of a tunnel. Include it after CAF_SUITE.

#include "edge/sign_in.hpp"
#include "edge/site.hpp"
#include "edge/tunnel.hpp"
#include "edge/user_connection.hpp"
#include "tests/unit/connector/http2_ends.hpp"
#include "tests/unit/edge/node_fixture.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"
#include "tests/unit/runtime/tls_authority.hpp"

#include <map>

namespace postern::edge::testing {

/// What a queue of one tunnel does and was told.
struct queue_script {
  actors::tunnel_id tunnel;
  bool holds = false;      ///< exchanges wait from now on
  bool forgetful = false;  ///< says nothing to those that are taken out
  std::map<uint64_t, caf::typed_response_promise<actors::dispatch>> waiting;
  std::vector<uint64_t> cancelled;
  std::vector<actors::exchange_outcome> released;

  /// Answers an exchange that waits: its patience has ended.
  void give_up(uint64_t ticket) {
    auto found = waiting.find(ticket);
    if (found == waiting.end()) return;
    found->second.deliver(runtime::to_caf(
        {runtime::error_category::timeout, "no_connector", "connector_group", "main"}));
    waiting.erase(found);
  }
};

inline actors::group_queue_actor::behavior_type play_tunnel_queue(
    actors::group_queue_actor::pointer me, std::shared_ptr<queue_script> says) {
  using namespace actors;
  return play_queue_as(
      [me, says](submit_atom, const exchange_ticket& ticket) -> caf::result<dispatch> {
        if (!says->holds) return dispatch{says->tunnel, "c1"};
        auto later = me->make_response_promise<dispatch>();
        says->waiting.emplace(ticket.id, later);
        return later;
      },
      [says](cancel_atom, uint64_t ticket) {
        says->cancelled.push_back(ticket);
        if (!says->forgetful) says->give_up(ticket);
      },
      [says](release_atom, tunnel_id, exchange_outcome how, milliseconds) {
        says->released.push_back(how);
      });
}

/// The node's certificate is good for "open.example", an application that signs its users in
/// itself, and "connectors.example", the service's own name; not for "other.example", which is
/// published as well.
struct user_fixture : node_fixture {
  user_fixture() {
    options.log.access = false;
    context.tunnels = &tunnels;
    queue->tunnel = {home.index(), behind->number()};
    published->applications = {passthrough("open", "https://open.example/"),
                               passthrough("other", "https://other.example/")};
    queue_actor = own(sys.spawn(play_tunnel_queue, queue));
    context.published = std::make_shared<published_routes>(
        actors::routing{published, {{"main", queue_actor}}}, urls.issuer);
    // Windows of a tunnel are opened by the connector, exchange by exchange.
    connector.open(home, std::move(tunnel_ends.dialled),
                   {.server = true, .initial_window = 0, .extended_connect = true});
    tunnels.add(behind);
    // Without the hello: a tunnel that takes exchanges needs none.
    test::start(home, [this]() -> runtime::awaitable<void> {
      co_await behind->session().run();
      tunnel_over = true;
    });
  }
  ~user_fixture() override {
    if (served && !over) served->end();
    behind->cut("over");
    const bool at_rest = works_until([&] {
      return (!served || over) && tunnel_over && connector.ended && context.load->watches == 0;
    });
    CAF_CHECK(at_rest);
    CAF_CHECK_EQUAL(context.load->exchanges.load(), 0);
    test::run_ready(home);
  }

  static config::application passthrough(std::string name, std::string url) {
    auto made = samples::make_application(std::move(name), std::move(url));
    made.preauthentication = config::preauthentication_kind::passthrough;
    return made;
  }

  struct tls_pair {
    runtime::transport user, node;
  };
  /// A connection of a user that asked for `name` and speaks `protocol`, its handshakes done.
  tls_pair shake_hands(const std::string& name, const std::string& protocol) {
    static const test::tls_authority authority;
    static const auto server =
        runtime::tls_server_context::make(
            {authority.server({"open.example", "connectors.example"})}, {}, {"h2", "http/1.1"})
            .value();
    const auto client = runtime::tls_client_context::make({.system_authorities = false,
                                                           .authorities_pem = authority.pem(),
                                                           .protocols = {protocol}})
                            .value();
    test::loopback_pair ends{home};
    tls_pair both{{std::move(ends.dialled), client->make_connection(name)},
                  {std::move(ends.accepted), server->make_connection()}};
    int done = 0;
    const auto shake = [&](runtime::transport& one) -> runtime::awaitable<void> {
      const auto shaken = co_await one.handshake(home.timers(), std::chrono::seconds{20});
      if (shaken.has_value()) ++done;
    };
    test::start(home, [&]() { return shake(both.user); });
    test::start(home, [&]() { return shake(both.node); });
    CAF_REQUIRE(works_until([&] { return done == 2; }));
    return both;
  }

  /// Serves the connection that is in `served`.
  void start() {
    over = false;
    test::start(home, [this]() -> runtime::awaitable<void> {
      co_await served->run();
      over = true;
    });
  }

  // -- the connector
  /// The request that arrives at the connector as number `n`, from 1.
  test::noted_stream& arrival(size_t n) {
    CAF_REQUIRE(works_until(
        [&] { return connector.streams.size() >= n && !connector.streams[n - 1]->log.empty(); }));
    return *connector.streams[n - 1];
  }
  void respond(test::noted_stream& to, const runtime::field_list& fields, bool ended) {
    connector.session->submit_response(to, fields, ended);
  }
  /// Asks for that much of a request's content.
  void ask_for(test::noted_stream& of, uint32_t bytes) {
    connector.session->open_window(of, bytes);
  }

  std::shared_ptr<config::published> published = std::make_shared<config::published>();
  std::shared_ptr<queue_script> queue = std::make_shared<queue_script>();
  actors::group_queue_actor queue_actor;
  tunnel_table tunnels;
  test::loopback_pair tunnel_ends{home};
  std::shared_ptr<tunnel> behind = std::make_shared<tunnel>(
      context, runtime::transport{std::move(tunnel_ends.accepted), nullptr},
      tunnel_peer{"c1", "01", "192.0.2.1"});
  test::http2_end connector;
  bool tunnel_over = false;

  sign_in signing_in{context};
  gatekeeper gate{context, signing_in};
  site own_hosts{context};
  std::shared_ptr<user_connection> served;
  bool over = false;  ///< the node is done with the user's connection
};

}  // namespace postern::edge::testing
