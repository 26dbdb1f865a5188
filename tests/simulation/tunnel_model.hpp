#pragma once
// A tunnel of the simulated world: its two ends and what they say to each other, the frames of
// docs/tunnel-protocol.md as calls over a simulated connection.

#include "actors/peer_watch.hpp"
#include "actors/tunnel_lease.hpp"
#include "runtime/http_fields.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/network.hpp"

#include <set>

namespace postern::simulation {

class node_process;
class connector_process;
class connector_tunnel;
class node_exchange;

/// The head of a request on its way to a connector.
struct request_head {
  uint64_t stream = 0;  ///< unique in the world
  uint64_t exchange = 0;
  method how = method::get;
  std::string application;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// How a stream ends before its response.
enum class stream_end : uint8_t { refused, lost };

/// The node's end. Mirrors edge/tunnel and edge/exchange_stream.
class node_tunnel : public std::enable_shared_from_this<node_tunnel> {
 public:
  node_tunnel(node_process& node, connection_ptr wire, actors::tunnel_info info);

  void begin(std::shared_ptr<connector_tunnel> far);
  uint64_t number() const noexcept { return info_.id.number; }
  const actors::tunnel_info& info() const noexcept { return info_; }
  bool silent() const noexcept { return watch_.silent(); }
  bool attached() const noexcept { return attached_ && !ended_; }
  /// Takes exchanges as far as the node knows, and has for a while.
  bool settled(duration since = std::chrono::seconds{1}) const;
  size_t streams() const noexcept { return streams_.size(); }
  /// Whether the queue has counted its places from the beginning.
  bool counted() const noexcept { return counted_; }
  void miscounted() noexcept { counted_ = false; }

  /// False: refused.
  bool submit(node_exchange& from, const request_head& head, bool ended);
  void hand_over(uint64_t stream);
  void reset(uint64_t stream);
  void cut(const std::string& why);
  void attach();
  void leave();
  /// Asks the connector to dial the node at an address.
  void summon(const std::string& address);

  // -- from the connector
  void on_hello();
  void on_window(uint64_t stream);
  void on_started(uint64_t stream);
  void on_response(uint64_t stream, const std::string& cause);
  void on_refused(uint64_t stream);
  void on_going_away();
  void on_ping();
  void on_ping_answer() { watch_.heard(); }

 private:
  void beat();
  void end(const std::string& why);
  template <class F>
  void tell_far(F what);
  node_exchange* take(uint64_t stream);

  node_process& node_;
  connection_ptr wire_;
  std::shared_ptr<connector_tunnel> far_;
  actors::tunnel_info info_;
  actors::connector_connection_actor connection_;
  actors::peer_watch watch_;
  std::map<uint64_t, node_exchange*> streams_;
  std::optional<actor_time> serving_since_;
  bool attached_ = false;
  bool going_away_ = false;
  bool ended_ = false;
  bool counted_ = true;
  std::string why_;
};

/// The connector's end with its exchanges. Mirrors connector/tunnel and connector/origin_exchange.
class connector_tunnel : public std::enable_shared_from_this<connector_tunnel> {
 public:
  connector_tunnel(connector_process& connector, connection_ptr wire, uint32_t slot);

  void begin(std::shared_ptr<node_tunnel> far);
  void drain();
  size_t running() const noexcept { return exchanges_.size(); }

  // -- from the node
  void on_hello();
  void on_request(const request_head& head, bool ended);
  void on_end(uint64_t stream);
  void on_reset(uint64_t stream);
  void on_ping();
  void on_ping_answer();
  void on_going_away();
  void on_summons(const std::string& address);
  /// Before any of the above has an effect.
  void heard();

 private:
  enum class step : uint8_t { connecting, fenced, announcing, started };
  struct exchange {
    request_head head;
    step at = step::connecting;
    bool ended = false;
  };

  void beat();
  void follow(actors::tunnel_lease::step next);
  uint64_t ping();
  bool may_start(uint64_t stream);
  void reach_origin(uint64_t stream);
  void announce(uint64_t stream);
  void start(uint64_t stream);
  void deliver(uint64_t stream);
  void respond(uint64_t stream, const std::string& cause);
  void end_if_left();
  void close(const std::string& why);
  template <class F>
  void tell_far(F what);

  connector_process& connector_;
  connection_ptr wire_;
  std::shared_ptr<node_tunnel> far_;
  uint32_t slot_;
  actors::tunnel_lease lease_;
  std::map<uint64_t, exchange> exchanges_;
  uint64_t farewell_ = 0;
  bool leaving_ = false;
  bool node_knows_ = false;
  bool ended_ = false;
};

}  // namespace postern::simulation
