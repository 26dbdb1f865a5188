#pragma once
// Who is enrolled and who is connected. Started by node_supervisor after store, audit log and
// configuration; asked by the edge for every tunnel and pull, by the certificate authority for
// every certificate, and by the admin API. Its state is spread over five files:
// connector_registry.cpp (start, queues, routing), connector_registry_records.cpp (durable
// changes), connector_registry_drain.cpp (who is wanted without tunnels),
// connector_registry_tunnels.cpp (admission, tunnels, pulls) and connector_registry_cluster.cpp
// (other nodes).

#include "actors/connector_registry_parts.hpp"
#include "runtime/x509.hpp"

#include <deque>
#include <functional>
#include <set>

namespace postern::actors {

struct connector_registry_dependencies {
  durable_store_actor store;
  audit_log_actor audit;
  tunnel_control_actor tunnels;
  configuration_actor configuration;
  const runtime::wall_clock* clock;  ///< outlives the actor
  std::chrono::seconds renew_after;  ///< age at which a certificate has to be renewed
  uint32_t tunnels_per_connector;    ///< what connectors are told to dial
  uint32_t exchanges_per_tunnel;     ///< upper bound of a tunnel's capacity
};

/// The rules. Owns the records (in step with the store), the queues of the groups and the
/// connections; ends them when it ends. Every change of a record is durable before it is answered
/// and before it has any effect here, and only one is under way at a time.
class connector_registry_state {
 public:
  using pointer = connector_registry_actor::stateful_pointer<connector_registry_state>;
  static constexpr const char* name = "connector_registry";

  explicit connector_registry_state(pointer self) : self_(self) {}
  /// Ends queues and connections and refuses whoever waits. The tunnels stay open for the next one.
  ~connector_registry_state();
  connector_registry_state(const connector_registry_state&) = delete;
  connector_registry_state& operator=(const connector_registry_state&) = delete;

  // -- start, queues, routing

  /// Loads the records and subscribes to the configuration; quits with the error if one fails,
  /// because its supervisor knows when to try again.
  void begin(connector_registry_dependencies deps);
  /// Whether all have arrived; until then every request has to wait.
  bool loaded() const noexcept { return records_loaded_ && drains_loaded_ && published_; }
  /// Takes over a snapshot, unless it holds a newer one.
  void on_published(published_ptr fresh);
  /// Remembers a subscriber until it ends and returns the routing in force.
  routing_ptr subscribe(routing_subscriber_actor subscriber);
  /// Restarts a queue that crashed, cleans up after a connection, forgets a subscriber.
  void on_down(const caf::down_msg& down);

  // -- records (answers come when durable)

  /// Errors: "connector_unknown" (not_found).
  runtime::result<connector_record> find(const std::string& id) const;
  /// Adds a connector, or to one that is known the serials that are now its newest; its group and
  /// its revocation stay as they are. Errors: "connector_revoked", "registry_busy", and those of
  /// the store.
  caf::result<void> insert(connector_record record);
  /// Errors: "connector_unknown", "registry_busy", and those of the store.
  caf::result<void> revoke(const std::string& id, const std::string& by);
  /// Errors: also "group_unknown" and "connector_revoked".
  caf::result<void> move(const std::string& id, const std::string& group, const std::string& by);
  caf::result<std::vector<connector_status>> list();

  // -- drains (connector_registry_drain.cpp)

  /// Answered when durable; the connector learns of it with its configuration. Errors:
  /// "connector_unknown", "connector_revoked", and those of the store.
  caf::result<void> drain(const std::string& id, bool drained, const std::string& by);

  // -- tunnels and pulls

  /// Errors, all forbidden: "connector_unknown", "connector_revoked", "certificate_unknown",
  /// "certificate_expired"; overloaded: "too_many_tunnels".
  caf::result<connector_connection_actor> attach(tunnel_info info);
  /// Errors like attach, and overloaded: "too_many_pulls".
  caf::result<connector_configuration> pull(configuration_pull pull);
  /// Answers the pulls whose wait is over.
  void on_pulls_due(uint64_t epoch);

  // -- other nodes (connector_registry_cluster.cpp)

