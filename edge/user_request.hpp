#pragma once
// What serving a request is, whatever the user speaks: whose it is, who may, the exchange,
// refusals, the access log. http1_connection serves one after the other, http2_connection many at
// once.

#include "edge/exchange.hpp"
#include "edge/gatekeeper.hpp"
#include "edge/refusal.hpp"
#include "edge/request_rules.hpp"
#include "edge/service_request.hpp"
#include "edge/user_stream.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace postern::edge {

class site;

/// Serves one request at a time and is used again for the next. One shard. The base of what knows
/// the framing of a protocol.
class user_request : protected user_stream {
 public:
  /// The node has waited long enough for exchanges that have no connection yet.
  void stop_waiting() { exchange_.stop_waiting(); }
  /// The node leaves.
  void tell_to_move() { exchange_.tell_to_move(); }

 protected:
  user_request(edge_context& context, gatekeeper& gate, site& service);
  ~user_request() = default;

  /// A request has come: makes its id, starts its clock. Before anything else about it.
  void begin(std::string_view client_address);

  /// Answers a request: by the service itself, by a refusal, or by an exchange. `fields` and the
  /// request's views must stay until it returns, but for content that overwrites them (HTTP/1.1).
  runtime::awaitable<void> serve(const checked_request& request, const runtime::field_list& fields);

  /// Answers with a refusal and logs it.
  void refuse(const runtime::error& why);

  /// The line of the access log, once the request is over.
  void write_access_log();

  // -- what the protocol does
  /// Reads the whole content of a request to the service itself. Errors: "content_too_large" beyond
  /// limits::service_content_bytes, "request_timeout" after limits::service_content_timeout,
  /// "malformed_content" also if the user has gone.
  virtual runtime::awaitable<runtime::result<void>> read_content(const checked_request& request,
                                                                 std::string& into) = 0;
  /// Sends a whole response.
  virtual void send_response(const runtime::http_response& response) = 0;
  /// Moves content both ways until the exchange has ended or the user has gone. Calls
  /// watch_session() whenever it wakes.
  virtual runtime::awaitable<void> pump() = 0;
  /// Ends the request so that nobody takes what was sent for whole.
  virtual void cut() = 0;
  /// The user has left, or was cut.
  virtual bool is_gone() const noexcept = 0;
  virtual runtime::transport& user_transport() noexcept = 0;
  /// Keeps this object alive.
  virtual std::shared_ptr<const void> hold() = 0;

  /// Once an exchange has lasted for a while: asks again and again whether its session still may,
  /// and cuts it if not.
  void watch_session();

  void respond(const runtime::http_response& response);

  /// The node is full: only requests to the service's own names are served.
  void serve_service_only() noexcept { service_only_ = true; }
  bool serves_service_only() const noexcept { return service_only_; }

  edge_context& context_;
  exchange exchange_;
  std::string request_id_;
  unsigned response_status_ = 0;
  std::unique_ptr<opened_session> session_;  ///< of the last request that had one

 private:
  using clock = std::chrono::steady_clock;

  void remember(const checked_request& request, const runtime::field_list& fields);
  runtime::awaitable<void> serve_service(const checked_request& request,
                                         const runtime::field_list& fields);
  runtime::awaitable<void> serve_application(const checked_request& request,
                                             const runtime::field_list& fields);
  runtime::awaitable<void> serve_reserved(const published_application& to,
                                          const checked_request& request,
                                          const runtime::field_list& fields);
  runtime::awaitable<bool> make_whole(const checked_request& request,
                                      const runtime::field_list& fields, service_request& whole);
  runtime::awaitable<void> run_exchange(const checked_request& request,
                                        const runtime::field_list& fields,
                                        const published_application& to,
                                        const actors::identity* user);
  /// As it is published now: whoever is not assigned any more is not served any longer.
  runtime::awaitable<runtime::result<actors::access_decision>> decide_again(
      const std::string& application, opened_session& session);
  runtime::awaitable<void> ask_again(std::shared_ptr<const void> self, opened_session session);

  gatekeeper& gate_;
  site& site_;
  std::string client_address_;
  translated_request translated_;
  struct log_facts {
    std::string method, host, path;
  } facts_;
  actors::application_ptr watched_application_;
  uint64_t exchange_number_ = 0;
  uint64_t watched_exchange_ = ~uint64_t{0};  ///< the exchange that ask_again() runs for
  clock::time_point began_at_;
  refusal_form form_ = refusal_form::problem;
  bool authenticated_ = false;  ///< session_ is this request's
  bool service_only_ = false;
};

}  // namespace postern::edge
