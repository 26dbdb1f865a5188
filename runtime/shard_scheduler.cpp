#include "runtime/shard_scheduler.hpp"

#include <caf/actor_system.hpp>
#include <caf/detail/thread_safe_actor_clock.hpp>
#include <caf/execution_unit.hpp>
#include <caf/logger.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <pthread.h>
#include <thread>

namespace postern::runtime {

namespace {

/// What an actor sees of its thread. One per shard.
class shard_unit final : public caf::execution_unit {
 public:
  shard_unit(caf::actor_system& system, shard& home, size_t throughput)
      : caf::execution_unit(&system), shard_(home), throughput_(throughput) {}

  void exec_later(caf::resumable* job) override { schedule(job); }

  void schedule(caf::resumable* job) {
    // Deferred tasks carry one pointer; the unit is found again by the shard's thread.
    shard_.defer(
        [](void* raw) {
          auto* job = static_cast<caf::resumable*>(raw);
          if (current != nullptr)
            current->run(job);
          else
            caf::intrusive_ptr_release(job);  // of a system that has ended
        },
        job);
  }

  shard& home() noexcept { return shard_; }

  static thread_local shard_unit* current;

 private:
  void run(caf::resumable* job) {
    switch (job->resume(this, throughput_)) {
      case caf::resumable::resume_later:
        schedule(job);
        break;
      case caf::resumable::done:
      case caf::resumable::awaiting_message:
      case caf::resumable::shutdown_execution_unit:
        caf::intrusive_ptr_release(job);
        break;
    }
  }

  shard& shard_;
  size_t throughput_;
};

thread_local shard_unit* shard_unit::current = nullptr;

class shard_coordinator final : public caf::scheduler::abstract_coordinator {
 public:
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>) {
    return new shard_coordinator(system);
  }

  explicit shard_coordinator(caf::actor_system& system)
      : abstract_coordinator(system),
        pool_(dynamic_cast<shard_system_config&>(
                  const_cast<caf::actor_system_config&>(system.config()))
                  .shards()) {}

  void enqueue(caf::resumable* job) override {
    if (auto* unit = shard_unit::current) {
      unit->schedule(job);
      return;
    }
    auto& unit = *units_[next_worker_.fetch_add(1, std::memory_order_relaxed) % units_.size()];
    unit.home().post([&unit, job] { unit.schedule(job); });
  }

  caf::detail::thread_safe_actor_clock& clock() noexcept override { return clock_; }

 protected:
  void start() override {
    for (size_t i = 0; i < pool_.size(); ++i) {
      units_.push_back(std::make_unique<shard_unit>(system(), pool_.at(i), max_throughput_));
      auto* unit = units_.back().get();
      unit->home().post([unit] { shard_unit::current = unit; });
    }
    timer_ = std::thread{[this] {
      pthread_setname_np(pthread_self(), "actor-clock");
      clock_.run_dispatch_loop();
    }};
    abstract_coordinator::start();
  }

  void stop() override {
    stop_actors();
    clock_.cancel_dispatch_loop();
    timer_.join();
    // What was enqueued runs first: actors that CAF's network has just told to end (on its own
    // thread) would else be ended by the system's registry, when nothing of the system is left.
    for (auto& unit : units_)
      let_run(unit->home());
    // The units stay until the shards have let go of them: later jobs of a dying system find them
    // gone.
    for (auto& unit : units_) {
      std::atomic<bool> gone{false};
      unit->home().post([&gone] {
        shard_unit::current = nullptr;
        // The system's end waits for every thread that has ever spawned an actor to let go of its
        // logger.
        caf::logger::set_current_actor_system(nullptr);
        gone.store(true);
        gone.notify_one();
      });
      gone.wait(false);
    }
  }

 private:
  /// Returns when the jobs that were posted to a shard before have run: those of a turn run at its
  /// end, behind what was posted meanwhile.
  static void let_run(shard& home) {
    std::atomic<bool> done{false};
    home.post([&home, &done] {
      home.post([&done] {
        done.store(true);
        done.notify_one();
      });
    });
    done.wait(false);
  }

  shard_pool& pool_;
  std::vector<std::unique_ptr<shard_unit>> units_;
  caf::detail::thread_safe_actor_clock clock_;
  std::thread timer_;
};

}  // namespace

shard_system_config::shard_system_config(shard_pool& shards) : shards_(&shards) {
  load<shard_coordinator>();
}

}  // namespace postern::runtime
