#define CAF_SUITE node_actors
#include "edge/node_actors.hpp"

#include "actors/tunnel_hello.hpp"
#include "tests/unit/connector/http2_ends.hpp"
#include "tests/unit/edge/admin_fixture.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"
#include "tests/unit/runtime/temp_directory.hpp"
#include "tests/unit/runtime/tls_authority.hpp"

using namespace postern;
using namespace postern::edge;
using actors::tunnel_id;
using edge::samples::contains;

namespace {

/// A tunnel and its connector, which says hello when it is told to.
struct open_tunnel {
  explicit open_tunnel(runtime::shard& home) : ends(home) {}

  test::loopback_pair ends;
  std::shared_ptr<tunnel> on;
  test::http2_end connector;
  bool running = false;
};

actors::node_supervisor_actor::behavior_type play_supervisor(actors::node_supervisor_actor::pointer,
                                                             actors::node_handles_ptr handles) {
  return {[handles](actors::subscribe_atom, const actors::handles_subscriber_actor&) {
            return handles;
          },
          [handles](actors::lookup_atom) { return handles; }, [](actors::shut_atom) {}};
}

/// A node of one shard that obeys a tunnel control, with two tunnels of connector c1.
struct fixture : edge::testing::admin_fixture {
  fixture() {
    enrol("c1");
    edges.push_back(std::make_unique<edge_shard>(std::move(context), sys, identity, nullptr));
    obey_tunnel_control(port, edges);
  }
  ~fixture() override {
    for (auto* t : {&first, &second}) {
      if (!t->on) continue;
      t->on->cut("over");
      CAF_CHECK(works_until([&] { return !t->running && t->connector.ended; }));
    }
    test::run_ready(home);
    edges.clear();
  }

  void open(open_tunnel& t) {
    auto& on = edges[0]->context();
    t.connector.open(home, std::move(t.ends.dialled), {.server = true});
    t.on = std::make_shared<tunnel>(on, runtime::transport{std::move(t.ends.accepted), nullptr},
                                    tunnel_peer{"c1", "5e", "192.0.2.1"});
    t.running = true;
    test::start(home, [&t]() -> runtime::awaitable<void> {
      co_await t.on->run();
      t.running = false;
    });
    CAF_REQUIRE(works_until([&] { return t.connector.streams.size() == 1; }));
    auto& hello = *t.connector.streams[0];
    t.connector.session->submit_response(hello, {{":status", "200"}}, false);
    t.connector.session->write(hello, actors::encode_tunnel_hello({"i1", 10, "1.2.3"}));
    t.connector.session->finish(hello, {});
    CAF_REQUIRE(works_until([&] { return t.on->serves(); }));
  }
  tunnel_id id_of(const open_tunnel& t) const { return {0, t.on->number()}; }
  template <class Atom>
  void order(Atom what, tunnel_id id, const char* text) {
    tell(port.as<actors::tunnel_control_actor>(), what, id, std::string{text});
  }
  /// Who is trusted as an issuer besides the system's authorities.
  runtime::result<std::shared_ptr<const runtime::tls_client_context>> trust(
      const std::string& configured, std::string own = {}) {
    options.sts.issuer_ca_file = configured;
    return make_issuer_tls(options.sts, std::move(own));
  }
  static bool trusts(const runtime::tls_client_context& who, const test::tls_authority& by) {
    const auto server =
        runtime::tls_server_context::make({by.server({"sts.example"})}, {}, {"http/1.1"}).value();
    return test::tls_ends{who, *server, "sts.example"}.shake_hands();
  }

