#pragma once
// One user connection that speaks HTTP/1.1 (RFC 9112): reads heads, asks who may, runs one exchange
// after the other, writes what comes back once per turn. Holds no buffer while it is idle.

#include "edge/exchange.hpp"
#include "edge/gatekeeper.hpp"
#include "edge/refusal.hpp"
#include "edge/request_rules.hpp"
#include "edge/service_request.hpp"
#include "edge/user_stream.hpp"
#include "runtime/http1_parser.hpp"

#include <memory>
#include <optional>
#include <string>

namespace postern::edge {

class site;

/// Keeps itself alive while its coroutine runs. One shard.
class http1_connection final : public std::enable_shared_from_this<http1_connection>,
                               private runtime::flushable,
                               private user_stream,
                               private runtime::content_sink {
 public:
  http1_connection(edge_context& context, gatekeeper& gate, site& service,
                   runtime::transport connection, std::string client_address);
  ~http1_connection();

  /// Serves the connection until it ends. Call once.
  runtime::awaitable<void> run();

  /// The node leaves: an idle connection ends now, a busy one after its response.
  void drain();

  /// The node has waited long enough for exchanges that have no connection yet.
  void stop_waiting() { exchange_.stop_waiting(); }

  /// Ends now, whatever runs.
  void end();

 private:
  enum class head_outcome : uint8_t { complete, closed, too_large, too_slow };
  /// How the content of the response is delimited (RFC 9112, section 6).
  enum class framing : uint8_t { none, length, chunked, close, upgraded };

  // -- one request (http1_connection.cpp)
  runtime::awaitable<head_outcome> read_head();
  runtime::awaitable<void> serve();
  runtime::awaitable<void> serve_application(const checked_request& request);
  runtime::awaitable<void> run_exchange(const checked_request& request,
                                        const published_application& to,
                                        const actors::identity* user);
  runtime::awaitable<void> pump();
  /// While an exchange lasts, asks again and again whether its session still may; ends the
  /// connection if not.
  runtime::awaitable<void> watch_session(std::shared_ptr<http1_connection> self,
                                         opened_session session);
  void remember(const checked_request& request);

  // -- what the edge answers by itself (http1_answers.cpp)
  runtime::awaitable<void> serve_service(const checked_request& request);
  /// The whole request with its content; false if that was refused.
  runtime::awaitable<bool> read_service_request(const checked_request& request,
                                                service_request& whole);
  runtime::awaitable<bool> read_service_content(const checked_request& request,
                                                std::string& content);
  void refuse(const runtime::error& why);
  void respond(runtime::http_response response);
  void write_access_log();
  runtime::awaitable<void> finish_output();
  runtime::awaitable<void> close_gently();

  // -- the input buffer and the user's content (http1_input.cpp)
  std::string_view input() const noexcept { return {in_ + in_begin_, in_end_ - in_begin_}; }
  bool make_room();
  void release_input();
  runtime::io_status fill_input();
  void arm_read();
  void take_content();
  void take_raw(size_t room);
  /// Notices the user's end while nothing is read from him.
  void watch_user();
  /// The same once unread bytes hide it from the socket's events: looks again and again.
  void check_for_end();
  void on_content(std::string_view piece) override;
  void on_trailer(std::string_view name, std::string_view value) override;

  // -- output (http1_output.cpp)
  void send_interim(unsigned status, const runtime::field_list& fields) override;
  void send_head(unsigned status, const runtime::field_list& fields, bool ended) override;
  void send_upgrade(const runtime::field_list& fields) override;
  void send_content(std::string_view piece) override;
  void send_end(const runtime::field_list& trailers) override;
  void send_abort() override;
  void wake() override;
  void flush() override;
  void write_status_line(unsigned status);
  void write_fields(const runtime::field_list& fields);
  void wants_flush() { context_.home.flush_at_end_of_turn(*this); }
  void wait_until_writable();
  void drop_connection();

  edge_context& context_;
  gatekeeper& gate_;
  site& site_;
  runtime::transport connection_;
  const std::string client_address_;
  runtime::wait_point point_;
  runtime::coarse_timer deadline_;
  runtime::coarse_timer end_check_;  ///< armed while `unread_` and an exchange runs
  exchange exchange_;

  char* in_ = nullptr;  ///< from the shard's pool, or larger when a head needs it
  size_t in_size_ = 0, in_begin_ = 0, in_end_ = 0;
  std::string out_;
  size_t out_offset_ = 0;

  std::optional<runtime::http1_request_parser> parser_;
  std::string request_id_;
  translated_request translated_;
  std::vector<std::pair<std::string, std::string>> trailers_;
  std::string* service_content_ = nullptr;  ///< where on_content() goes while no exchange runs
  std::unique_ptr<opened_session> session_;

  struct log_facts {
    std::string method, host, path;
  } facts_;
  actors::application_ptr watched_application_;
  uint64_t exchange_number_ = 0;
  uint64_t watched_exchange_ = ~uint64_t{0};  ///< the exchange that watch_session() runs for
  refusal_form form_ = refusal_form::problem;
  std::chrono::steady_clock::time_point started_at_;
  unsigned response_status_ = 0;
  framing framing_ = framing::none;
  bool keep_alive_ = true;
  bool idle_ = false;  ///< waits for the next request
  bool head_request_ = false;
  bool http10_ = false;
  bool content_ended_ = true;   ///< the user's content has been read completely
  bool owes_continue_ = false;  ///< the user waits for a 100 before it sends content
  bool read_armed_ = false;     ///< a handler waits for the socket to become readable
  bool readable_ = false;       ///< it has fired
  bool unread_ = false;  ///< what the user has sent waits in the socket: his end is behind it
  bool write_blocked_ = false;
  bool timed_out_ = false;
  bool dropped_ = false;
};

}  // namespace postern::edge
