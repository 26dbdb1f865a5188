#pragma once
// How fast a group serves those who wait, measured while somebody waits. Who uses it: group_queue,
// to turn away early whoever would wait in vain.

#include "actors/dispatch_board.hpp"

namespace postern::actors {

/// Fewer intervals than this say nothing yet.
inline constexpr unsigned fewest_rate_samples = 8;

/// The mean interval between two places that were handed to somebody who waited.
class service_rate {
 public:
  /// Somebody who waited has been served.
  void on_served(actor_time now) noexcept;
  /// Nobody waits, or nobody can be served: the time until the next one says nothing.
  void pause() noexcept { running_ = false; }

  /// How long it takes to serve `ahead` exchanges and one more; 0 if that is not known.
  milliseconds wait_behind(size_t ahead) const noexcept;

 private:
  actor_time last_{};
  float interval_ = 0;  // milliseconds, exponentially weighted
  unsigned samples_ = 0;
  bool running_ = false;
};

}  // namespace postern::actors
