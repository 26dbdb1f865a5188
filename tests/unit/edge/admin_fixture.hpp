#pragma once
// A node as its administrators see it: the real actors on a store that can be made to fail, and
// doubles of what needs a network (who a token speaks of, tunnels, other nodes). Include it after
// CAF_SUITE.

#include "actors/certificate_authority.hpp"
#include "actors/configuration.hpp"
#include "actors/connector_registry.hpp"
#include "actors/session_registry.hpp"
#include "config/published_json.hpp"
#include "edge/admin_resources.hpp"
#include "tests/unit/actors/published_samples.hpp"
#include "tests/unit/edge/node_fixture.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>

namespace postern::edge::testing {

/// Ann administers, bob does not; any other token does not hold. All are of the same time.
inline actors::token_verifier_actor::behavior_type play_tokens(
    actors::token_verifier_actor::pointer) {
  using namespace actors;
  return {[](verify_atom, const token_expectation& wanted) -> caf::result<verified_token> {
            constexpr int64_t issued_at = 1'700'000'000;
            verified_token token{{.name = wanted.token}, issued_at, issued_at + 3'600, issued_at};
            if (wanted.token == "ann") token.user.groups = {"ops"};
            if (wanted.token == "ann" || wanted.token == "bob") return token;
            return runtime::to_caf(
                {runtime::error_category::unauthenticated, "token_signature", "token", {}});
          },
          [](tick_atom) {}};
}

using node_list = std::shared_ptr<std::vector<actors::cluster_node>>;

inline actors::cluster_directory_actor::behavior_type play_cluster(
    actors::cluster_directory_actor::pointer, node_list others) {
  using namespace actors;
  return {[](deliver_atom, const cluster_peer_actor&, const std::string&) {},
          [others](list_atom) { return *others; },
          [](update_atom, const std::vector<std::string>&) {},
          [](summon_atom, const std::string&) {},
          [](update_atom, const std::vector<runtime::store_news>&) {},
          [](drain_atom) {},
          [](tick_atom) {}};
}

/// "wiki" is published in the group "berlin", as version 2.
struct admin_fixture : node_fixture {
  admin_fixture() {
    options.administrators = "ops";
    handles.store = store;
    handles.audit = audit;
    handles.configuration = configuration;
    handles.tokens = own(sys.spawn(play_tokens));
    handles.sessions = sessions;
    handles.authority = authority;
    handles.connectors = connectors;
    handles.cluster = own(sys.spawn(play_cluster, others));
    put_in_force(handles);
    sched.run();
    apply({.groups = {{"berlin"}}, .applications = {actors::testing::sample("wiki")}, .by = "eve"});
  }

  void apply(actors::change_request wanted) {
    const auto done = ask<actors::change_report>(configuration, actors::apply_atom_v, wanted);
    CAF_REQUIRE_EQUAL(done->cause(), "answered");
  }
  actors::published_ptr published() {
    return *ask<actors::published_ptr>(configuration, actors::lookup_atom_v)->value;
  }

  /// What a resource answers to ann.
  runtime::result<runtime::http_response> call(admin_answer (*handle)(edge_context&, admin_call&),
                                               std::string name = {},
                                               boost::json::object content = {},
                                               parameters query = {}) {
    admin_call asked{"ann", std::move(name), std::move(query), std::move(content)};
    return answer_of([&] { return handle(context, asked); });
  }

  /// The same where it has to succeed.
  boost::json::object content(admin_answer (*handle)(edge_context&, admin_call&),
                              std::string name = {}, boost::json::object sent = {},
                              parameters query = {}) {
    const auto got = call(handle, std::move(name), std::move(sent), std::move(query));
    if (!got) CAF_FAIL("refused: " << to_string(got.error()));
    return parse(got->body());
  }

  static boost::json::object parse(const std::string& text) {
    return boost::json::parse(text).as_object();
  }
  static std::string text(const boost::json::object& from, const char* key) {
    return std::string{from.at(key).as_string()};
  }

  /// How often something was done, as the audit log says, and by whom the last time.
  struct trace {
    size_t times = 0;
    actors::audit_event last;
  };
  trace audited(const std::string& action) {
    const auto all =
        ask<std::vector<actors::audit_event>>(audit, actors::list_atom_v, actors::audit_query{});
    CAF_REQUIRE_EQUAL(all->cause(), "answered");
    trace found;
    for (const auto& event : *all->value)
      if (event.action == action && found.times++ == 0) found.last = event;
    return found;
  }

  /// Records of a kind, past the actors.
  std::vector<runtime::stored_record> stored(const char* kind) {
    return medium->load(kind).value();
  }

  void enrol(const std::string& id) {
    actors::connector_record record;
    record.id = id;
    record.name = "host of " + id;
    record.group = "berlin";
    record.serials = {"5e"};
    CAF_REQUIRE_EQUAL(ask_void(connectors, actors::insert_atom_v, record)->cause(), "answered");
  }
  void attach(const std::string& id) {
    auto tunnel = actors::testing::make_tunnel(++last_tunnel, 1, 0, id);
    tunnel.serial = "5e";
    tunnel.instance = "i1";
    const auto done =
        ask<actors::connector_connection_actor>(connectors, actors::attach_atom_v, tunnel);
    CAF_REQUIRE_EQUAL(done->cause(), "answered");
  }

  std::shared_ptr<actors::testing::faulty_store> medium =
      std::make_shared<actors::testing::faulty_store>();
  node_list others = std::make_shared<std::vector<actors::cluster_node>>();
  actors::testing::cut_list cuts = std::make_shared<std::vector<actors::testing::cut_tunnel>>();
  uint64_t last_tunnel = 0;

  actors::durable_store_actor store = own(sys.spawn(actors::durable_store, medium));
  actors::audit_log_actor audit = own(sys.spawn(actors::audit_log, store, &clock));
  actors::configuration_actor configuration =
      own(sys.spawn(actors::configuration, actors::configuration_dependencies{store, audit, {}}));
  actors::session_registry_actor sessions =
      own(sys.spawn(actors::session_registry, actors::session_registry_dependencies{
                                                  .store = store,
                                                  .audit = audit,
                                                  .clock = &clock,
                                                  .session_lifetime = std::chrono::hours{8}}));
  actors::connector_registry_actor connectors = own(
      sys.spawn(actors::connector_registry,
                actors::connector_registry_dependencies{
                    store, audit, own(sys.spawn(actors::testing::recording_tunnel_control, cuts)),
                    configuration, &clock, std::chrono::hours{24 * 180}, 2, 100}));
  actors::certificate_authority_actor authority =
      own(sys.spawn(actors::certificate_authority, actors::certificate_authority_dependencies{
                                                       .store = store,
                                                       .audit = audit,
                                                       .configuration = configuration,
                                                       .connectors = connectors,
                                                       .clock = &clock,
                                                       .random = &random,
                                                       .wrapping_keys = context.cookie_keys}));
  actors::node_handles handles;
};

}  // namespace postern::edge::testing
