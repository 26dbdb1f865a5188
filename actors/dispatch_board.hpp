#pragma once
// Which tunnel takes the next exchange. Who uses it: group_queue, once per exchange, so everything
// lies in one flat vector and nothing here waits, logs or asks for the time.

#include "actors/messages.hpp"

#include <optional>
#include <vector>

namespace postern::actors {

/// A point of an actor's time: caf::actor_clock::time_point.
using actor_time = std::chrono::steady_clock::time_point;

/// Latencies below this are all the same: what lies between two tunnels here is noise, not load.
inline constexpr milliseconds latency_floor{5};

/// What an exchange counts that ended without a response of the origin: a connector that fails at
/// once must not look like the fastest one.
inline constexpr milliseconds failure_latency{1'000};

/// A latency older than this is forgotten, so that a tunnel that once was slow gets another try.
inline constexpr std::chrono::seconds latency_memory{10};

/// Exchanges that come together go together: one write of the tunnel carries them all, and the
/// others are left alone. For this long after the first of them ...
inline constexpr std::chrono::microseconds burst_time{1'000};

/// ... as many as this at most, and no more than one in so many of the tunnel's places: what is
/// spread unevenly is soon made up for.
inline constexpr uint32_t largest_burst = 8;
inline constexpr uint32_t burst_share = 100;

/// The attached tunnels of a group with their load. Invariant: no tunnel has more exchanges than
/// its capacity.
class dispatch_board {
 public:
  /// Adds a tunnel. One that is there already keeps its exchanges and takes over the new capacity,
  /// which may be lower than what runs: then it takes none until enough have ended.
  void attach(const tunnel_info& info);

  /// Removes a tunnel and forgets its exchanges; their release comes to nothing. False if unknown.
  bool detach(tunnel_id id) noexcept;

  /// Takes a tunnel whose connector fell silent out of the rotation, or back in; its exchanges go
  /// on to count. False if unknown.
  bool set_silent(tunnel_id id, bool silent) noexcept;

  /// Finds the tunnel for an exchange and books a place on it; none if all are full or silent. A
  /// tunnel of another connector than `avoid` goes before one of it, one on `shard` before others,
  /// then the least loaded: exchanges per place, weighted by the latency of late. What comes in a
  /// burst from one shard follows the first of it.
  std::optional<dispatch> take(uint32_t shard, const std::string& avoid, actor_time now);

  /// Frees a place. `latency` is the time to the response head; it counts if `how` is `completed`.
  /// False if the tunnel is not attached (any more).
  bool release(tunnel_id id, exchange_outcome how, milliseconds latency, actor_time now) noexcept;

  /// Whether no tunnel is attached.
  bool empty() const noexcept { return tunnels_.empty(); }

  /// Whether any tunnel is in the rotation, with room or not.
  bool serves() const noexcept;

  /// Whether any tunnel can take an exchange.
  bool has_room() const noexcept;

  /// How many exchanges run on all attached tunnels.
  uint32_t running() const noexcept;

  /// Tunnels and exchanges by connector; only `record.id`, `connected`, `tunnels` and `exchanges`
  /// are set.
  std::vector<connector_status> by_connector() const;

 private:
  struct tunnel {
    tunnel_id id;
    std::string connector;
    uint32_t capacity = 0;
    uint32_t running = 0;
    float latency = 0;  // milliseconds, exponentially weighted; 0: no sample yet
    actor_time sampled{};
    bool silent = false;

    bool has_room() const noexcept { return !silent && running < capacity; }
    float cost(actor_time now) const noexcept;
    void sample(float milliseconds, actor_time now) noexcept;
  };

  /// What a shard's exchanges follow.
  struct burst {
    tunnel_id id;
    uint32_t left = 0;  ///< places that may still be taken
    actor_time began{};
  };

  tunnel* find(tunnel_id id) noexcept;
  tunnel* follow_burst(uint32_t shard, const std::string& avoid, actor_time now) noexcept;
  tunnel* find_best(uint32_t shard, const std::string& avoid, actor_time now) noexcept;
  void begin_burst(uint32_t shard, const tunnel& on, actor_time now);

  std::vector<tunnel> tunnels_;
  std::vector<burst> bursts_;  ///< by shard
};

}  // namespace postern::actors
