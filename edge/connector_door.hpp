#pragma once
// In front of the TLS handshake: while many connectors come at once they are let in at a bounded
// rate (actors/admission_rate), so that users are served meanwhile. Who asks for the service name
// is a connector, or an administrator's enrolment; nobody else waits.

#include "actors/admission_rate.hpp"
#include "edge/edge_context.hpp"
#include "runtime/wait_point.hpp"

#include <vector>

namespace postern::edge {

/// One per shard, on that shard.
class connector_door {
 public:
  explicit connector_door(edge_context& context) : context_(context) {}

  /// How a connection has come in.
  enum class entry : uint8_t {
    refused,  ///< it is to be closed
    unseen,   ///< whoever it is
    user,     ///< it does not ask for the service name
    turn,     ///< it does, and its turn has come
  };

  /// Returns when the connection may shake hands, or is refused. As long as there is no rush it
  /// looks at nothing and returns at once. `socket` stays where it is meanwhile.
  runtime::awaitable<entry> pass(runtime::tcp_socket& socket);
  /// The handshake of one that has not been refused is over: whether it was for the service name.
  void shaken(entry how, bool for_service);
  /// Lets nobody wait any longer, and nobody else in.
  void close();

 private:
  using clock = std::chrono::steady_clock;
  enum class guest : uint8_t { connector, user, gone };

  runtime::awaitable<guest> look_at(runtime::tcp_socket& socket);
  runtime::awaitable<void> wait_for_bytes(runtime::tcp_socket& socket, clock::duration most);
  runtime::awaitable<void> rest(clock::duration time);
  /// Counts one that waits or is turned away, and tells the log now and then.
  void report(clock::time_point now, bool comes_in);

  edge_context& context_;
  actors::admission_rate rate_;
  uint32_t unseen_ = 0;  ///< passed without a look, and not shaken() yet
  std::vector<runtime::tcp_socket*> looked_at_;
  std::vector<runtime::wait_point*> resting_;
  uint64_t deferred_ = 0, turned_away_ = 0;  ///< since the last report
  clock::time_point reported_{};
  bool closed_ = false;
};

}  // namespace postern::edge
