#pragma once
// One user connection that speaks HTTP/1.1 (RFC 9112): reads heads, asks who may, runs one exchange
// after the other, writes what comes back once per turn. Holds no buffer while it is idle.

#include "edge/user_connection.hpp"
#include "edge/user_request.hpp"
#include "runtime/byte_queue.hpp"
#include "runtime/http1_parser.hpp"
#include "runtime/waiting_content.hpp"

#include <memory>
#include <optional>
#include <string>

namespace postern::edge {

/// Keeps itself alive while its coroutine runs. One shard.
class http1_connection final : public user_connection,
                               public std::enable_shared_from_this<http1_connection>,
                               private user_request,
                               private runtime::flushable,
                               private runtime::content_sink {
 public:
  http1_connection(edge_context& context, gatekeeper& gate, site& service,
                   runtime::transport connection, std::string client_address);
  ~http1_connection() override;

  runtime::awaitable<void> run() override;
  void make_brief() override { serve_service_only(); }
  void drain() override { tell_to_move(); }
  void leave() override;
  void stop_waiting() override { user_request::stop_waiting(); }
  void end() override;

 private:
  enum class head_outcome : uint8_t { complete, closed, too_large, too_slow };
  /// How the content of the response is delimited (RFC 9112, section 6).
  enum class framing : uint8_t { none, length, chunked, close, upgraded };

  // -- one request (http1_connection.cpp)
  runtime::awaitable<head_outcome> read_head();
  runtime::awaitable<void> serve_next();
  runtime::awaitable<runtime::result<void>> read_content(const checked_request& request,
                                                         std::string& content) override;
  void send_response(const runtime::http_response& response) override;
  runtime::awaitable<void> pump() override;
  void cut() override { drop_connection(); }
  bool is_gone() const noexcept override { return dropped_; }
  runtime::transport& user_transport() noexcept override { return connection_; }
  std::shared_ptr<const void> hold() override { return shared_from_this(); }
  void cancel_after(std::chrono::milliseconds patience);
  runtime::awaitable<void> finish_output();
  void watch_output();
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

  runtime::transport connection_;
  const std::string client_address_;
  runtime::wait_point point_;
  runtime::coarse_timer deadline_;
  runtime::coarse_timer end_check_;  ///< armed while `unread_` and an exchange runs

  char* in_ = nullptr;  ///< from the shard's pool, or larger when a head needs it
  size_t in_size_ = 0, in_begin_ = 0, in_end_ = 0;
  runtime::byte_queue out_;
  runtime::waiting_content out_content_;  ///< in out_
  uint64_t sent_ = 0, sent_seen_ = 0;     ///< bytes of it that the socket has taken

  std::optional<runtime::http1_request_parser> parser_;
  std::vector<std::pair<std::string, std::string>> trailers_;
  std::string* service_content_ = nullptr;  ///< where on_content() goes while no exchange runs
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
  bool leaving_ = false;  ///< nothing new is waited for
};

}  // namespace postern::edge
