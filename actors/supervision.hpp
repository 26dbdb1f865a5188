#pragma once
// The life of a node's long-lived actors as plain data: who depends on whom, who is to be stopped
// and started when one crashes. Who uses it: node_supervisor, which does what these functions
// return.

#include <caf/actor_addr.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace postern::actors {

/// The children in the order in which they are started; they are stopped in the reverse order.
enum class child : uint8_t {
  store,
  audit,
  configuration,
  tokens,
  sessions,
  connectors,
  authority,
  cluster
};
inline constexpr size_t child_count = 8;

/// As logs print it.
const char* to_string(child c) noexcept;

/// Whether `c` was given the handle of `other`, or of one that was.
bool depends_on(child c, child other) noexcept;

/// A pause before the first restart, doubled with each crash of the same child, up to a cap: a
/// store that is down for an hour must neither flood the log nor be found minutes after its return.
inline constexpr std::chrono::milliseconds first_restart_pause{100};
inline constexpr std::chrono::milliseconds longest_restart_pause{5'000};
/// A child that lived so long starts again from the first pause.
inline constexpr std::chrono::seconds settled_after{60};

enum class child_phase : uint8_t {
  down,  ///< not started, or ended
  running,
  stopping,  ///< told to end because of another's crash or the shut-down
};

/// The children of one node.
class supervision {
 public:
  using time_point = std::chrono::steady_clock::time_point;  ///< the actor's clock

  /// What follows from the end of a child.
  struct aftermath {
    std::optional<child> crashed;        ///< none: it ended because it was told to
    std::chrono::milliseconds pause{0};  ///< before ready_to_start may be asked, if it crashed
    std::vector<child> stop;             ///< its dependants: to be told to end, in this order
  };

  void started(child c, caf::actor_addr address, time_point now);
  /// Takes note of a down message; an address that is nobody's changes nothing.
  aftermath ended(const caf::actor_addr& address, time_point now);
  /// The pause after a crash is over.
  void pause_over() noexcept { due_ = true; }
  /// What is to be started now, in this order; empty while a pause lasts or somebody still ends.
  std::vector<child> ready_to_start();

  /// The shut-down: the next child to be told to end, none while one still ends or all are down.
  std::optional<child> next_to_stop();
  bool all_down() const noexcept;

  /// Those who have been told to end and have not.
  std::vector<child> stopping() const;
  child_phase phase_of(child c) const noexcept { return slots_[static_cast<size_t>(c)].phase; }
  const caf::actor_addr& address_of(child c) const noexcept {
    return slots_[static_cast<size_t>(c)].address;
  }

 private:
  struct slot {
    child_phase phase = child_phase::down;
    caf::actor_addr address;
    time_point started_at;
    unsigned crashes = 0;  ///< in a row, without having settled in between
  };

  slot& at(child c) noexcept { return slots_[static_cast<size_t>(c)]; }

  std::array<slot, child_count> slots_;
  bool due_ = true;
};

}  // namespace postern::actors
