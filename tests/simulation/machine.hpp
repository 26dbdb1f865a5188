#pragma once
// A machine with one process on it: an actor system of its own under CAF's deterministic
// coordinator, a calendar that may be wrong, and a life that can be ended or held at any step.

#include "actors/contracts.hpp"
#include "runtime/random_source.hpp"
#include "runtime/wall_clock.hpp"
#include "tests/simulation/timeline.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <array>
#include <deque>
#include <memory>
#include <string>

namespace postern::simulation {

/// Work for an actor's own context.
using errand = std::function<void(caf::event_based_actor*)>;

}  // namespace postern::simulation

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::simulation::errand)

namespace postern::simulation {

/// The time that people agree on, as one machine has it.
class machine_calendar final : public runtime::wall_clock {
 public:
  explicit machine_calendar(const timeline& time) : time_(time) {}
  runtime::timestamp now() const noexcept override;
  void skew(duration by) noexcept { skew_ += by; }
  duration skewed() const noexcept { return skew_; }

 private:
  const timeline& time_;
  duration skew_{0};
};

/// Whatever the process on it does goes through here: nothing happens on a frozen machine, and
/// nothing of a dead process happens at all.
class machine {
 public:
  enum class state : uint8_t { dead, running, frozen };
  /// What may listen on it: for users and connectors, and for other nodes.
  enum class door : uint8_t { service, cluster };

  machine(timeline& time, runtime::random_source& dice, std::string name, uint64_t seed);
  ~machine();
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  const std::string& name() const noexcept { return name_; }
  state current() const noexcept { return state_; }
  bool running() const noexcept { return state_ == state::running; }
  bool alive() const noexcept { return state_ != state::dead; }
  /// Counts the processes that have lived here.
  uint64_t generation() const noexcept { return generation_; }
  /// When it last thawed.
  actor_time thawed_at() const noexcept { return thawed_at_; }
  /// The same, but only of freezes that were long enough for a tunnel's lease to notice.
  actor_time stalled_until() const noexcept { return stalled_until_; }

  /// Starts a process. Precondition: dead.
  void start();
  /// Opens and closes a listener of the process; those of a dead one are closed.
  void listen(door at, bool open) noexcept { open_[static_cast<size_t>(at)] = open; }
  bool listens(door at) const noexcept { return open_[static_cast<size_t>(at)]; }
  /// kill -9: actors end without a word to anybody outside. False if some of them do not end.
  bool kill();
  /// SIGSTOP and SIGCONT. What came meanwhile is there at once, in any order among sources.
  void freeze();
  void thaw();

  caf::actor_system& system() noexcept { return *system_; }
  /// An actor that ends with the process.
  template <class Handle>
  Handle own(Handle h) {
    owned_.push_back(caf::actor_cast<caf::actor>(h));
    return h;
  }
  machine_calendar& calendar() noexcept { return calendar_; }
  runtime::random_source& random() noexcept { return random_; }
  actor_time now() const noexcept { return time_.now(); }

  /// A timer of the process.
  void after(duration wait, action what);
  /// Something arrives from outside, now.
  void receive(action what);

  /// Lets the process's own asking actor do something.
  void run_errand(errand what);
  /// Asks an actor of this machine; one of the two is called, unless the process dies before.
  template <class T, class Handle, class... Ts>
  void ask(const Handle& to, duration patience, std::function<void(T)> done,
           std::function<void(runtime::error)> failed, Ts... content);
  template <class Handle, class... Ts>
  void ask_void(const Handle& to, duration patience, action done,
                std::function<void(runtime::error)> failed, Ts... content);

  /// When the next timer of an actor is due; never, unless running.
  std::optional<actor_time> next_timeout() const;
  /// Fires timers that are due.
  void catch_up();
  /// Runs one message of one actor, any that is ready. False if none is.
  bool step();
  size_t actors() const;

 private:
  struct config;
  /// What is left of a process: handles of its actors may still lie around.
  struct remains {
    std::unique_ptr<config> settings;
    std::unique_ptr<caf::actor_system> system;
  };

  timeline& time_;
  runtime::random_source& dice_;
  std::string name_;
  machine_calendar calendar_;
  runtime::seeded_random_source random_;
  state state_ = state::dead;
  uint64_t generation_ = 0;
  actor_time frozen_at_ = timeline::beginning;
  actor_time thawed_at_ = timeline::beginning;
  actor_time stalled_until_ = timeline::beginning;
  std::array<bool, 2> open_{};
  std::unique_ptr<config> config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;
  caf::actor asker_;
  std::vector<caf::actor> owned_;
  std::vector<remains> graveyard_;
  std::deque<action> held_timers_, held_input_;  // while frozen
};

}  // namespace postern::simulation

#include "runtime/caf_error.hpp"

namespace postern::simulation {

template <class T, class Handle, class... Ts>
void machine::ask(const Handle& to, duration patience, std::function<void(T)> done,
                  std::function<void(runtime::error)> failed, Ts... content) {
  run_errand([=](caf::event_based_actor* self) {
    self->request(to, caf::timespan{patience}, content...)
        .then([done](T& v) { done(std::move(v)); },
              [failed](caf::error& e) { failed(runtime::from_caf(e)); });
  });
}

template <class Handle, class... Ts>
void machine::ask_void(const Handle& to, duration patience, action done,
                       std::function<void(runtime::error)> failed, Ts... content) {
  run_errand([=](caf::event_based_actor* self) {
    self->request(to, caf::timespan{patience}, content...)
        .then([done] { done(); }, [failed](caf::error& e) { failed(runtime::from_caf(e)); });
  });
}

}  // namespace postern::simulation
