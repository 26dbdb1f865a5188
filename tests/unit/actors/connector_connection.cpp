#define CAF_SUITE connector_connection
#include "actors/connector_connection.hpp"

#include "actors/group_queue.hpp"
#include "tests/unit/actors/connector_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

struct connection_fixture : fixture {
  cut_list cuts = std::make_shared<std::vector<cut_tunnel>>();
  tunnel_control_actor tunnels = own(sys.spawn(recording_tunnel_control, cuts));
  group_queue_actor queue = own(sys.spawn(group_queue, std::string{"one"}));
  group_queue_actor other = own(sys.spawn(group_queue, std::string{"two"}));
  connector_connection_actor connection = own(sys.spawn(
      connector_connection, make_tunnel(5, 10), connector_connection_dependencies{queue, tunnels}));

  connection_fixture() { consume_messages(); }

  bool attached_to(const group_queue_actor& q) {
    using actor_type = group_queue_actor::stateful_base<group_queue_state>;
    return !deref<actor_type>(q).state.board.empty();
  }
  bool draining() {
    const auto status = ask<connection_status>(connection, lookup_atom_v);
    CAF_REQUIRE(status->value.has_value());
    return status->value->draining;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(connector_connection_tests, connection_fixture)

CAF_TEST(it attaches to its queue at once) {
  CAF_CHECK(attached_to(queue));
  CAF_CHECK(!draining());
}

CAF_TEST(draining it takes no more exchanges and cuts nothing) {
  tell(connection, drain_atom_v);
  CAF_CHECK(!attached_to(queue));
  CAF_CHECK(draining());
  CAF_CHECK(cuts->empty());
  tell(connection, drain_atom_v);
  CAF_CHECK(draining());
}

CAF_TEST(silent it stays attached and gets nothing) {
  const auto place = [this] {
    exchange_ticket t;
    t.id = 1;
    return ask<dispatch>(queue, submit_atom_v, t)->cause();
  };
  tell(connection, silent_atom_v, true);
  CAF_CHECK(attached_to(queue));
  CAF_CHECK(!draining());
  CAF_CHECK_EQUAL(place(), "no_connector");
  tell(connection, silent_atom_v, true);
  tell(connection, silent_atom_v, false);
  CAF_CHECK_EQUAL(place(), "answered");
  CAF_CHECK(cuts->empty());
}

CAF_TEST(silent it is silent in another queue too) {
  tell(connection, silent_atom_v, true);
  tell(connection, update_atom_v, group_queue_actor{other});
  CAF_CHECK(!attached_to(queue));
  CAF_CHECK(attached_to(other));
  exchange_ticket t;
  t.id = 1;
  CAF_CHECK_EQUAL(ask<dispatch>(other, submit_atom_v, t)->cause(), "no_connector");
}

CAF_TEST(silence after draining changes nothing) {
  tell(connection, drain_atom_v);
  tell(connection, silent_atom_v, true);
  tell(connection, silent_atom_v, false);
  CAF_CHECK(!attached_to(queue));
  CAF_CHECK(draining());
}

CAF_TEST(closed it detaches and ends) {
  tell(connection, closed_atom_v, std::string{"the connector left"});
  CAF_CHECK(!attached_to(queue));
  CAF_CHECK(!is_alive(connection.address()));
  CAF_CHECK(cuts->empty());
}

CAF_TEST(closed after draining it ends) {
  tell(connection, drain_atom_v);
  tell(connection, closed_atom_v, std::string{"done"});
  CAF_CHECK(!is_alive(connection.address()));
}

CAF_TEST(revoked it cuts the tunnel and detaches and ends) {
  tell(connection, revoke_atom_v, std::string{"key stolen"});
  CAF_REQUIRE_EQUAL(cuts->size(), 1u);
  CAF_CHECK(cuts->front().id == (tunnel_id{0, 5}));
  CAF_CHECK_EQUAL(cuts->front().why, "key stolen");
  CAF_CHECK(!attached_to(queue));
  CAF_CHECK(!is_alive(connection.address()));
}

CAF_TEST(revoked while draining it still cuts the tunnel) {
  tell(connection, drain_atom_v);
  tell(connection, revoke_atom_v, std::string{"key stolen"});
  CAF_CHECK_EQUAL(cuts->size(), 1u);
}

CAF_TEST(it moves from one queue to another) {
  tell(connection, update_atom_v, group_queue_actor{other});
  CAF_CHECK(!attached_to(queue));
  CAF_CHECK(attached_to(other));
}

CAF_TEST(moved to the queue it has it stays attached) {
  tell(connection, update_atom_v, group_queue_actor{queue});
  CAF_CHECK(attached_to(queue));
}

CAF_TEST(draining it does not attach to another queue) {
  tell(connection, drain_atom_v);
  tell(connection, update_atom_v, group_queue_actor{other});
  CAF_CHECK(!attached_to(other));
}

CAF_TEST(it ends with its registry and leaves the tunnel to the next one) {
  caf::anon_send_exit(connection, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_CHECK(cuts->empty());
  CAF_CHECK(!is_alive(connection.address()));
}

CAF_TEST_FIXTURE_SCOPE_END()
