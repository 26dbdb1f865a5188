#pragma once
// The connector's end of one tunnel (docs/tunnel-protocol.md): hello, heartbeat, leaving, and an
// exchange for every stream.

#include "actors/tunnel_hello.hpp"
#include "actors/tunnel_lease.hpp"
#include "connector/origin_exchange.hpp"
#include "runtime/unique_function.hpp"

#include <string>

namespace postern::connector {

/// The application protocol of tunnels (rule 1).
inline constexpr const char* tunnel_protocol = "postern-tunnel/1";

/// Owns the connection; lives on one shard from the end of the TLS handshake to the end of run().
class tunnel final : private runtime::http2_owner, public exchange_host {
 public:
  /// `on_open` is called once, when the node has been told hello.
  tunnel(exchange_context& context, exchange_pool& exchanges, runtime::transport connection,
         actors::tunnel_hello me, runtime::unique_function<void()> on_open);

  /// Serves until the tunnel ends; the error says why. Causes, besides those of http2_session:
  /// "hello_timeout", "hello_malformed", "heartbeat_lost"; "tunnel_drained" is a planned end,
  /// unless the node was quicker to end the connection.
  runtime::awaitable<runtime::error> run();

  /// Leaves: takes no more exchanges, lets the running ones finish, then ends.
  void drain();

 private:
  /// The node's first request.
  class hello_stream final : public runtime::http2_stream {
   public:
    explicit hello_stream(tunnel& owner) : owner_(owner) {}
    void on_head(const runtime::field_list& fields, bool end_of_stream) override;
    void on_content(std::string_view) override {}
    void on_end() override {}
    void on_closed(uint32_t) override { owner_.end_if_left(); }

   private:
    tunnel& owner_;
  };

  // http2_owner
  runtime::http2_stream* on_request_stream() override;
  void on_going_away() override;
  void on_heard() override;
  void on_ping_answer() override;

  // exchange_host
  runtime::http2_session& session() noexcept override { return session_; }
  bool lease_holds() const noexcept override;
  void on_exchange_closed() override { end_if_left(); }

  void answer_hello(const runtime::field_list& fields);
  void on_beat();
  void arm_beat();
  /// Returns the ping's number.
  uint64_t ping();
  void follow(actors::tunnel_lease::step next);
  void give_up(std::string cause, std::string detail);
  void end_if_left();
  void on_left();

  using clock = std::chrono::steady_clock;

  exchange_context& context_;
  exchange_pool& exchanges_;
  actors::tunnel_hello hello_;
  runtime::unique_function<void()> on_open_;
  hello_stream hello_stream_{*this};
  runtime::coarse_timer beat_, farewell_;
  const clock::time_point began_;
  actors::tunnel_lease lease_;
  uint64_t farewell_ping_ = 0;  // the one behind our GOAWAY
  bool greeted_ = false;        // the first stream has come
  bool open_ = false;
  bool leaving_ = false;     // either side has sent GOAWAY
  bool node_knows_ = false;  // ... and nothing that the node sent before it knew is under way
  runtime::error reason_;    // why it ends, if we end it
  runtime::http2_session session_;
};

}  // namespace postern::connector
