#pragma once
// The simulated world: machines, what runs on them, users, origins, a store and an issuer, driven
// by one seed. Who uses it: main.cpp, one world per seed.

#include "runtime/jose.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/x509.hpp"
#include "tests/simulation/connector_process.hpp"
#include "tests/simulation/faulty_store.hpp"
#include "tests/simulation/node_process.hpp"
#include "tests/simulation/scenario.hpp"

namespace postern::simulation {

/// From the last fault's end until everything must be served again: the longest back-offs of a
/// pull and of a dial, one after the other, and what they take.
inline constexpr std::chrono::seconds recovery_bound{75};

/// What a run has come to.
struct world_report {
  uint64_t trace = 0;
  duration simulated{0};
  size_t exchanges = 0;
  std::map<std::string, size_t> outcomes;
  duration slowest{0};
  duration recovery{0};
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
  runtime::random_source& dice() noexcept { return dice_; }
  size_t pick_node() { return dice_.below(nodes_.size()); }
  machine& node_machine(size_t index) { return *nodes_[index].on; }
  node_process& node(size_t index) { return *nodes_[index].process; }
  node_process& node_at(const machine& m);
  std::shared_ptr<runtime::store> store() { return store_; }
  std::shared_ptr<const runtime::key_ring> wrapping_keys() { return keys_; }
  config::connector_options connector_options() const;
  std::string issuer_keys() const;
  const runtime::private_key& connector_key() const noexcept { return connector_key_; }
  std::string serial_of(const std::string& certificate_pem);
  std::string group_of(const std::string& connector) const;
  /// A user was told to sign in again: the browser drops the cookie, some tries later.
  void told_to_sign_in(const actors::access_session& over);
  uint64_t next_stream() noexcept { return ++streams_; }
  bool quiet() const noexcept { return quiet_; }
  /// The head for the tunnel, as edge/translation makes it of a request with the session's cookie.
  std::vector<std::pair<std::string, std::string>> translated(
      const std::optional<actors::access_session>& session, const config::application& to,
      const char* method, bool has_content);
  /// What arrives at a connector must not carry the cookie.
  void check_request(connector_process& at, const request_head& head);
  /// The whole request arrives at its origin; the answer's cause is empty if it is a response.
  void origin_gets(connector_process& by, const request_head& head,
                   std::function<void(const std::string&)> answer);
  void pull_failed(connector_process& of, const runtime::error& why);
  void renewed(connector_process& of);

 private:
  struct node_place {
    std::unique_ptr<machine> on;
    std::unique_ptr<node_process> process;
  };
  struct connector_place {
    std::unique_ptr<machine> on;
    std::unique_ptr<connector_process> process;
    connector_identity identity;
    bool draining = false;
  };
  struct user_place {
    std::string name;
    std::map<std::string, actors::access_session> sessions;  // by application
  };

  // world.cpp: time, start and end
  void settle();
  void run_until(actor_time end);
  void run_for(duration d) { run_until(time_.now() + d); }
  bool wait_for(duration patience, const std::function<bool()>& condition);
  void start_node(node_place& n);
  void start_connector(connector_place& c);
  void build();
  void publish();
  void enrol(connector_place& c);
  bool all_connected() const;
  void recover();
  void leap_days();
  void shut_down();

  // workload.cpp: users and origins
  void keep_asking(actor_time until);
  void ask_something();
  uint64_t request(size_t user, const std::string& application, method how);
  void sign_in(size_t user, const std::string& application, action then);
  void probe_all(duration bound);
  void revoke_some_session();

  // faults.cpp
  void plan_faults();
  void inflict(const fault& f);
  void undo_all();
  void kill_node(node_place& n);
  void kill_connector(connector_place& c);
  void drain(connector_place& c);
  void await_drain(connector_place& c, int polls);
  void crash_actor(const std::string& which);
  machine* find_machine(const std::string& name);
  void freeze(machine& m, bool frozen);

  const scenario& scenario_;
  timeline time_;
  runtime::seeded_random_source dice_;
  uint64_t seed_;
  ledger book_;
  network net_{time_, dice_};
  std::shared_ptr<faulty_store> store_ = std::make_shared<faulty_store>();
  std::shared_ptr<const runtime::key_ring> keys_;
  runtime::private_key connector_key_ = runtime::private_key::generate();
  runtime::signing_key issuer_ = *runtime::signing_key::generate();
  std::map<std::string, std::string> serials_;  // by certificate
  std::vector<node_place> nodes_;
  std::vector<connector_place> connectors_;
  std::vector<user_place> users_;
  std::vector<std::string> applications_;
  std::map<std::string, bool> passthrough_;
  uint64_t streams_ = 0, requests_ = 0, nonces_ = 0;
  size_t renewals_ = 0;
  bool asking_ = false;
  bool quiet_ = false;
  bool certificates_refused_ = false;
  duration recovery_{0};
};

}  // namespace postern::simulation
