#pragma once
// The node's side of a tunnel (docs/tunnel-protocol.md): hello, heartbeat, announcement to the
// actors, end.

#include "actors/peer_watch.hpp"
#include "edge/edge_context.hpp"
#include "runtime/http2_session.hpp"

#include <memory>
#include <unordered_map>
#include <vector>

namespace postern::edge {

/// What TLS has proven of the connector at the other end.
struct tunnel_peer {
  std::string connector;  ///< the certificate's common name
  std::string serial;
  std::string address;
};

class tunnel;

/// Who wants to know how it stands with a tunnel's connector. Lives on the tunnel's shard. Either
/// call may make the listener stop listening itself, and nobody else.
class tunnel_listener {
 public:
  /// Nothing is heard of it.
  virtual void on_silent() = 0;
  /// It leaves as planned.
  virtual void on_leaving() = 0;

 protected:
  ~tunnel_listener() = default;

 private:
  friend class tunnel;
  size_t place_ = 0;  // in the tunnel's list, from 1; 0: not listening
};

/// One tunnel. Lives on one shard from its handshake on; ends itself when the connection ends.
class tunnel final : public std::enable_shared_from_this<tunnel>, private runtime::http2_owner {
 public:
  enum class state : uint8_t {
    greeting,   ///< waits for the connector's hello
    attaching,  ///< the registry is asked whether it may come in
    serving,    ///< takes exchanges
    draining,   ///< the connector leaves: running exchanges finish
    closed,
  };

  tunnel(edge_context& context, runtime::transport connection, tunnel_peer peer);
  ~tunnel();

  /// Runs until the tunnel has ended. Call once, on the tunnel's shard.
  runtime::awaitable<void> run();

  /// Cuts the tunnel; exchanges on it end as "connector lost". The reason is for the log.
  void cut(const std::string& reason);

  /// Announces that this node leaves (GOAWAY).
  void leave();

  /// Asks the connector to dial the node at an address ("IP:port"; rule 13).
  void summon(const std::string& address);

  /// Tells a restarted registry of this tunnel.
  void attach_again();

  uint64_t number() const noexcept { return info_.id.number; }
  runtime::http2_session& session() noexcept { return session_; }
  /// Whether nothing has been heard of the connector for so long that it gets nothing more.
  bool silent() const noexcept { return watch_.silent(); }
  void listen(tunnel_listener& l);
  /// Of one who does not listen: does nothing.
  void unlisten(tunnel_listener& l) noexcept;
  bool serves() const noexcept { return state_ == state::serving || state_ == state::draining; }

 private:
  class hello_stream;
  class summons_stream;

  void on_going_away() override;
  void on_heard() override { watch_.heard(); }
  void enter(state next);
  runtime::awaitable<runtime::result<void>> greet();
  runtime::awaitable<runtime::result<void>> attach();
  runtime::awaitable<void> open();
  void beat();
  void change_silence(bool silent);
  void tell_listeners(void (tunnel_listener::*what)());

  edge_context& context_;
  tunnel_peer peer_;
  actors::tunnel_info info_;
  actors::connector_connection_actor connection_;
  runtime::http2_session session_;
  std::unique_ptr<hello_stream> hello_;
  std::vector<std::unique_ptr<summons_stream>> summonses_;
  runtime::coarse_timer heartbeat_;
  actors::peer_watch watch_;
  std::vector<tunnel_listener*> listeners_;
  state state_ = state::greeting;
  std::string end_reason_;
};

/// Whether a tunnel stays open although a restarted registry has not let it in again: that one has
/// ended as well, and the next one is asked anew.
bool waits_for_next_registry(const runtime::error& why) noexcept;

/// The tunnels of one shard.
class tunnel_table {
 public:
  void add(const std::shared_ptr<tunnel>& t) { tunnels_[t->number()] = t; }
  void remove(uint64_t number) { tunnels_.erase(number); }
  std::shared_ptr<tunnel> find(uint64_t number) const {
    const auto i = tunnels_.find(number);
    return i == tunnels_.end() ? nullptr : i->second;
  }
  template <class F>
  void for_each(F&& f) {
    auto copy = tunnels_;
    for (auto& [number, t] : copy)
      f(*t);
  }
  size_t size() const noexcept { return tunnels_.size(); }

 private:
  std::unordered_map<uint64_t, std::shared_ptr<tunnel>> tunnels_;
};

/// Takes over a tunnel connection that some shard has accepted: puts it on the shard with the
/// fewest tunnels of that connector, and runs it there.
void adopt_tunnel(edge_context& accepted_on, runtime::transport connection, tunnel_peer peer);

}  // namespace postern::edge
