#pragma once
// What the tests of the connector actors share: the deterministic system, a way to ask without
// blocking, and doubles that write down what they are told. Include it after CAF_SUITE.

#include "actors/contracts.hpp"
#include "runtime/caf_error.hpp"

#include <caf/all.hpp>
#include <caf/test/dsl.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::actors::testing {

using namespace std::chrono_literals;

/// Longer than any test lasts, so that only the actor asked ends a request.
inline constexpr std::chrono::seconds request_patience{86'400 * 1'000};

struct system_config : caf::actor_system_config {
  system_config() { add_message_types<caf::id_block::postern>(); }
};

/// What a request has brought so far.
template <class T>
struct answer {
  std::optional<T> value;
  std::optional<runtime::error> failure;

  bool pending() const { return !value && !failure; }
  /// The cause of the failure; "pending" or "answered" if there is none.
  std::string cause() const {
    if (failure) return failure->cause;
    return value ? "answered" : "pending";
  }
};

template <class T>
using answer_ptr = std::shared_ptr<answer<T>>;

/// Lets handles be ended when the test ends: actors with timers would run for ever.
struct fixture : test_coordinator_fixture<system_config> {
  ~fixture() override {
    for (auto i = owned_.rbegin(); i != owned_.rend(); ++i)
      caf::anon_send_exit(*i, caf::exit_reason::kill);
    consume_messages();
  }

  template <class Handle>
  Handle own(Handle h) {
    owned_.push_back(caf::actor_cast<caf::actor>(h));
    return h;
  }

  /// Sends a request and lets everybody work; the answer may come later.
  template <class T, class Handle, class... Ts>
  answer_ptr<T> ask(const Handle& to, Ts... xs) {
    auto a = std::make_shared<answer<T>>();
    sys.spawn([=](caf::event_based_actor* me) {
      me->request(to, request_patience, xs...)
          .then([a](T& v) { a->value = std::move(v); },
                [a](caf::error& e) { a->failure = runtime::from_caf(e); });
    });
    consume_messages();
    return a;
  }

  /// The same for a request that is answered without a value: true stands for success.
  template <class Handle, class... Ts>
  answer_ptr<bool> ask_void(const Handle& to, Ts... xs) {
    auto a = std::make_shared<answer<bool>>();
    sys.spawn([=](caf::event_based_actor* me) {
      me->request(to, request_patience, xs...)
          .then([a] { a->value = true; },
                [a](caf::error& e) { a->failure = runtime::from_caf(e); });
    });
    consume_messages();
    return a;
  }

  template <class Handle, class... Ts>
  void tell(const Handle& to, Ts... xs) {
    caf::anon_send(to, xs...);
    consume_messages();
  }

  /// Moves the clock and lets everybody work. Steps, so that timers made on the way count as well.
  void pass(caf::timespan time, caf::timespan step = 1s) {
    for (; time > caf::timespan::zero(); time -= step) {
      advance_time(std::min(time, step));
      consume_messages();
    }
  }

  bool is_alive(const caf::actor_addr& a) const {
    const auto strong = caf::actor_cast<caf::strong_actor_ptr>(a);
    return strong && !strong->get()->getf(caf::abstract_actor::is_terminated_flag);
  }

 private:
  std::vector<caf::actor> owned_;
};

/// A tunnel_control that only writes down what it is told to cut, and to summon.
struct cut_tunnel {
  tunnel_id id;
  std::string why;
};
using cut_list = std::shared_ptr<std::vector<cut_tunnel>>;

inline tunnel_control_actor::behavior_type recording_tunnel_control(tunnel_control_actor::pointer,
                                                                    cut_list cuts) {
  return {[cuts](shut_atom, tunnel_id id, const std::string& why) { cuts->push_back({id, why}); },
          [cuts](summon_atom, tunnel_id id, const std::string& address) {
            cuts->push_back({id, "summon to " + address});
          }};
}

inline tunnel_info make_tunnel(uint64_t number, uint32_t capacity, uint32_t shard = 0,
                               std::string connector = "c1") {
  tunnel_info t;
  t.id = {shard, number};
  t.connector = std::move(connector);
  t.capacity = capacity;
  return t;
}

}  // namespace postern::actors::testing
