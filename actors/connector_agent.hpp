#pragma once
// The connector's own rules: when it pulls, dials, backs off, renews and drains. Lives in the
// connector process next to connector_io, which has the sockets, and in simulation next to none.

#include "actors/contracts.hpp"
#include "actors/dispatch_board.hpp"
#include "actors/summoned_nodes.hpp"
#include "runtime/random_source.hpp"

#include <vector>

namespace postern::actors {

/// Back-off of a tunnel: the first retry comes soon enough not to be noticed; the longest one still
/// brings a connector back within half a minute of its node.
inline constexpr milliseconds dial_back_off{500};
inline constexpr milliseconds dial_back_off_cap{30'000};

/// A tunnel that lived this long was a good one: its end starts the back-off anew. Shorter-lived
/// ones count as failures, or a node that accepts and closes would be dialled in a loop.
inline constexpr std::chrono::seconds stable_after{10};

/// How long a pull asks the node to wait for a change.
inline constexpr milliseconds pull_wait{30'000};

/// Pulls start at least this far apart, whatever the node answers. Also bounds how late a change
/// arrives that follows another at once.
inline constexpr milliseconds pull_spacing{1'000};

/// Back-off of a failed pull.
inline constexpr milliseconds pull_back_off{1'000};
inline constexpr milliseconds pull_back_off_cap{30'000};

/// Back-off of a failed renewal: there are months left, so hourly is soon enough.
inline constexpr milliseconds renew_back_off{60'000};
inline constexpr milliseconds renew_back_off_cap{3'600'000};

/// After a renewal, answers to pulls that were made with the old certificate may still ask for one.
inline constexpr milliseconds renew_echo = 2 * pull_wait;

struct connector_agent_dependencies {
  connector_io_actor io;  ///< answers every dial, pull and renewal, in its own time
  runtime::random_source* random = nullptr;  ///< for jitter; outlives the actor
};

/// Where a slot stands, a slot being the place of one tunnel.
enum class slot_phase : uint8_t {
  idle,         ///< not wanted, or not begun
  dialling,     ///< the io dials
  open,         ///< the tunnel is up
  backing_off,  ///< waits for its next attempt
  draining,     ///< the io ends the tunnel
};

/// The rules. Every slot below the configured tunnel count is kept dialling, open or backing off,
/// until the drain; the others go idle as soon as their exchanges have finished.
class connector_agent_state {
 public:
  using pointer = connector_agent_actor::stateful_pointer<connector_agent_state>;
  static constexpr const char* name = "connector_agent";

  explicit connector_agent_state(pointer self) : self_(self) {}

  void begin(connector_agent_dependencies deps) { deps_ = std::move(deps); }

  /// Starts the first pull; later calls do nothing.
  void start();
  void on_pulled(const pull_outcome& outcome);
  void on_opened(uint32_t slot);
  void on_closed(uint32_t slot, const runtime::error& why);
  /// A node asks for tunnels to another one.
  void on_summons(const std::string& address);
  void on_renewed(const runtime::error& failure);
  /// The timers; another epoch than the current one is that of a timer that no longer counts.
  void on_dial_due(uint32_t slot, uint64_t epoch);
  void on_pull_due(uint64_t epoch);
  /// Leaves for good.
  void drain();
  agent_status status() const;

 private:
  struct slot_record {
    slot_phase phase = slot_phase::idle;
    unsigned failures = 0;  // since the tunnel was last stable
    uint64_t epoch = 0;     // of the timer that counts
    actor_time opened{};
  };

  actor_time now() const;
  /// Makes a legal transition; one that is not legal is a defect of ours.
  void move(uint32_t slot, slot_phase next);
  bool wanted(uint32_t slot) const;
  /// Whether the connector is to have no tunnels: it leaves, or an administrator wants it so.
  bool rests() const noexcept { return draining_ || tunnels_ == 0; }
  void dial(uint32_t slot);
  void back_off(uint32_t slot);
  /// Dials slots that are wanted and drains those that are not.
  void adjust_slots();
  void drain_summoned();
  void take_over(const connector_configuration& fresh);
  void pull();
  void schedule_pull(milliseconds wait);
  void renew_if_due();

  pointer self_;
  connector_agent_dependencies deps_;
  bool started_ = false;
  bool ready_ = false;  // the first configuration has arrived
  bool draining_ = false;
  uint64_t version_ = 0;
  uint32_t tunnels_ = 0;  // 0: drained by an administrator, or nothing was pulled yet
  std::vector<slot_record> slots_;
  summoned_nodes summoned_;

  bool pulling_ = false;
  uint64_t pull_epoch_ = 0;
  unsigned pull_failures_ = 0;
  actor_time pulled_at_{};  // when the last pull began

  bool renewal_wanted_ = false;
  bool renewing_ = false;
  unsigned renew_failures_ = 0;
  actor_time renew_not_before_{};
};

/// Does nothing until `start`. Quits with the io; otherwise when told to.
connector_agent_actor::behavior_type connector_agent(connector_agent_state::pointer self,
                                                     connector_agent_dependencies deps);

}  // namespace postern::actors