  /// Reads again what the news speak of.
  void on_news(const std::vector<runtime::store_news>& news);
  /// Remembers the subscriber until it ends; returns the groups with live tunnels here.
  std::vector<std::string> subscribe(group_subscriber_actor subscriber);
  /// An exchange of the group waits and no tunnel is here.
  void on_wanted(const std::string& group);
  /// Has a connector of the group dial another node; they take turns.
  void summon(const std::string& group, const std::string& address);

 private:
  // start, queues, routing
  void load_records();
  void on_started();
  group_queue_actor queue_of(const std::string& group);
  void start_queue(const std::string& group, owned_queue& q);
  void restart_queue(const std::string& group);
  /// Has exactly the queues that are published or in use; true if that changed any.
  bool adjust_queues();
  void publish_routing();

  // records
  /// Whether a live tunnel or the last pull came with this certificate.
  bool is_in_use(const std::string& id, const std::string& serial) const;
  caf::result<void> submit(record_change change);
  void next_change();
  void commit(connector_record made);
  void reload();
  void adopt(connector_record record, uint64_t revision);
  void adopt_all(const std::vector<runtime::stored_record>& records);

  // drains
  void load_drains();
  void read_drains_again();
  void adopt_drains(const std::vector<runtime::stored_record>& records);
  void on_drain_written(const std::string& id, bool drained, const std::string& by);

  // tunnels and pulls
  runtime::result<registered_connector*> admit(const std::string& id, const std::string& serial);
  void notice(registered_connector& c, const std::string& instance, const std::string& address);
  void on_connection_down(const std::string& connector, const caf::down_msg& down);
  const group_content& content_of(const std::string& group);
  /// All but the applications.
  connector_configuration outline_of(const connector_record& r, timestamp not_before);
  connector_configuration configuration_of(const connector_record& r, timestamp not_before);
  bool has_changed(const waiting_pull& w);
  /// Delivers what holds now.
  void answer(waiting_pull& w);
  void answer_changed_pulls();
  void park(waiting_pull w);
  void start_pull_timer();
  connector_status status_of(const registered_connector& c) const;
  runtime::result<connector_connection_actor> attach_known(tunnel_info info);
  using pull_promise = caf::typed_response_promise<connector_configuration>;
  void pull_known(configuration_pull pull, const runtime::certificate_info& shown,
                  pull_promise promise);

  // other nodes
  bool knows(const std::string& id, const std::string& serial) const;
  /// Reads the record of a connector that is new to this node, or has a certificate that is, and
  /// then calls `work`: another node may have enrolled or renewed it a moment ago.
  template <class Work>
  void with_record(const std::string& id, Work work);
  /// Tells the followers if a group has got its first tunnel here or lost its last, or if one has
  /// come that was called for.
  void tell_group(const std::string& group, bool came_now = false);
  void adopt_stored(const runtime::stored_record& stored);
  void read_again(const std::string& key);

  actor_time now() const;

  pointer self_;
  connector_registry_dependencies deps_{};

  bool records_loaded_ = false;
  bool drains_loaded_ = false;
  published_ptr published_;
  std::map<std::string, registered_connector> connectors_;  // by id
  std::set<std::string> drained_;                           // ids, of enrolled ones or not
  std::multiset<std::string> drain_writes_;                 // ids whose drain is being written
  std::map<caf::actor_addr, std::string> owners_;           // connection -> connector's id
  std::map<std::string, owned_queue> queues_;               // by group
  std::map<std::string, group_content> contents_;           // by group; of published_
  std::vector<routing_subscriber_actor> subscribers_;
  routing_ptr routing_ = std::make_shared<const routing>();

  std::deque<record_change> changes_;  // the front is under way if `changing_`
  bool changing_ = false;
  std::vector<std::shared_ptr<pending_list>> lists_;

  std::vector<group_subscriber_actor> followers_;
  std::set<std::string> live_groups_;  // with tunnels here: what they know
  std::set<std::string> called_;  // groups that a tunnel was called for and none has come since
  size_t summoned_ = 0;           // counts, for turns

  std::vector<waiting_pull> pulls_;      // in the order they came
  std::optional<actor_time> pulls_due_;  // when the timer of `pull_epoch_` fires
  uint64_t pull_epoch_ = 0;
};

connector_registry_actor::behavior_type connector_registry(
    connector_registry_actor::stateful_pointer<connector_registry_state> self,
    connector_registry_dependencies deps);

}  // namespace postern::actors
