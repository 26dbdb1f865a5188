#pragma once
// A connector registry with real neighbours where they are cheap (store, queues, connections) and
// doubles where they are not. Include it after CAF_SUITE.

#include "actors/connector_registry.hpp"
#include "actors/durable_store.hpp"
#include "runtime/blob.hpp"
#include "runtime/x509.hpp"
#include "tests/unit/actors/connector_fixture.hpp"

#include <cereal/types/vector.hpp>

namespace postern::actors::testing {

/// A store that can be told to fail, before or after it has written.
class fragile_store final : public runtime::store {
 public:
  bool broken = false;          ///< nothing works
  bool quiet = false;           ///< tells nobody of commits
  bool forgets_answer = false;  ///< commits, then says that it failed
  size_t commits = 0;

  runtime::result<std::vector<runtime::stored_record>> load(const std::string& kind) override {
    if (broken) return down();
    return memory_->load(kind);
  }
  runtime::result<std::optional<runtime::stored_record>> find(const std::string& kind,
                                                              const std::string& key) override {
    if (broken) return down();
    return memory_->find(kind, key);
  }
  runtime::result<uint64_t> commit(const std::vector<runtime::store_change>& changes) override {
    if (broken) return down();
    ++commits;
    auto r = memory_->commit(changes);
    if (forgets_answer) return down();
    return r;
  }
  runtime::result<void> append(const std::vector<runtime::journal_entry>& entries) override {
    return memory_->append(entries);
  }
  runtime::result<std::vector<runtime::journal_entry>> read_journal(const std::string& journal,
                                                                    uint64_t before,
                                                                    size_t limit) override {
    return memory_->read_journal(journal, before, limit);
  }

  std::shared_ptr<void> watch(runtime::store_watcher watcher) override {
    return memory_->watch([this, watcher = std::move(watcher)](const auto& news) {
      if (!quiet) watcher(news);
    });
  }

 private:
  static runtime::error down() {
    return {runtime::error_category::unavailable, "store_down", "service", {}};
  }
  std::unique_ptr<runtime::store> memory_ = runtime::make_memory_store();
};

using event_list = std::shared_ptr<std::vector<audit_event>>;

inline audit_log_actor::behavior_type recording_audit_log(audit_log_actor::pointer,
                                                          event_list events) {
  return {
      [events](record_atom, const audit_event& e) { events->push_back(e); },
      [](list_atom, const audit_query&) { return std::vector<audit_event>{}; },
      [](tick_atom) {},
  };
}

/// What the configuration double publishes and to whom.
struct publisher {
  published_ptr published;
  configuration_subscriber_actor subscriber;
};

inline configuration_actor::behavior_type publishing_configuration(configuration_actor::pointer,
                                                                   std::shared_ptr<publisher> p) {
  return {
      [p](lookup_atom) { return p->published; },
      [](apply_atom, const change_request&) { return change_report{}; },
      [p](subscribe_atom, configuration_subscriber_actor& who) {
        p->subscriber = std::move(who);
        return p->published;
      },
  };
}

using routing_list = std::shared_ptr<std::vector<routing_ptr>>;

inline routing_subscriber_actor::behavior_type recording_edge(routing_subscriber_actor::pointer,
                                                              routing_list seen) {
  return {[seen](update_atom, const routing_ptr& r) { seen->push_back(r); }};
}

/// Signs what connectors show; one key for all, because keys are not what is tested.
struct test_authority {
  runtime::private_key key = runtime::private_key::generate();
  std::string certificate;

  explicit test_authority(timestamp now) {
    runtime::certificate_profile p;
    p.serial_hex = "1";
    p.common_name = "test authority";
    p.not_before = now;
    p.not_after = now + std::chrono::hours{24 * 3'650};
    p.use = runtime::certificate_profile::usage::authority;
    certificate = *runtime::self_sign(key, p);
  }

  std::string sign(const std::string& connector, const std::string& serial, timestamp from,
                   std::chrono::hours lifetime = std::chrono::hours{24 * 365}) const {
    runtime::certificate_profile p;
    p.serial_hex = serial;
    p.common_name = connector;
    p.not_before = from;
    p.not_after = from + lifetime;
    return *runtime::sign_request(runtime::make_certificate_request(key, connector), p, key,
                                  certificate);
  }
};

struct registry_fixture : fixture {
  registry_fixture() {
    publish(1, {"one", "two"}, {{"wiki", "one"}, {"mail", "two"}});
    start();
  }

