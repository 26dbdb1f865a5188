#include "actors/failover.hpp"

namespace postern::actors {

void failover::begin_attempt() noexcept {
  // Of a request that may be repeated the connector does not say when it starts.
  if (attempts_ > 0 && repeatable_ && !refused_) ++started_attempts_;
  ++attempts_;
  handed_over_ = started_ = refused_ = false;
}

void failover::hand_over(bool content) noexcept {
  handed_over_ = true;
  content_taken_ = content_taken_ || content;
}

void failover::refused() noexcept {
  refused_ = true;
}

bool failover::nothing_started() const noexcept {
  return refused_ || (!repeatable_ && !handed_over_ && !started_);
}

bool failover::may_move() const noexcept {
  if (responding_ || content_taken_ || attempts_ >= most_attempts) return false;
  return nothing_started() || (repeatable_ && started_attempts_ + 1U < most_started_attempts);
}

}  // namespace postern::actors
