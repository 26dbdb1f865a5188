#include "tests/simulation/machine.hpp"

#include "actors/tunnel_lease.hpp"

#include <caf/send.hpp>

namespace postern::simulation {

namespace {

/// 2023-11-14 22:13:20 UTC.
constexpr int64_t calendar_beginning = 1'700'000'000;

caf::behavior run_errands(caf::event_based_actor* self) {
  self->set_exception_handler([](caf::scheduled_actor*, std::exception_ptr&) -> caf::error {
    return caf::exit_reason::unhandled_exception;  // the ledger knows, and ends the run
  });
  return {[self](const errand& what) { what(self); }};
}

}  // namespace

runtime::timestamp machine_calendar::now() const noexcept {
  return runtime::from_unix_seconds(calendar_beginning) + time_.elapsed() + skew_;
}

struct machine::config : caf::actor_system_config {
  config() {
    add_message_types<caf::id_block::postern>();
    set("scheduler.policy", caf::atom("testing"));
  }
};

machine::machine(timeline& time, runtime::random_source& dice, std::string name, uint64_t seed)
    : time_(time), dice_(dice), name_(std::move(name)), calendar_(time), random_(seed) {}

machine::~machine() {
  kill();
}

void machine::start() {
  runtime::ensure(state_ == state::dead, "one process at a time");
  state_ = state::running;
  ++generation_;
  config_ = std::make_unique<config>();
  system_ = std::make_unique<caf::actor_system>(*config_);
  scheduler_ = &dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  scheduler_->clock().current_time = time_.now();
  asker_ = system_->spawn(run_errands);
}

bool machine::kill() {
  if (state_ == state::dead) return true;
  state_ = state::dead;
  ++generation_;
  open_ = {};
  held_timers_.clear();
  held_input_.clear();
  caf::anon_send_exit(asker_, caf::exit_reason::kill);
  asker_ = nullptr;
  for (const auto& a : std::exchange(owned_, {}))
    caf::anon_send_exit(a, caf::exit_reason::kill);
  // Timers hold their actors.
  for (int round = 0; round < 4; ++round) {
    while (scheduler_->try_run_once()) {
    }
    scheduler_->clock().cancel_all();
  }
  const bool clean = system_->registry().running() == 0;
  if (!clean) system_->await_actors_before_shutdown(false);
  graveyard_.push_back({std::move(config_), std::move(system_)});
  scheduler_ = nullptr;
  return clean;
}

void machine::freeze() {
  if (state_ != state::running) return;
  state_ = state::frozen;
  frozen_at_ = time_.now();
}

void machine::thaw() {
  if (state_ != state::frozen) return;
  state_ = state::running;
  thawed_at_ = time_.now();
  if (thawed_at_ - frozen_at_ > actors::stall_bound) stalled_until_ = thawed_at_;
  catch_up();
  auto timers = std::exchange(held_timers_, {});
  auto input = std::exchange(held_input_, {});
  while (!timers.empty() || !input.empty()) {
    auto& from = timers.empty() || (!input.empty() && dice_.below(2) == 0) ? input : timers;
    after(duration::zero(), std::move(from.front()));
    from.pop_front();
  }
}

void machine::after(duration wait, action what) {
  time_.after(wait, [this, made_by = generation_, what = std::move(what)]() mutable {
    if (made_by != generation_) return;
    if (state_ == state::frozen)
      held_timers_.push_back(std::move(what));
    else
      what();
  });
}

void machine::receive(action what) {
  if (state_ == state::frozen)
    held_input_.push_back(std::move(what));
  else if (state_ == state::running)
    what();
}

void machine::run_errand(errand what) {
  if (asker_) caf::anon_send(asker_, std::move(what));
}

std::optional<actor_time> machine::next_timeout() const {
  if (!running() || !scheduler_->has_pending_timeout()) return std::nullopt;
  return scheduler_->clock().schedule().begin()->first;
}

void machine::catch_up() {
  if (!running()) return;
  auto& clock = scheduler_->clock();
  // Not only when time has passed: a timer may have been due at once.
  if (const auto due = next_timeout();
      (due && *due <= time_.now()) || time_.now() > clock.current_time)
    clock.advance_time(time_.now() - clock.current_time);
}

bool machine::step() {
  if (!running() || scheduler_->jobs.empty()) return false;
  auto& jobs = scheduler_->jobs;
  if (jobs.size() > 1) std::swap(jobs.front(), jobs[dice_.below(jobs.size())]);
  return scheduler_->try_run_once();
}

size_t machine::actors() const {
  return system_ ? system_->registry().running() : 0;
}

}  // namespace postern::simulation
