#pragma once
// A node of the simulated world: the production actors under their supervisor, and a model of the
// edge around them that has no sockets.

#include "actors/failover.hpp"
#include "actors/node_supervisor.hpp"
#include "actors/restart_patience.hpp"
#include "edge/translation.hpp"
#include "tests/simulation/node_links.hpp"
#include "tests/simulation/shared_store.hpp"
#include "tests/simulation/tunnel_model.hpp"

namespace postern::simulation {

class world;

/// What a user asks for.
struct user_request {
  uint64_t id = 0;
  method how = method::get;
  std::string application;
  std::optional<actors::access_session> session;  ///< of the cookie; none: passthrough
};

/// One exchange on its node. Mirrors edge/gatekeeper and edge/exchange.
class node_exchange {
 public:
  enum class state : uint8_t { admitting, queued, requested, over };

  node_exchange(node_process& node, user_request request);

  void begin();
  void user_gone();

  uint64_t id() const noexcept { return request_.id; }
  state current() const noexcept { return state_; }
  bool holds_place() const noexcept { return dispatched_; }

  // -- from the tunnel
  void on_window();
  void on_started();
  void on_response(const std::string& cause);
  void on_stream_end(stream_end how);
  void on_silent();
  /// The node leaves and with it the connectors: whoever has found none by now will find none.
  void stop_waiting();

 private:
  // -- the steps, each with what it does when the actor that it asks has crashed
  void admit();
  void start_waking();
  void wake();
  void authorize(const actors::user_session_actor& session);
  void decided(const actors::access_decision& d);
  void on_undecided(const runtime::error& why);
  void queue();
  void ask_for_place();
  void look_up_queue();
  void on_refused(const runtime::error& why);
  /// One step's questions to actors of one kind, as edge/restarts puts them.
  struct questions {
    actors::restart_patience patience;
    actor_time asked;
  };
  bool may_wait(const runtime::error& why, questions& step) const;
  void pause_then(void (node_exchange::*again)());

  void dispatched(const actors::dispatch& to);
  void lose_connector();
  void leave_stream(actors::exchange_outcome how);
  void finish(const std::string& outcome);
  void check_refusal(const std::string& cause) const;
  void check_crash(const std::string& outcome) const;

  node_process& node_;
  user_request request_;
  actors::application_ptr application_;
  actors::group_queue_actor published_queue_;  ///< null: the group had none
  actors::group_queue_actor queue_;            ///< that was asked last
  actors::failover failover_;
  actors::dispatch dispatch_;
  std::shared_ptr<node_tunnel> tunnel_;
  state state_ = state::admitting;
  actor_time began_, queued_at_, dispatched_at_;
  questions waking_, deciding_, finding_;
  milliseconds delay_{0};
  uint64_t ticket_ = 0;
  uint64_t stream_ = 0;
  bool woken_again_ = false;
  bool dispatched_ = false;
  bool user_left_ = false;
  bool guarded_ = false;
  std::string avoid_;
};

/// Lives as long as the process does.
class node_process {
 public:
  /// `settings`: of the cluster; without an address the node is alone.
  node_process(world& w, machine& on, actors::cluster_settings settings);

  void start();
  world& in() noexcept { return world_; }
  machine& on() const noexcept { return machine_; }
  const actors::node_handles_ptr& handles() const noexcept { return handles_; }
  const actors::routing_ptr& routing() const noexcept { return routing_; }
  uint64_t next_number() noexcept { return ++numbers_; }

