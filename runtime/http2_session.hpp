#pragma once
// One HTTP/2 connection (RFC 9113) by nghttp2, in either role: the tunnel's node side sends the
// requests over a connection it accepted, the connector answers them over one it dialled; the edge
// answers users. All frames of a turn leave in one write.

#include "runtime/byte_queue.hpp"
#include "runtime/error.hpp"
#include "runtime/http2_guard.hpp"
#include "runtime/http_fields.hpp"
#include "runtime/limits.hpp"
#include "runtime/transport.hpp"
#include "runtime/wait_point.hpp"

#include <nghttp2/nghttp2.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::runtime {

class http2_session;

/// One stream as its user sees it. Callbacks run on the session's shard, inside the session's
/// reading or flushing: they may write, reset and submit, but not destroy the session. A stream
/// lives until after on_closed(), and may then be used again.
class http2_stream {
 public:
  virtual ~http2_stream() = default;

  /// A head (request or final response) is complete. Views end with the call.
  virtual void on_head(const field_list& fields, bool end_of_stream) = 0;
  /// An interim response (1xx).
  virtual void on_interim(const field_list&) {}
  /// Untrusted peers: the head or the trailers have more or larger fields than limits allow. `kept`
  /// are those that came first and were within.
  virtual void on_head_too_large(const field_list& /*kept*/) {}
  /// Content; tell the session with consumed() when it has gone on, else the peer's window stays
  /// shut.
  virtual void on_content(std::string_view piece) = 0;
  virtual void on_trailers(const field_list&) {}
  /// The peer has sent everything.
  virtual void on_end() = 0;
  /// Room to write again, or the peer has opened its window.
  virtual void on_writable() {}
  /// Content is on its way to the socket. Called while the session sends: count, and nothing else
  /// on this session.
  virtual void on_sent(size_t) {}
  /// The stream is over: code NO_ERROR if it ended well both ways. Last call.
  virtual void on_closed(uint32_t code) = 0;

  int32_t id() const noexcept { return id_; }

 private:
  friend class http2_session;
  friend struct http2_callbacks;
  int32_t id_ = -1;
  size_t index_ = 0;        ///< place in the session's list
  byte_queue out_;          ///< content that waits for the peer's window
  uint32_t in_window_ = 0;  ///< how much the peer may send before something is consumed
  uint32_t in_grown_ = 0;   ///< how much of that is growth
  size_t held_ = 0;         ///< content that was received and not yet consumed
  size_t passed_ = 0;       ///< consumed since the reader last fell behind, or the window grew
  bool out_ended_ = false;
  bool out_deferred_ = false;  ///< nghttp2 has been told that there is nothing to send
  bool wants_writable_ = false;
  bool has_final_head_ = false;
  uint32_t abort_code_ = 0;  ///< of the reset that follows what goes out now
  std::vector<std::pair<std::string, std::string>> out_trailers_;
};

/// What a session tells its owner.
class http2_owner {
 public:
  /// Server role: makes the stream object for a request that arrives; the owner keeps it alive
  /// until on_closed().
  virtual http2_stream* on_request_stream() { return nullptr; }
  /// The peer announces its end (GOAWAY), or the ids of streams run out, and the peer is told so:
  /// no new streams on this session.
  virtual void on_going_away() {}
  /// Anything at all has arrived.
  virtual void on_heard() {}
  /// The peer's SETTINGS have been taken over.
  virtual void on_settings() {}
  virtual void on_ping_answer() {}

 protected:
  ~http2_owner() = default;
};

struct http2_options {
  bool server = false;  ///< which role: the server answers
  uint32_t initial_window =
      256 * 1024;  ///< per stream, for what we receive; 0: opened by open_window() only
  /// What all windows together may grow by, beyond initial_window or open_window(): each doubles,
  /// up to limits::largest_stream_window, whenever its reader has taken a whole one without falling
  /// behind.
  size_t window_growth = limits::tunnel_window_growth;
  uint32_t max_streams = 1'000;  ///< that the peer may open at once
  uint32_t max_frame = 64 * 1024;
  bool extended_connect = false;  ///< RFC 8441
  /// Server role, for peers that nobody has admitted: floods end the connection (http2_guard),
  /// malformed fields refuse the request instead of vanishing, heads are bounded, RFC 9218 instead
  /// of trees of priorities.
  bool untrusted = false;
  int32_t first_stream = 1;  ///< client role: its id, odd; tests begin near the end
};

/// Owns the connection. Lives on one shard; run() must have returned before it is destroyed.
class http2_session final : private flushable {
 public:
  http2_session(shard& home, transport connection, http2_owner& owner,
                const http2_options& options);
  ~http2_session();

  /// Reads until the connection ends; every stream has seen on_closed() when it returns. The error
  /// says why it ended.
  awaitable<error> run();

  // -- client role
  /// Sends a request; `stream` must stay alive until on_closed(). `ended`: there is no content.
  /// Errors: "no_stream". After some 2^30 requests, well before ids are missing, on_going_away()
  /// follows within the turn.
  result<void> submit_request(http2_stream& stream, const field_list& fields, bool ended);

