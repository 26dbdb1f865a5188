#pragma once
// The exchanges of one connector group on this node, and the tunnels that may take them. Owned by
// connector_registry; asked by every exchange of the edge, twice: for a place, and to give it back.

#include "actors/contracts.hpp"
#include "actors/dispatch_board.hpp"
#include "actors/fair_line.hpp"
#include "actors/service_rate.hpp"

#include <string>

namespace postern::actors {

/// How many exchanges of one application may wait: about a second's worth of a busy application.
/// Beyond that, waiting helps nobody: a user would rather be told.
inline constexpr size_t largest_line = 1'024;

/// How many exchanges of all applications of a group may wait on a node: some 10 MB of users'
/// connections that hold their buffers meanwhile.
inline constexpr size_t largest_waiting_count = 8'192;

/// Patience ends up to this much late, so that a thousand deadlines in one millisecond cost one
/// look at the line.
inline constexpr milliseconds expiry_grain{10};

/// Between two calls for a tunnel: the first is answered within some 10 ms if at all.
inline constexpr milliseconds summon_interval{200};

/// A call is made again at least this often while somebody waits: the nodes that heard the first
/// may have forgotten it (wanted_for), and others have come.
inline constexpr std::chrono::seconds call_again{10};

/// The rules: who gets a place, who waits, who is turned away, whose patience is over. An exchange
/// waits only while no tunnel has room, so nobody is overtaken.
struct group_queue_state {
  static constexpr const char* name = "group_queue";

  group_queue_state() = default;
  /// Refuses whoever waits: "queue_ended", unavailable.
  ~group_queue_state();
  group_queue_state(const group_queue_state&) = delete;
  group_queue_state& operator=(const group_queue_state&) = delete;

  /// Lets an exchange wait that finds no room. Returns why it may not, or the category `none`; then
  /// its promise is the queue's. Whoever would wait in vain, by how fast others were served of
  /// late, may not.
  runtime::error enter(waiting_exchange&& w, actor_time now);

  /// What an exchange is told whose patience is over: "no_connector" or "queue_timeout".
  runtime::error out_of_patience() const;

  /// Hands the places that are free to those who wait.
  void serve(actor_time now);

  /// Stops measuring how fast others are served if nobody waits or no tunnel serves. To be called
  /// whenever that may have come to be.
  void rest() noexcept;

  /// Refuses everyone whose patience is over.
  void expire(actor_time now);

  /// Whether to call for a tunnel of another node now: somebody waits, none serves here, and the
  /// last call is a while ago.
  bool wants_tunnel(actor_time now);

  /// Returns how long from now a new timer has to run, or none if the one that runs will do. The
  /// caller sends itself `epoch` after that time; a message with another epoch is an old timer's.
  std::optional<caf::timespan> arm(actor_time now);

  std::string group;
  dispatch_board board;
  fair_line line{largest_line, largest_waiting_count};
  service_rate rate;
  uint64_t epoch = 0;                  ///< of the timer that counts
  std::optional<actor_time> due;       ///< when it fires; none: nobody waits
  summoner_actor summoner;             ///< null until it is named
  std::optional<actor_time> summoned;  ///< when it was last told, if no tunnel has come since
  bool due_changed = false;            ///< a timer for `due` has still to be made
};

/// `group` is for error details only. Ends when told to; whoever waits then is refused.
group_queue_actor::behavior_type group_queue(
    group_queue_actor::stateful_pointer<group_queue_state> self, std::string group);

}  // namespace postern::actors
