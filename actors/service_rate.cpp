#include "actors/service_rate.hpp"

#include <algorithm>

namespace postern::actors {

bool service_rate::is_forgotten(actor_time now) const noexcept {
  // As long as somebody waits, the next sample is sure to come.
  if (running_) return false;
  const milliseconds two{static_cast<int64_t>(2 * interval_)};
  return now - sampled_ > std::clamp<milliseconds>(two, rate_memory, longest_rate_memory);
}

void service_rate::on_served(actor_time now) noexcept {
  if (is_forgotten(now)) samples_ = 0;
  if (running_) {
    const auto sample = std::chrono::duration<float, std::milli>{now - last_}.count();
    // Many may be served in one moment: the mean must follow bursts slowly.
    interval_ = samples_ == 0 ? sample : interval_ + (sample - interval_) / 16.F;
    samples_ = std::min(samples_ + 1, fewest_rate_samples);
    sampled_ = now;
  }
  running_ = true;
  last_ = now;
}

milliseconds service_rate::wait_behind(size_t ahead, actor_time now) const noexcept {
  if (samples_ < fewest_rate_samples || is_forgotten(now)) return milliseconds::zero();
  constexpr float most = 86'400'000.0F;
  return milliseconds{
      static_cast<int64_t>(std::min(interval_ * static_cast<float>(ahead + 1), most))};
}

}  // namespace postern::actors