  // -- server role
  void submit_response(http2_stream& stream, const field_list& fields, bool ended);
  void submit_interim(http2_stream& stream, const field_list& fields);

  // -- content, both roles
  /// Queues content. Any amount is taken; ask room() to stay bounded.
  void write(http2_stream& stream, std::string_view piece);
  /// Direct access for readers that fill the queue themselves: room for `size` bytes, then commit
  /// what was filled.
  char* prepare(http2_stream& stream, size_t size) { return stream.out_.prepare(size); }
  void commit(http2_stream& stream, size_t filled);
  /// No more content after what is queued. Trailers are sent behind it.
  void finish(http2_stream& stream, std::vector<std::pair<std::string, std::string>> trailers = {});
  /// Bytes that may be queued now: as far as the peer's window and the high-water mark go. If 0,
  /// on_writable() follows when the peer opens the window or takes what is queued; in the turn of
  /// submit_request() there is no room yet, and on_writable() need not follow.
  size_t room(http2_stream& stream);
  /// Bytes queued and not yet sent.
  size_t queued(const http2_stream& stream) const noexcept { return stream.out_.size(); }

  /// Opens the peer's sending window of a stream to `size` bytes (for initial_window 0).
  void open_window(http2_stream& stream, uint32_t size);
  /// Says that content has gone on.
  void consumed(http2_stream& stream, size_t bytes);

  void reset(http2_stream& stream, uint32_t code);
  /// The same at the end of the turn: what is queued and may go goes out first.
  void abort(http2_stream& stream, uint32_t code);
  void ping();
  /// Server role: asks the peer to open no more streams. Those that cross it are still served;
  /// go_away() later ends that (RFC 9113, section 6.8).
  void announce_end();
  /// Announces the end; running streams finish, later ones are not looked at from this call on,
  /// even if the socket has no room for the announcement yet.
  void go_away();
  /// Ends the connection now; run() returns.
  void close();

  bool going_away() const noexcept { return going_away_; }
  size_t open_streams() const noexcept { return streams_.size(); }
  /// Whether the socket has not yet taken what earlier turns have sent: after the end of a turn,
  /// false means that every frame submitted in it has been handed to the operating system.
  bool write_blocked() const noexcept { return writing_blocked_; }
  bool peer_allows_extended_connect() const noexcept;
  /// Streams that the peer allows at once; until it has said so, http2_options::max_streams.
  uint32_t peer_max_streams() const noexcept;
  transport& connection() noexcept { return connection_; }
  shard& home() noexcept { return shard_; }

 private:
  friend struct http2_callbacks;
  void flush() override;
  void wants_flush() { shard_.flush_at_end_of_turn(*this); }
  bool write_out(std::span<const char> bytes);
  void wait_until_writable();
  void fail(error why);
  bool receive(std::span<const char> bytes);
  void notify_writable();
  void wake_all_writers();
  void submit_aborts();
  void calm_down();
  bool has_ended() const noexcept;
  void leave_without_ids();
  void resume(http2_stream& stream);
  void release_incoming();
  void add(http2_stream& stream, int32_t id);
  void remove(http2_stream& stream);
  void grow_window(http2_stream& stream, size_t consumed);
  void close_streams();

  shard& shard_;
  transport connection_;
  http2_owner& owner_;
  nghttp2_session* session_ = nullptr;
  std::vector<http2_stream*> streams_;
  std::vector<http2_stream*> writable_;  ///< to be told so once nghttp2 has returned
  std::string unsent_;                   ///< what the socket did not take
  std::span<char> batch_;                ///< the shard's scratch while flushing
  size_t batch_size_ = 0;
  std::vector<http2_stream*> aborted_;  ///< to be reset behind what goes out now
  std::optional<http2_guard> guard_;    ///< of untrusted peers
  field_list incoming_;                 ///< the head that is being received, and its storage
  size_t incoming_size_ = 0;
  bool incoming_too_large_ = false;
  std::vector<nghttp2_rcbuf*> incoming_storage_;
  std::shared_ptr<bool> alive_;  ///< for handlers that may outlive the session
  error failure_;
  std::string accusation_;  ///< what our GOAWAY says that the peer did wrong
  const bool server_;
  const uint32_t initial_window_;
  const size_t window_growth_;
  size_t grown_ = 0;  ///< of it, in use
  bool writing_blocked_ = false;
  bool going_away_ = false;   ///< no new streams: the peer is leaving, or ids run out
  bool leaving_ = false;      ///< we are
  bool accused_ = false;      ///< a GOAWAY has gone out that says what the peer did wrong
  bool ids_run_out_ = false;  ///< and the owner will hear it within the turn
  bool closed_ = false;
};

/// The code of on_closed() when the connection ended under the stream.
inline constexpr uint32_t connection_lost = 0xffffffff;

}  // namespace postern::runtime
