#include "runtime/coarse_timer.hpp"

#include <algorithm>

namespace postern::runtime {

namespace {

// The wheel stops ticking after this many ticks without a timer, so that an idle process sleeps.
constexpr uint32_t idle_ticks_before_sleep = 40;

}  // namespace

void coarse_timer::disarm() noexcept {
  if (previous_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

coarse_timers::coarse_timers(asio::io_context& io)
    : timer_(io.get_executor()), origin_(std::chrono::steady_clock::now()) {
  for (auto& slot : slots_)
    slot.previous_ = slot.next_ = &slot;
}

coarse_timers::~coarse_timers() {
  for (auto& slot : slots_) {
    while (slot.next_ != &slot)
      slot.next_->disarm();
    slot.previous_ = slot.next_ = nullptr;
  }
}

void coarse_timers::arm(coarse_timer& timer, std::chrono::milliseconds delay,
                        coarse_timer::callback call, void* argument) {
  timer.disarm();
  if (!running_) start();
  const auto ticks =
      static_cast<uint64_t>((delay + tick_length - std::chrono::milliseconds{1}) / tick_length) + 1;
  // A loop that was busy has not yet served the ticks that have gone by: they must not shorten the
  // delay.
  timer.due_ = std::max(now_, elapsed_ticks()) + ticks;
  timer.callback_ = call;
  timer.argument_ = argument;
  auto& slot = slots_[timer.due_ % slot_count];
  timer.previous_ = slot.previous_;
  timer.next_ = &slot;
  slot.previous_->next_ = &timer;
  slot.previous_ = &timer;
}

uint64_t coarse_timers::elapsed_ticks() const noexcept {
  return static_cast<uint64_t>((std::chrono::steady_clock::now() - origin_) / tick_length);
}

void coarse_timers::start() {
  if (stopped_) return;
  running_ = true;
  idle_ticks_ = 0;
  now_ = elapsed_ticks();
  on_tick();
}

void coarse_timers::stop() {
  stopped_ = true;
  timer_.cancel();
}

void coarse_timers::on_tick() {
  timer_.expires_at(origin_ + tick_length * (now_ + 1));
  timer_.async_wait([this](const boost::system::error_code& failure) {
    if (failure || stopped_) return;
    const auto target = elapsed_ticks();
    while (now_ < target)
      run_slot(++now_);
    if (idle_ticks_ > idle_ticks_before_sleep) {
      running_ = false;
      return;
    }
    on_tick();
  });
}

void coarse_timers::run_slot(uint64_t tick) {
  auto& slot = slots_[tick % slot_count];
  // A slot that is empty says little about the others: only a full idle round lets the wheel sleep.
  if (tick % slot_count == 0) {
    bool any = false;
    for (const auto& s : slots_)
      any = any || s.next_ != &s;
    idle_ticks_ = any ? 0 : idle_ticks_before_sleep + 1;
  }
  coarse_timer* last = slot.previous_;
  bool more = slot.next_ != &slot;
  for (auto* timer = slot.next_; more;) {
    more = timer != last;
    auto* next = timer->next_;
    if (timer->due_ <= tick) {
      timer->disarm();
      timer->callback_(timer->argument_);
      // The callback may have disarmed what we remember: start again from the head for what is
      // still due.
      next = slot.next_;
      while (next != &slot && next->due_ > tick)
        next = next->next_;
      more = next != &slot;
      last = slot.previous_;
    }
    timer = next;
  }
}

}  // namespace postern::runtime
