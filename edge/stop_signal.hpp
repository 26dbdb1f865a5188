#pragma once
// How a node learns that it is to stop. Used by edge/node.

#include "edge/node_load.hpp"

#include <chrono>
#include <signal.h>
#include <unistd.h>

namespace postern::edge {

/// Blocks SIGTERM and SIGINT in every thread to come, and ignores SIGPIPE; wait() takes them. Make
/// it before the first thread starts.
class stop_signal {
 public:
  stop_signal() {
    ::signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void wait() const {
    int which = 0;
    while (sigwait(&set_, &which) != 0) {
    }
  }
  /// False if none came within the timeout.
  bool wait_for(std::chrono::milliseconds timeout) const {
    const timespec limit{timeout.count() / 1000, (timeout.count() % 1000) * 1'000'000};
    return sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_{};
};

/// Has the process stop as if it had got SIGTERM. Any thread. Does nothing in one that stops
/// already: a second signal would end it at once.
inline void ask_to_stop(node_load& load) {
  if (!load.draining && !load.stop_asked.exchange(true)) ::kill(::getpid(), SIGTERM);
}

}  // namespace postern::edge
