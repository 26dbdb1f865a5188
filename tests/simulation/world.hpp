#pragma once
// The simulated world: machines, what runs on them, users, origins, a store and an issuer, driven
// by one seed. Who uses it: main.cpp, one world per seed.

#include "runtime/jose.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/x509.hpp"
#include "tests/simulation/connector_process.hpp"
#include "tests/simulation/decisions.hpp"
#include "tests/simulation/node_process.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/shared_store.hpp"

namespace postern::simulation {

/// From the last fault's end until everything must be served again: the longest back-offs of a
/// pull and of a dial, one after the other, and what they take.
inline constexpr std::chrono::seconds recovery_bound{75};
/// From the last fault's end until all nodes know each other and have the same configuration: the
/// longest back-off of a link, the attempt after it, and the next time a node tells all it knows.
inline constexpr std::chrono::seconds convergence_bound{15};

/// What a run has come to.
struct world_report {
  uint64_t trace = 0;
  duration simulated{0};
  size_t exchanges = 0;
  std::map<std::string, size_t> outcomes;
  duration slowest{0};
  duration recovery{0};
  duration convergence{0};
};

class world {
 public:
  world(uint64_t seed, const scenario& s, bool verbose);
  ~world();

  /// Runs from start to shut-down. Throws broken_promise.
  world_report run();

  // -- for those who live in it
  ledger& book() noexcept { return book_; }
  network& net() noexcept { return net_; }
  shared_store& store() noexcept { return store_; }
  runtime::random_source& dice() noexcept { return dice_; }
  size_t node_count() const noexcept { return nodes_.size(); }
  machine& node_machine(size_t index) { return *nodes_[index].on; }
  node_process& node_at(const machine& m);
  /// By where other nodes, and connectors, reach it; null: nobody is there.
  machine* machine_of_node(const std::string& address);
  machine* machine_of_service(const std::string& address);
  std::shared_ptr<const runtime::key_ring> wrapping_keys() { return keys_; }
  config::connector_options connector_options() const;
  std::string issuer_keys() const;
  const runtime::private_key& connector_key() const noexcept { return connector_key_; }
  std::string serial_of(const std::string& certificate_pem);
  std::string group_of(const std::string& connector) const;
  uint64_t next_stream() noexcept { return ++streams_; }
  bool quiet() const noexcept { return quiet_; }

  // -- what happens at nodes and connectors, checked against what has to hold
  void authorized(const node_process& at, uint64_t exchange);
  void dispatched(const node_process& at, const std::string& connector);
  /// Whether a connector of the group could for long have been called over to a node.
  bool could_be_called_over(const node_process& to, const std::string& group) const;
  /// A user was told to sign in again: the browser drops the cookie, some tries later.
  void told_to_sign_in(const actors::access_session& over, const std::string& why);
  /// The head for the tunnel, as edge/translation makes it of a request with the session's cookie.
  std::vector<std::pair<std::string, std::string>> translated(
      const std::optional<actors::access_session>& session, const config::application& to,
      const char* method, bool has_content);
  /// What arrives at a connector must not carry the cookie.
  void check_request(connector_process& at, const request_head& head);
  /// The whole request arrives at its origin; the answer's cause is empty if it is a response.
  void origin_gets(connector_process& by, const request_head& head,
                   std::function<void(const std::string&)> answer);
  /// `touch`: since when the node that refused had been in touch with the store.
  void pull_failed(connector_process& of, const runtime::error& why,
                   std::optional<actor_time> touch);
  void renewed(connector_process& of);

 private:
  struct node_place {
    std::unique_ptr<machine> on;
    std::unique_ptr<node_process> process;
    actors::cluster_settings settings;
    bool draining = false;
  };
  struct connector_place {
    std::unique_ptr<machine> on;
    std::unique_ptr<connector_process> process;
    connector_identity identity;
    bool draining = false;
    bool revoked = false;    ///< until its operator has enrolled it again
    bool enrolling = false;  ///< which is under way
  };
  struct user_place {
    std::string name;
    std::map<std::string, actors::access_session> sessions;  // by application
  };
  struct acknowledged {
    uint64_t version = 0;
    config::application content;
  };

