#include "runtime/shard.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace postern::runtime {

namespace {

thread_local shard* current_shard = nullptr;

// Tasks may defer tasks (an actor answers an actor); after this many rounds the event loop gets its
// turn again.
constexpr int rounds_per_turn = 32;

}  // namespace

shard::shard(uint32_t index)
    : index_(index),
      timers_(io_),
      read_scratch_(new char[scratch_size]),
      write_scratch_(new char[scratch_size]) {}

// Connections that still wait give back their buffers and leave the turn: the shard's members must
// be there for that.
shard::~shard() {
  io_.drop_handlers();
}

shard* shard::current() noexcept {
  return current_shard;
}

void set_current_shard(shard* s) noexcept {
  current_shard = s;
}

void shard::defer(task run, void* argument) {
  tasks_.push_back({run, argument});
  arm_turn();
}

void shard::forget_tasks(const void* argument) noexcept {
  for (auto* tasks : {&tasks_, &running_tasks_})
    for (auto& t : *tasks)
      if (t.argument == argument) t.run = [](void*) {};
}

void shard::flush_at_end_of_turn(flushable& f) {
  if (f.queued_) return;
  f.queued_ = true;
  flushes_.push_back(&f);
  arm_turn();
}

void shard::forget(flushable& f) noexcept {
  if (!f.queued_) return;
  f.queued_ = false;
  std::replace(flushes_.begin(), flushes_.end(), &f, static_cast<flushable*>(nullptr));
  std::replace(running_flushes_.begin(), running_flushes_.end(), &f,
               static_cast<flushable*>(nullptr));
}

void shard::post(unique_function<void()> f) {
  asio::post(io_, std::move(f));
}

void shard::arm_turn() {
  if (turn_armed_) return;
  turn_armed_ = true;
  asio::post(io_, [this] { run_turn(); });
}

void shard::run_turn() {
  for (int round = 0; round < rounds_per_turn && !tasks_.empty(); ++round) {
    running_tasks_.swap(tasks_);
    for (auto& t : running_tasks_)
      t.run(t.argument);
    running_tasks_.clear();
  }
  running_flushes_.swap(flushes_);
  for (size_t i = 0; i < running_flushes_.size(); ++i) {
    auto* f = running_flushes_[i];
    if (f == nullptr) continue;
    f->queued_ = false;
    running_flushes_[i] = nullptr;
    f->flush();
  }
  running_flushes_.clear();
  turn_armed_ = false;
  if (!tasks_.empty() || !flushes_.empty()) arm_turn();
}

}  // namespace postern::runtime
