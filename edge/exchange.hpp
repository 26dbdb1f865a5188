#pragma once
// One request and its response, from the user's stream to the tunnel's stream and back: waits for a
// connection, hands the head over, passes content both ways within the windows, translates the
// response head, knows whether a retry is allowed.

#include "actors/failover.hpp"
#include "edge/edge_context.hpp"
#include "edge/exchange_stream.hpp"
#include "edge/published_routes.hpp"
#include "edge/stream_farewell.hpp"
#include "edge/user_stream.hpp"

#include <optional>

namespace postern::edge {

/// What an exchange needs to know of its request.
struct exchange_request {
  const published_application* to = nullptr;
  const runtime::field_list* fields =
      nullptr;  ///< translated; must stay until the exchange has ended
  std::string_view request_id;
  bool has_content = false;
  bool idempotent = false;
  bool websocket = false;
};

/// Lives on the user's shard, as long as the user's stream needs it; reusable for one request after
/// the other.
class exchange final : private exchange_events {
 public:
  enum class state : uint8_t {
    idle,        ///< between requests
    queued,      ///< waits for a connection with room
    requested,   ///< the head is on its way; no response yet
    responding,  ///< the user has got a head
    completed,   ///< ended well
    failed,      ///< ended otherwise; failure() says why if the user has got no head yet
  };

  exchange(edge_context& context, user_stream& user);
  ~exchange();

  /// Queues the exchange and hands the head to a connection. Errors as of group_queue; the user has
  /// got nothing then. After an attempt that may_retry(), call it again.
  runtime::awaitable<runtime::result<void>> start(exchange_request request);

  bool ended() const noexcept { return state_ == state::completed || state_ == state::failed; }
  state current() const noexcept { return state_; }
  /// The user has got a head: no refusal can be sent any more.
  bool head_sent() const noexcept { return head_sent_; }
  /// Why it failed before the user got a head.
  const runtime::error& failure() const noexcept { return failure_; }
  /// Failed in a way that allows one more attempt (actors/failover).
  bool may_retry() const noexcept;

  // -- the user's side
  /// Bytes of content that may be taken from the user now: 0 until the connector has asked for it.
  size_t content_room();
  /// Whether the connector has asked for more content than there was when content_room() was asked
  /// last.
  bool wants_content() const noexcept { return wants_content_; }
  void content(std::string_view piece);
  void content_end(std::vector<std::pair<std::string, std::string>> trailers);
  /// The user has gone: the origin is told at once.
  void user_gone();
  /// The node leaves: an exchange that still waits for a connection waits no longer.
  void stop_waiting();
  /// The node or the connector leaves: a stream that may last for long (a WebSocket, events) is
  /// ended as soon as its client understands it, and begins again elsewhere.
  void tell_to_move();
  /// Something has left towards the user, and in it `bytes` of content.
  void on_sent(size_t bytes);
  /// Nothing happened for a while: the user's connection should be watched for its end.
  bool watch_user() const noexcept { return watch_user_; }

  /// Ready for the next request. Precondition: ended().
  void reset();

  // -- for the access log
  unsigned status() const noexcept { return status_; }
  uint64_t sent_bytes() const noexcept { return content_bytes_; }
  const std::string& connector() const noexcept { return dispatch_.connector; }

 private:
  void on_response_head(const runtime::field_list& fields, bool ended) override;
  void on_response_interim(const runtime::field_list& fields) override;
  void on_response_content(std::string_view piece) override;
  void on_response_trailers(const runtime::field_list& fields) override;
  void on_response_end() override;
  void on_request_room() override;
  void on_connector_silent() override;
  void on_connector_leaving() override { tell_to_move(); }
  void on_stream_closed(uint32_t code) override;

  void enter(state next);
  void fail(runtime::error why, actors::exchange_outcome outcome);
  void complete();
  void hand_over_end();
  void lose_connector();
  void leave_stream(actors::exchange_outcome outcome);
  void on_quiet();
  void arm_quiet(std::chrono::milliseconds after);
  runtime::error connector_error(std::string_view cause) const;
  void translate_response(const runtime::field_list& fields);
  runtime::awaitable<runtime::result<actors::dispatch>> find_connector();
  actors::exchange_ticket make_ticket(std::chrono::steady_clock::time_point now);
  void pass_on(std::string_view piece);
  void say_farewell();

  edge_context& context_;
  user_stream& user_;
  exchange_request request_;
  actors::dispatch dispatch_;
  exchange_stream* stream_ = nullptr;
  runtime::error failure_;
  runtime::field_list response_;  ///< translated
  std::deque<std::string> response_text_;
  std::vector<std::pair<std::string, std::string>> trailers_;
  runtime::coarse_timer quiet_;
  std::chrono::steady_clock::time_point began_at_, dispatched_at_;
  uint64_t content_bytes_ = 0;
  uint64_t progress_ = 0;  ///< rises whenever bytes go either way
  uint64_t progress_seen_ = 0;
  size_t unsent_ = 0;  ///< response content handed to the user's side and not yet consumed
  actors::failover failover_;
  std::string avoid_;                ///< the connector that failed it last
  actors::group_queue_actor queue_;  ///< that has got the ticket
  stream_farewell farewell_;
  std::chrono::milliseconds response_delay_{0};
  uint64_t ticket_ = 0;  ///< id in the queue
  unsigned status_ = 0;
  state state_ = state::idle;
  bool dispatched_ = false;  ///< a place on a tunnel is ours, and must be given back once
  bool user_left_ = false;   ///< while it was queued
  bool head_sent_ = false;
  bool guarded_ = false;  ///< its end is handed over only when the connector asks for it
  bool wants_content_ = false;
  bool watch_user_ = false;
  bool moving_ = false;  ///< told to move
  bool said_farewell_ = false;
};

}  // namespace postern::edge