  test::temp_directory folder;
  server_identity identity{options, {}, clock, random};
  runtime::actor_port port{sys, home};
  open_tunnel first{home}, second{home};
  std::vector<std::unique_ptr<edge_shard>> edges;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(node_actors_tests, fixture)

CAF_TEST(a tunnel that is to be cut is the one that ends) {
  open(first);
  open(second);
  order(actors::shut_atom_v, id_of(first), "revoked");
  CAF_REQUIRE(works_until([&] { return !first.running && first.connector.ended; }));
  CAF_CHECK(second.running);
  CAF_CHECK(second.on->serves());
}

CAF_TEST(a summons goes over the tunnel that it names) {
  open(first);
  open(second);
  order(actors::summon_atom_v, id_of(second), "192.0.2.9:8443");
  CAF_REQUIRE(works_until([&] { return second.connector.streams.size() == 2; }));
  const auto& asked = second.connector.streams[1]->log;
  CAF_CHECK(contains(asked, ":path=/.postern/summons;"));
  CAF_CHECK(contains(asked, "postern-node=192.0.2.9:8443;"));
  CAF_CHECK_EQUAL(first.connector.streams.size(), 1u);
}

CAF_TEST(orders for tunnels that are not there change nothing) {
  open(first);
  auto gone = id_of(first);
  ++gone.number;
  auto elsewhere = id_of(first);
  elsewhere.shard = 1;
  for (const auto& id : {gone, elsewhere}) {
    order(actors::shut_atom_v, id, "revoked");
    order(actors::summon_atom_v, id, "192.0.2.9:8443");
  }
  // Orders come in their turn: what was given before this one has been obeyed when it is.
  order(actors::summon_atom_v, id_of(first), "192.0.2.10:8443");
  CAF_REQUIRE(works_until([&] { return first.connector.streams.size() == 2; }));
  CAF_CHECK(contains(first.connector.streams[1]->log, "postern-node=192.0.2.10:8443;"));
  CAF_CHECK(first.on->serves());
}

CAF_TEST(the authority is that of the node) {
  const auto known = ask<std::string>(authority, actors::lookup_atom_v)->value.value_or("");
  const auto supervisor =
      own(sys.spawn(play_supervisor, std::make_shared<const actors::node_handles>(handles)));
  const auto got = answer_of([&] { return ask_authority(port, supervisor); });
  CAF_REQUIRE(got.has_value());
  CAF_CHECK(contains(*got, "BEGIN CERTIFICATE"));
  CAF_CHECK_EQUAL(*got, known);
}

CAF_TEST(why there is no authority is said) {
  const auto without =
      own(sys.spawn(play_supervisor, std::make_shared<const actors::node_handles>()));
  const auto missing = answer_of([&] { return ask_authority(port, without); });
  CAF_REQUIRE(missing.has_error());
  const auto no_authority = missing.error();
  CAF_CHECK_EQUAL(no_authority.cause, "actor_down");
  const auto alone = answer_of([&] { return ask_authority(port, {}); });
  CAF_REQUIRE(alone.has_error());
  const auto no_supervisor = alone.error();
  CAF_CHECK_EQUAL(no_supervisor.cause, "actor_down");
}

CAF_TEST(an issuer is trusted by the own authority and by the configured one) {
  const test::tls_authority own_one{"own"}, configured{"configured"}, stranger{"stranger"};
  const auto both = trust(folder.write("ca.pem", configured.pem()), own_one.pem());
  CAF_REQUIRE(both.has_value());
  CAF_CHECK(trusts(**both, own_one));
  CAF_CHECK(trusts(**both, configured));
  CAF_CHECK(!trusts(**both, stranger));
  const auto only_own = trust({}, own_one.pem());
  CAF_REQUIRE(only_own.has_value());
  CAF_CHECK(trusts(**only_own, own_one));
  CAF_CHECK(!trusts(**only_own, configured));
}

CAF_TEST(a configured authority that cannot be used is said) {
  const auto missing = trust(folder / "none.pem");
  CAF_REQUIRE(missing.has_error());
  const auto no_file = missing.error();
  CAF_CHECK_EQUAL(no_file.cause, "file_missing");
  CAF_CHECK(contains(no_file.detail, "none.pem"));
  const auto empty = trust(folder.write("ca.pem", "no certificate\n"));
  CAF_REQUIRE(empty.has_error());
  const auto no_certificate = empty.error();
  CAF_CHECK_EQUAL(no_certificate.cause, "tls_authorities");
}

CAF_TEST_FIXTURE_SCOPE_END()
