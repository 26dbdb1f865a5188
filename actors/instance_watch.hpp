#pragma once
// Tells a restarted connector from two processes that hold one identity. Who uses it:
// connector_registry, one watch per connector.

#include "actors/dispatch_board.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postern::actors {

/// An instance is alive while it holds a tunnel, and this long after it last pulled or dialled:
/// longer than any pull waits.
inline constexpr std::chrono::seconds instance_memory{60};

/// Two instances that both hold tunnels are two processes once it has lasted this long; until then
/// the older tunnels may be those of a process that died without a word.
inline constexpr std::chrono::seconds tunnel_overlap{60};

/// Instances remembered of one connector; beyond it the one that was quiet longest is forgotten.
inline constexpr size_t largest_instance_count = 16;

/// The instances of one connector. The evidence for two holders is that an older instance acts
/// after a newer one has begun (a process that was replaced is dead and cannot), or that both hold
/// tunnels for `tunnel_overlap`.
class instance_watch {
 public:
  using instance_pair = std::pair<std::string, std::string>;  ///< (older, newer)

  /// Notes that an instance pulled or dialled. Returns a pair that is evident now and was not
  /// before. An empty instance, one that does not say who it is, is not watched.
  std::optional<instance_pair> on_activity(const std::string& instance, actor_time now);

  /// Notes that a tunnel of an instance begins or has ended.
  void on_tunnel_opened(const std::string& instance, actor_time now);
  void on_tunnel_closed(const std::string& instance);

  /// Whether a pair that was evident is still alive.
  bool duplicate(actor_time now) const noexcept;

 private:
  struct instance_record {
    std::string id;
    actor_time last_active;
    uint32_t tunnels = 0;
    actor_time tunnels_since{};

    bool is_alive(actor_time now) const noexcept;
  };

  instance_record* find(const std::string& instance) noexcept;
  bool is_alive(const std::string& instance, actor_time now) const noexcept;
  bool is_known(const instance_pair& p) const noexcept;
  void forget(const std::string& but, actor_time now);

  std::vector<instance_record> instances_;  // in the order they began
  std::vector<instance_pair> evident_;
};

}  // namespace postern::actors
