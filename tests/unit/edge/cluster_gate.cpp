#define CAF_SUITE cluster_gate
// What the gate makes of messages. Links between nodes are tested in runtime/cluster_link.cpp.
#include "edge/cluster_gate.hpp"

#include "runtime/caf_error.hpp"
#include "tests/unit/actors/connector_fixture.hpp"
#include "tests/unit/runtime/event_loop.hpp"

#include <caf/actor_registry.hpp>

#include <future>
#include <mutex>

using namespace postern;
using namespace postern::edge;
using runtime::error;
using namespace std::chrono_literals;

namespace {

struct configuration : caf::actor_system_config {
  configuration() {
    add_message_types<caf::id_block::postern>();
    runtime::load_cluster_link(*this);
  }
};

/// What a directory was told; actors run on threads of their own.
class heard {
 public:
  void add(const actors::cluster_peer_actor& from, const std::string& text) {
    std::lock_guard lock{mutex_};
    texts_ += text + ";";
    from_ = from;
  }
  std::string texts() const {
    std::lock_guard lock{mutex_};
    return texts_;
  }
  actors::cluster_peer_actor from() const {
    std::lock_guard lock{mutex_};
    return from_;
  }

 private:
  mutable std::mutex mutex_;
  std::string texts_;
  actors::cluster_peer_actor from_;
};

actors::cluster_directory_actor::behavior_type play_directory(
    actors::cluster_directory_actor::pointer, std::shared_ptr<heard> by) {
  using namespace actors;
  return {[by](deliver_atom, const cluster_peer_actor& from, const std::string& text) {
            by->add(from, text);
          },
          [](list_atom) { return std::vector<cluster_node>{}; },
          [](update_atom, const std::vector<std::string>&) {},
          [](summon_atom, const std::string&) {},
          [](update_atom, const std::vector<runtime::store_news>&) {},
          [](drain_atom) {},
          [](tick_atom) {}};
}

struct fixture {
  fixture() {
    gate.emplace(options, system, home, [this] { return directory; });
  }
  ~fixture() {
    gate.reset();
    test::run_ready(home);
    for (const auto& one : started)
      caf::anon_send_exit(one, caf::exit_reason::kill);
  }

  std::shared_ptr<heard> start_directory() {
    auto by = std::make_shared<heard>();
    directory = system.spawn(play_directory, by);
    started.push_back(caf::actor_cast<caf::actor>(directory));
    return by;
  }
  bool hears(const heard& who, std::string_view texts) {
    return test::run_until(home, [&] { return who.texts() == texts; });
  }
  void say(const std::string& text) { self->send(gate->peer(), actors::deliver_atom_v, text); }
  /// Why the node at an address cannot be reached; no cause if it can.
  error failure(const std::string& address) {
    std::promise<error> said;
    auto got = said.get_future();
    system.spawn([&](caf::event_based_actor* me) {
      me->request(gate->transport(), caf::infinite, actors::dial_atom_v, address)
          .then([&](const actors::cluster_peer_actor&) { said.set_value({}); },
                [&](const caf::error& e) { said.set_value(runtime::from_caf(e)); });
    });
    CAF_REQUIRE(
        test::run_until(home, [&] { return got.wait_for(0s) == std::future_status::ready; }));
    return got.get();
  }

  configuration config;
  caf::actor_system system{config};
  runtime::shard home{0};
  runtime::tcp_acceptor taken{home.get_executor(), {boost::asio::ip::address_v4::loopback(), 0}};
  config::cluster_options options;
  actors::cluster_directory_actor directory;
  std::vector<caf::actor> started;
  std::optional<cluster_gate> gate;
  caf::scoped_actor self{system};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cluster_gate_tests, fixture)

CAF_TEST(a message of a node goes to the directory with the way back) {
  const auto directory_heard = start_directory();
  say("first");
  say("second");
  CAF_CHECK(hears(*directory_heard, "first;second;"));
  CAF_CHECK(caf::actor_cast<caf::actor>(directory_heard->from()) == caf::actor{self});
}

CAF_TEST(a message without a sender and one that is none are dropped) {
  const auto directory_heard = start_directory();
  caf::anon_send(gate->peer(), actors::deliver_atom_v, std::string{"from nobody"});
  self->send(caf::actor_cast<caf::actor>(gate->peer()), std::string{"no message"});
  say("one");
  CAF_CHECK(hears(*directory_heard, "one;"));
}

CAF_TEST(messages go to the directory that is in force when they come) {
  say("too early");
  test::run_ready(home);
  const auto first = start_directory();
  say("one");
  CAF_CHECK(hears(*first, "one;"));
  const auto second = start_directory();
  say("two");
  CAF_CHECK(hears(*second, "two;"));
  CAF_CHECK_EQUAL(first->texts(), "one;");
}

CAF_TEST(other nodes may watch the gate as long as it is there) {
  const auto id = gate->peer().id();
  CAF_CHECK(system.registry().get(id) == caf::actor_cast<caf::strong_actor_ptr>(gate->peer()));
  gate.reset();
  CAF_CHECK(system.registry().get(id) == nullptr);
}

CAF_TEST(an address that is none is dialled by nobody) {
  for (const auto* address : {"", "node-1", "10.0.0.1", "10.0.0.1:99999"}) {
    const auto why = failure(address);
    CAF_CHECK_EQUAL(why.cause, "node_address");
    CAF_CHECK_EQUAL(why.detail, address);
  }
}

CAF_TEST(who asked is told why a node is not reached) {
  const auto why = failure("127.0.0.1:" + std::to_string(taken.local_endpoint().port()));
  CAF_CHECK_EQUAL(why.cause, "cluster_files_missing");
}

CAF_TEST(a gate at an address that is taken does not open) {
  options.address = "192.0.2.1:" + std::to_string(taken.local_endpoint().port());
  options.listen_address = "127.0.0.1";
  const auto opened = gate->open();
  CAF_REQUIRE(opened.has_error());
  const auto why = opened.error();
  CAF_CHECK_EQUAL(why.cause, "cluster_listen");
}

CAF_TEST_FIXTURE_SCOPE_END()