  // -- from outside
  void serve(user_request request);
  void user_gone(uint64_t exchange);
  /// The node's end of a connection that is being made; it lives once it is accepted.
  std::shared_ptr<node_tunnel> new_tunnel(connection_ptr wire, actors::tunnel_info info);
  void accept_tunnel(const std::shared_ptr<node_tunnel>& t, std::shared_ptr<connector_tunnel> far);
  /// `reply` goes back over the connection that the caller keeps.
  void serve_pull(actors::configuration_pull pull,
                  std::function<void(runtime::result<actors::connector_configuration>)> reply);
  void serve_renewal(actors::renewal_request renewal,
                     std::function<void(runtime::result<actors::issued_certificate>)> reply);
  /// Leaves as planned: off the membership table, no new connections, tunnels told to go. Ready to
  /// be shut once no exchange is left.
  void leave();
  bool leaving() const noexcept { return leaving_; }
  /// From the first moment of that: no actor that crashes is waited for any more.
  bool draining() const noexcept { return draining_; }
  bool idle() const noexcept { return exchanges_.empty(); }
  /// Exchanges that still wait for a connector end.
  void stop_waiting();
  /// Ends its actors top down.
  void shut();
  /// The process has died.
  void forget() { links_.forget(); }

  // -- inside
  /// What connections that are kept open know of their session: its actor, as woken last. Null: no
  /// connection has asked with it.
  const actors::user_session_actor* opened(const std::string& session) const;
  void keep_open(const std::string& session, const actors::user_session_actor& actor) {
    opened_[session] = actor;
  }
  void forget_opened(const std::string& session) { opened_.erase(session); }
  std::shared_ptr<node_tunnel> find_tunnel(uint64_t number) const;
  void remove_tunnel(uint64_t number);
  void remove_exchange(uint64_t id);
  /// Whether a tunnel of the group takes exchanges, has done so for a while and has room.
  bool has_room_for(const std::string& group) const;
  const std::map<uint64_t, std::shared_ptr<node_tunnel>>& tunnels() const noexcept {
    return tunnels_;
  }
  node_exchange* find_exchange(uint64_t id) const;
  size_t count(node_exchange::state s) const;
  void miscount();
  /// Since when nothing of its actors has crashed.
  actor_time calm_since() const noexcept { return calm_since_; }
  void disturbed() { calm_since_ = machine_.now(); }
  /// An actor that is supervised has crashed: whatever has to be in memory is not, for a while.
  void broken() { whole_since_.reset(); }
  /// Since when it has run with everything loaded and nothing crashed; none: it does not.
  std::optional<actor_time> whole_since() const;
  /// Since when it has besides been told of every commit; none: it may have missed something.
  std::optional<actor_time> in_touch_since() const;
  /// The groups with tunnels here.
  std::set<std::string> live_groups() const;
  node_links& links() noexcept { return links_; }
  /// Since when it has had a link to another one; none: it has not.
  std::optional<actor_time> linked_since(const node_process& other) const {
    return links_.linked_since(other.on());
  }
  /// What its directory said last of the other nodes, and asking it again.
  const std::vector<actors::cluster_node>& others() const noexcept { return others_; }
  void ask_for_others();
  /// How many of its machine's actors belong to the model.
  size_t own_actors() const;
  /// Asks every queue for its numbers: bounded always, zero when the world is quiet.
  void check();

 private:
  void follow(actors::node_handles_ptr fresh);
  void subscribe_routing();
  void close_service();

  world& world_;
  machine& machine_;
  actors::cluster_settings settings_;
  node_links links_;
  std::shared_ptr<store_client> store_;
  actors::node_supervisor_actor supervisor_;
  actors::tunnel_control_actor control_;
  actors::key_source_actor keys_;
  actors::handles_subscriber_actor follower_;
  actors::routing_subscriber_actor router_;
  actors::node_handles_ptr handles_;
  actors::routing_ptr routing_;
  std::map<uint64_t, std::shared_ptr<node_tunnel>> tunnels_;
  std::map<uint64_t, std::unique_ptr<node_exchange>> exchanges_;
  std::map<std::string, actors::user_session_actor> opened_;
  uint64_t numbers_ = 0;
  std::vector<actors::cluster_node> others_;
  actor_time calm_since_;
  std::optional<actor_time> whole_since_;
  bool draining_ = false;
  bool leaving_ = false;
};

}  // namespace postern::simulation