  // world.cpp: time and start
  void settle();
  void run_until(actor_time end);
  void run_for(duration d) { run_until(time_.now() + d); }
  bool wait_for(duration patience, const std::function<bool()>& condition);
  std::vector<machine*> machines();
  void start_node(node_place& n);
  void start_connector(connector_place& c);
  void build();
  void build_nodes();
  void build_connectors();

  // course.cpp: the course of a run
  bool all_connected() const;
  bool anybody_leaves() const;
  bool converged();
  void await_convergence(actor_time since);
  void recover();
  void leap_days();
  void shut_down();

  // administration.cpp: what administrators and operators do, and when it has to be in force
  node_process* some_node();
  void publish();
  void change_something();
  void publish_change();
  void revoke_some_session();
  void revoke_connector(connector_place& c);
  void enrol(connector_place& c, action then);
  void enrol_again(connector_place& c);
  void watch_decisions();
  void check_decisions();
  void check_published();

  // workload.cpp: users and origins
  node_place* open_node();
  void keep_asking(actor_time until);
  void ask_something();
  /// Returns its id; 0: it is not sent yet, or there is no node.
  uint64_t request(size_t user, const std::string& application, method how, node_place* at);
  uint64_t send(user_request r, node_place& at);
  /// Whoever has kept the cookie of a revoked session tries it at every node.
  void try_revoked_sessions();
  void sign_in(size_t user, const std::string& application, action then);
  void probe_all(duration bound);
  void probe(node_place& n, const std::string& application, actor_time end);

  // faults.cpp
  using links = std::vector<std::pair<machine*, machine*>>;
  void plan_faults();
  std::string draw_target(const std::string& action);
  void inflict(const fault& f);
  void inflict_on_machine(const fault& f, machine& m);
  void inflict_on_links(const fault& f);
  void undo_all();
  void kill_node(node_place& n);
  void kill_connector(connector_place& c);
  void drain(node_place& n);
  void await_drain(node_place& n, int polls);
  void drain(connector_place& c);
  void await_drain(connector_place& c, int polls);
  void crash_actor(const std::string& target);
  std::string resolve(const std::string& name);
  machine* find_machine(const std::string& name);
  node_place* node_on(const machine& m);
  connector_place* connector_on(const machine& m);
  links links_of(const std::string& target);
  links all_links();

  const scenario& scenario_;
  timeline time_;
  runtime::seeded_random_source dice_;
  uint64_t seed_;
  ledger book_;
  network net_{time_, dice_};
  shared_store store_{time_, dice_, net_, seed_ + 99};
  std::shared_ptr<const runtime::key_ring> keys_;
  runtime::private_key connector_key_ = runtime::private_key::generate();
  runtime::signing_key issuer_ = *runtime::signing_key::generate();
  std::map<std::string, std::string> serials_;  // by certificate
  std::vector<node_place> nodes_;
  std::vector<connector_place> connectors_;
  std::map<std::string, std::string> groups_;  // by connector's id, of all there have been
  std::vector<user_place> users_;
  std::vector<std::string> applications_;
  std::map<std::string, config::application> published_;  // as last asked for
  std::map<std::string, acknowledged> acknowledged_;      // by application
  std::set<std::string> doubtful_;  // applications of changes that failed, or may have
  std::map<std::string, actors::access_session> revoked_sessions_;  // by id; asked to be
  decisions decisions_;
  std::set<uint64_t> versions_;  // that were acknowledged
  uint64_t streams_ = 0, requests_ = 0, nonces_ = 0;
  size_t renewals_ = 0;
  milliseconds gap_{0};  // mean time between two requests
  bool quiet_ = false;
  bool over_ = false;
  duration recovery_{0}, convergence_{0};
};

}  // namespace postern::simulation
