#pragma once
// One user connection that speaks HTTP/2 (RFC 9113): many requests at once, each an http2_request
// of its own; several host names, each with its own application and policy.

#include "edge/edge_context.hpp"
#include "edge/gatekeeper.hpp"
#include "edge/user_connection.hpp"
#include "runtime/http2_session.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::edge {

class http2_request;
class site;

/// Keeps itself alive while its coroutines run. One shard.
class http2_connection final : public user_connection,
                               public std::enable_shared_from_this<http2_connection>,
                               private runtime::http2_owner {
 public:
  http2_connection(edge_context& context, gatekeeper& gate, site& service,
                   runtime::transport connection, std::string client_address);
  ~http2_connection() override;

  runtime::awaitable<void> run() override;
  void make_brief() override;
  void drain() override;
  void leave() override;
  void stop_waiting() override;
  void end() override;

  // -- for its requests
  edge_context& context() noexcept { return context_; }
  gatekeeper& gate() noexcept { return gate_; }
  site& service() noexcept { return site_; }
  runtime::http2_session& session() noexcept { return session_; }
  const std::string& client_address() const noexcept { return client_address_; }
  /// Whether a request for this host may come over this connection: the certificate that was shown
  /// is good for it, and both or neither are the name that asks for client certificates (RFC 9113,
  /// section 9.1.2: else 421).
  bool covers(std::string_view host);
  /// The session that a request of this connection has opened last: cookies are rarely different.
  const std::unique_ptr<opened_session>& last_session() const noexcept { return last_session_; }
  void remember(const opened_session& session);
  /// Only requests to the service's own names are served (make_brief()).
  bool is_brief() const noexcept { return brief_; }
  /// The head of the newest request is complete.
  void on_head_complete() noexcept { deadline_.disarm(); }
  /// Content of some request is on its way to the user.
  void on_sent(size_t bytes) noexcept { sent_ += bytes; }
  /// How much content of all requests together has been.
  uint64_t sent() const noexcept { return sent_; }
  /// A request is over and its coroutine at rest.
  void release(http2_request& request);

 private:
  runtime::http2_stream* on_request_stream() override;
  void make_request();
  void keep_free(size_t most);
  void arm_idle(std::chrono::milliseconds after);
  void on_idle();
  void linger();

  edge_context& context_;
  gatekeeper& gate_;
  site& site_;
  const std::string client_address_;
  const std::string server_name_;  ///< that the client asked TLS for
  std::string covered_;            ///< the last host that the certificate was found good for
  std::unique_ptr<opened_session> last_session_;
  std::vector<std::shared_ptr<http2_request>> requests_;
  std::vector<http2_request*> free_;
  runtime::http2_session session_;
  runtime::wait_point done_;
  runtime::coarse_timer deadline_;  ///< of the head that arrives, or of being idle
  runtime::coarse_timer farewell_;  ///< of leaving
  uint64_t sent_ = 0;
  bool rested_ = false;  ///< idle for so long that nothing is kept for the next request
  bool left_ = false;    ///< the last GOAWAY is out
  bool brief_ = false;   ///< the node is full: leaves after the first request
};

}  // namespace postern::edge