  runtime::manual_wall_clock wall{runtime::from_unix_seconds(1'700'000'000)};
  test_authority authority{wall.now()};
  std::shared_ptr<fragile_store> disk = std::make_shared<fragile_store>();
  cut_list cuts = std::make_shared<std::vector<cut_tunnel>>();
  event_list events = std::make_shared<std::vector<audit_event>>();
  std::shared_ptr<publisher> published = std::make_shared<publisher>();
  routing_list routings = std::make_shared<std::vector<routing_ptr>>();
  durable_store_actor store =
      own(sys.spawn(durable_store, std::static_pointer_cast<runtime::store>(disk)));
  audit_log_actor audit = own(sys.spawn(recording_audit_log, events));
  tunnel_control_actor tunnels = own(sys.spawn(recording_tunnel_control, cuts));
  configuration_actor configuration = own(sys.spawn(publishing_configuration, published));
  connector_registry_actor registry;
  uint64_t last_tunnel = 0;

  /// Starts a registry on the same store, as after a crash of the first.
  void start() {
    if (registry) {
      caf::anon_send_exit(registry, caf::exit_reason::kill);
      consume_messages();
    }
    registry = own(sys.spawn(connector_registry, connector_registry_dependencies{
                                                     store, audit, tunnels, configuration, &wall,
                                                     std::chrono::hours{24 * 180}, 2, 100}));
    consume_messages();
  }

  void publish(uint64_t version, std::vector<std::string> groups,
               std::vector<std::pair<std::string, std::string>> applications) {
    auto p = std::make_shared<config::published>();
    p->version = version;
    for (auto& g : groups)
      p->groups.push_back({g});
    for (auto& [name, group] : applications) {
      config::application a;
      a.name = name;
      a.group = group;
      a.internal_url = "http://" + name + ".internal/";
      p->applications.push_back(a);
    }
    published->published = p;
    if (published->subscriber) tell(published->subscriber, update_atom_v, published_ptr{p});
  }

  std::string enrol(const std::string& id, const std::string& serial,
                    const std::string& group = "one") {
    connector_record r;
    r.id = id;
    r.name = "host of " + id;
    r.group = group;
    r.serials = {serial};
    return ask_void(registry, insert_atom_v, r)->cause();
  }

  std::optional<connector_record> record(const std::string& id) {
    return ask<connector_record>(registry, find_atom_v, id)->value;
  }

  connector_status status(const std::string& id) {
    const auto all = ask<std::vector<connector_status>>(registry, list_atom_v);
    CAF_REQUIRE(all->value.has_value());
    for (auto& s : *all->value)
      if (s.record.id == id) return s;
    CAF_FAIL("no such connector: " << id);
    return {};
  }

  answer_ptr<connector_connection_actor> attach(const std::string& id, const std::string& serial,
                                                const std::string& instance = "i1",
                                                uint32_t capacity = 0) {
    auto t = make_tunnel(++last_tunnel, capacity, 0, id);
    t.serial = serial;
    t.instance = instance;
    t.version = "1.2.3";
    t.address = "192.0.2.7";
    return ask<connector_connection_actor>(registry, attach_atom_v, t);
  }

  answer_ptr<connector_configuration> pull(const std::string& id, const std::string& certificate,
                                           uint64_t known = 0, milliseconds wait = 0ms,
                                           const std::string& instance = "i1") {
    configuration_pull p;
    p.connector = id;
    p.certificate_pem = certificate;
    p.instance = instance;
    p.address = "192.0.2.7";
    p.known_version = known;
    p.wait = wait;
    return ask<connector_configuration>(registry, pull_atom_v, p);
  }

  routing_ptr subscribe() {
    const auto edge = own(sys.spawn(recording_edge, routings));
    const auto a = ask<routing_ptr>(registry, subscribe_atom_v, edge);
    CAF_REQUIRE(a->value.has_value());
    return *a->value;
  }

  /// A place on a tunnel of a group, or why there is none.
  std::string place(const routing_ptr& r, const std::string& group) {
    exchange_ticket t;
    t.id = ++last_ticket_;
    t.application = "any";
    const auto a = ask<dispatch>(r->queues.at(group), submit_atom_v, t);
    return a->value ? a->value->connector : a->cause();
  }

  size_t count_events(const std::string& action) const {
    return static_cast<size_t>(std::count_if(
        events->begin(), events->end(), [&](const audit_event& e) { return e.action == action; }));
  }

 private:
  uint64_t last_ticket_ = 0;
};

}  // namespace postern::actors::testing
