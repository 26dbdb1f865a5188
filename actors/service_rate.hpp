#pragma once
// How fast a group serves those who wait, measured while somebody waits. Who uses it: group_queue,
// to turn away early whoever would wait in vain.

#include "actors/dispatch_board.hpp"

namespace postern::actors {

/// Fewer intervals than this say nothing yet.
inline constexpr unsigned fewest_rate_samples = 8;

/// While nobody waits, the mean is remembered for this long after its last interval: what was slow
/// an hour ago must turn nobody away ...
inline constexpr std::chrono::seconds rate_memory{30};

/// ... or for two such intervals, if that is longer, up to this: whoever is turned away by the mean
/// cannot correct it.
inline constexpr std::chrono::minutes longest_rate_memory{5};

/// The mean interval between two places that were handed to somebody who waited.
class service_rate {
 public:
  /// Somebody who waited has been served.
  void on_served(actor_time now) noexcept;
  /// Nobody waits, or nobody can be served: the time until the next one says nothing.
  void pause() noexcept { running_ = false; }

  /// How long it takes to serve `ahead` exchanges and one more; 0 if that is not known (any more).
  milliseconds wait_behind(size_t ahead, actor_time now) const noexcept;

 private:
  bool is_forgotten(actor_time now) const noexcept;

  actor_time last_{};     ///< when somebody was last served
  actor_time sampled_{};  ///< when the mean last changed
  float interval_ = 0;    // milliseconds, exponentially weighted
  unsigned samples_ = 0;
  bool running_ = false;
};

}  // namespace postern::actors
