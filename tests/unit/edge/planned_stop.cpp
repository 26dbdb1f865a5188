#define CAF_SUITE planned_stop
// When a stop is over. What it tells users and connectors is in end_to_end/.
#include "edge/planned_stop.hpp"

#include <caf/test/dsl.hpp>

#include <csignal>

using namespace postern::edge;
using namespace std::chrono_literals;

namespace {

struct old_signals {
  old_signals() {
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    on_pipe = std::signal(SIGPIPE, SIG_DFL);
  }
  ~old_signals() {
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    std::signal(SIGPIPE, on_pipe);
  }
  sigset_t mask{};
  void (*on_pipe)(int) = nullptr;
};

struct fixture {
  /// Whether it takes a second signal to end the stop.
  bool is_held_up() {
    std::raise(SIGTERM);
    let_go({}, load, signals, {});
    // Whoever looked for signals has taken it.
    return !signals.wait_for(0ms);
  }

  old_signals before;
  stop_signal signals;
  node_load load;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(planned_stop_tests, fixture)

CAF_TEST(a node with nothing to finish stops at once) {
  CAF_CHECK(!is_held_up());
}

CAF_TEST(exchanges and connections hold up the stop until a second signal) {
  load.exchanges = 1;
  CAF_CHECK(is_held_up());
  load.exchanges = 0;
  load.connections = 1;
  CAF_CHECK(is_held_up());
}

CAF_TEST(exchanges that last are waited for but are no connections) {
  load.watches = 1;
  load.connections = load.waiting_pulls = 1;
  CAF_CHECK(is_held_up());
  load.watches = 0;
  CAF_CHECK(!is_held_up());
}

CAF_TEST(connectors that wait for news hold nothing up) {
  load.exchanges = load.connections = load.waiting_pulls = 2;
  CAF_CHECK(!is_held_up());
  load.exchanges = 3;
  CAF_CHECK(is_held_up());
}

CAF_TEST(tunnels hold nothing up) {
  load.tunnels = 5;
  CAF_CHECK(!is_held_up());
}

CAF_TEST_FIXTURE_SCOPE_END()
