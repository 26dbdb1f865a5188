#pragma once
// One request of a user over HTTP/2: the stream on one side, the serving of the request on the
// other.

#include "edge/http2_connection.hpp"
#include "edge/user_request.hpp"
#include "runtime/byte_queue.hpp"

namespace postern::edge {

/// Serves one request after the other, by one coroutine that waits in between. Owned by its
/// connection and by that coroutine.
class http2_request final : public runtime::http2_stream,
                            public std::enable_shared_from_this<http2_request>,
                            private user_request {
 public:
  explicit http2_request(http2_connection& connection);
  ~http2_request() override;

  /// The coroutine; until quit().
  runtime::awaitable<void> run();
  /// A stream has begun. Precondition: at rest.
  void assign();
  void quit();
  using user_request::stop_waiting;
  using user_request::tell_to_move;

 private:
  /// Of the objects' use; each stream goes through them in this order.
  enum class state : uint8_t {
    resting,   ///< waits for a stream
    assigned,  ///< a stream is there, its head is not complete
    serving,   ///< the coroutine is at work
    answered,  ///< all is said; the stream's end is awaited
  };

  // -- the stream
  void on_head(const runtime::field_list& fields, bool end_of_stream) override;
  void on_head_too_large(const runtime::field_list& kept) override;
  void on_content(std::string_view piece) override;
  void on_trailers(const runtime::field_list& fields) override;
  void on_end() override;
  void on_sent(size_t bytes) override;
  void on_closed(uint32_t code) override;

  // -- serving
  runtime::awaitable<void> serve_next();
  runtime::awaitable<void> serve_checked();
  runtime::awaitable<void> wait_for_end();
  runtime::awaitable<runtime::result<void>> read_content(const checked_request& request,
                                                         std::string& into) override;
  void send_response(const runtime::http_response& response) override;
  runtime::awaitable<void> pump() override;
  void cut() override;
  bool is_gone() const noexcept override { return closed_; }
  runtime::transport& user_transport() noexcept override { return session().connection(); }
  std::shared_ptr<const void> hold() override;

  // -- what the exchange says
  void send_interim(unsigned status, const runtime::field_list& fields) override;
  void send_head(unsigned status, const runtime::field_list& fields, bool ended) override;
  void send_upgrade(const runtime::field_list& fields) override;
  void send_content(std::string_view piece) override;
  void send_end(const runtime::field_list& trailers) override;
  void send_abort() override;
  void wake() override;

  runtime::http2_session& session() noexcept { return connection_.session(); }
  void keep_head(const runtime::field_list& fields);
  void take_content();
  size_t pass_on(std::string_view piece);
  void submit_head(unsigned status, const runtime::field_list& fields, bool ended);
  void make_websocket_key();
  void on_late();

  http2_connection& connection_;
  runtime::wait_point begin_, point_;
  runtime::coarse_timer deadline_;
  std::string head_;             ///< what fields_ points into
  runtime::field_list fields_;   ///< of the request
  runtime::field_list out_;      ///< of a head on its way to the user
  runtime::byte_queue content_;  ///< of the request: not asked for yet; at most the window
  std::vector<std::pair<std::string, std::string>> trailers_;
  std::string* whole_ = nullptr;  ///< where content goes while a request to the service is read
  std::string websocket_key_;
  uint64_t sent_ = 0, sent_seen_ = 0;
  uint64_t all_seen_ = 0;  ///< of connection_.sent(), at the same time as sent_seen_
  state state_ = state::resting;
  bool quitting_ = false;
  bool closed_ = true;  ///< the stream has ended
  bool head_too_large_ = false;
  bool head_request_ = false;
  bool mute_ = false;  ///< the response has no content, whatever the origin sends
  bool has_content_ = false;
  bool content_ended_ = false;   ///< the user has sent everything
  bool content_begun_ = false;   ///< some of it has gone on to this exchange
  bool content_passed_ = false;  ///< ... and this exchange has been told
  bool owes_continue_ = false;   ///< the user waits for a 100 before it sends content
  bool window_raised_ = false;
};

}  // namespace postern::edge
