#pragma once
// One exchange: a stream of a tunnel on one side, a connection to an origin on the other
// (docs/tunnel-protocol.md, rules 4 to 10). Objects are pooled, each with one coroutine that serves
// one exchange after the other.

#include "connector/origin_pool.hpp"
#include "connector/origin_sender.hpp"
#include "connector/origin_stream.hpp"
#include "runtime/http2_session.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace postern::connector {

/// What all exchanges of a shard share; outlives them.
struct exchange_context {
  runtime::shard& home;
  std::shared_ptr<const origin_table> origins;  ///< replaced by each configuration; never null
  origin_pool connections;                      ///< HTTP/1.1
  http2_origins multiplexed;                    ///< HTTP/2
  /// Told when a node asks for tunnels to another one, which is at this address.
  std::function<void(std::string_view)> on_summons;
  bool log_exchanges = true;  ///< a debug line for each, besides those that fail

  explicit exchange_context(runtime::shard& s)
      : home(s), origins(std::make_shared<origin_table>()), connections(s), multiplexed(s) {}
};

/// The tunnel as its exchanges see it; outlives on_closed() of each of their streams.
class exchange_host {
 public:
  virtual runtime::http2_session& session() noexcept = 0;
  /// Whether the node still counts on this tunnel: nothing may be started on one that it has given
  /// up (actors::lease_duration).
  virtual bool lease_holds() const noexcept = 0;
  /// A stream has ended.
  virtual void on_exchange_closed() = 0;

 protected:
  ~exchange_host() = default;
};

class exchange_pool;

/// Lives on one shard for as long as its pool. The stream's end closes the origin's connection at
/// once, whatever the state.
class origin_exchange final : public runtime::http2_stream,
                              private response_events,
                              private sender_events,
                              private origin_stream_events {
 public:
  origin_exchange(exchange_context& context, exchange_pool& pool);

  /// The coroutine: spawned once, ends after quit().
  runtime::awaitable<void> run();
  void quit();

  /// Belongs to a stream of `host` until the exchange is over, then goes back to the pool.
  void assign(exchange_host& host);

 private:
  enum class state : uint8_t {
    idle,        ///< in the pool
    assigned,    ///< a stream is there, its head is awaited
    connecting,  ///< a connection to the origin is looked for
    fenced,      ///< the node is asked for the end of a request without content (rule 6)
    announcing,  ///< the node is told that the origin is about to get its first byte (rule 6)
    requesting,  ///< the origin has some of the request; its response head is awaited
    responding,  ///< the response's head has gone on, its content follows
    finished,    ///< nothing more to say on the stream; its end is awaited
  };
  enum class outcome : uint8_t {
    finished,
    stale,  ///< a reused connection had ended before it took the request: try a fresh one
  };

  // -- the stream
  void on_head(const runtime::field_list& fields, bool end_of_stream) override;
  void on_content(std::string_view piece) override;
  void on_trailers(const runtime::field_list& fields) override;
  void on_end() override;
  void on_writable() override;
  void on_closed(uint32_t code) override;
  void take_summons(std::string_view node);

  // -- the origin
  void on_interim_response(unsigned status, const runtime::field_list& fields) override;
  void on_response_head(unsigned status, const runtime::field_list& fields,
                        bool has_content) override;
  void on_response_content(std::string_view piece) override;
  /// Over either version of HTTP. Not on_sent(), which tells of what the tunnel has taken.
  void on_origin_took(size_t content) override;

  // -- the origin over HTTP/2 (origin_exchange_http2.cpp)
  void on_origin_interim(const runtime::field_list& fields) override;
  void on_origin_head(const runtime::field_list& fields, bool ended) override;
  void on_origin_content(std::string_view piece) override;
  void on_origin_trailers(const runtime::field_list& fields) override;
  void on_origin_end() override;
  void on_origin_closed(uint32_t code) override;
  bool keep_http1_head(const runtime::field_list& fields, bool ended);
  bool keep_http2_head(const runtime::field_list& fields, bool ended);
  runtime::awaitable<void> serve_http2();
  runtime::awaitable<std::shared_ptr<http2_origin>> connect_http2();
  bool open_stream(std::shared_ptr<http2_origin> on);
  runtime::awaitable<bool> follow_stream();
  bool may_repeat(uint32_t code) const noexcept;
  std::string_view cause_of_end(uint32_t code) const noexcept;
  void pass_window_on();
  void leave_stream(bool retire = false);

  // -- the way of an exchange over HTTP/1.1, in this order
  runtime::awaitable<void> serve();
  bool take_idle_connection();
  runtime::awaitable<bool> dial_origin();
  runtime::awaitable<bool> pass_fence();
  void fail_dial(const runtime::error& why);
  runtime::awaitable<bool> announce_start();
  bool may_start();
  void send_request();
  void send_held();
  /// Whether content, or the end of it, has to wait for a fresh word of the node: it may have told
  /// the user meanwhile that nothing came of a request that must not be repeated.
  bool must_hold();
  void go_on_if_lease_holds();
  runtime::awaitable<outcome> receive_response();
  response_progress read_some(size_t room, runtime::io_status& status);
  response_progress read_direct(size_t room, runtime::io_status& status);
  runtime::awaitable<outcome> end_of_connection(runtime::io_status how);
  runtime::awaitable<void> let_go_out();
  void complete();

  /// Answers with `postern-error`, or resets the stream if a response has begun. Logs why.
  void fail(unsigned status, std::string_view cause, std::string_view detail);
  void refuse();
  void close_connection();
  void end_service();
  void go_back();
  void move(state next);

  bool gone() const noexcept { return host_ == nullptr; }
  /// False before the first try, between two, and once all is said.
  bool is_at_origin() const noexcept {
    return state_ == state::requesting || state_ == state::responding;
  }
  runtime::http2_session& session() noexcept { return host_->session(); }
  bool waits_for_user() const noexcept;
  bool may_retry() const noexcept;
  void ask_for_content();
  void open_window();
  void touch();
  void on_deadline();
  void log_end(std::string_view result) const;

  exchange_context& context_;
  exchange_pool& pool_;
  exchange_host* host_ = nullptr;  // null once the stream has ended
  state state_ = state::idle;
  bool serving_ = false;  // the coroutine is at work
  bool quitting_ = false;

  // -- the request
  std::string head_;                                              // HTTP/1.1, kept for a second try
  std::vector<std::pair<std::string, std::string>> fields_sent_;  // the same for HTTP/2
  std::string application_, request_id_;
  request_traits traits_;
  std::string
      held_content_;  // arrived while no origin could, or might, take it; bounded by the window
  trailer_list request_trailers_;
  bool request_ended_ = false;
  bool holding_ = false;      // content waits for the lease
  bool contentless_ = false;  // the end comes only when asked for, and no content before it
  bool window_open_ = false;

  // -- the origin
  std::shared_ptr<const origin_table> origins_;  // keeps origin_ alive
  const origin* origin_ = nullptr;
  std::optional<runtime::transport> connection_;
  bool reused_ = false;
  bool announced_ = false;
  bool late_ = false;
  unsigned status_ = 0;  // of the final response
  origin_sender sender_;
  origin_response response_;
  runtime::field_list fields_;  // of a head on its way to the tunnel

  // -- the origin over HTTP/2
  origin_stream* stream_ = nullptr;
  std::optional<uint32_t> stream_end_;  // why the stream ended too early
  size_t unconsumed_ = 0;               // content of the response that waits for the tunnel's room
  trailer_list response_trailers_;
  unsigned attempts_ = 0;
  unsigned interim_responses_ = 0;  // of all attempts
  bool over_http2_ = false;
  bool content_sent_ = false;  // on the stream that has ended

  runtime::coarse_timer deadline_, patience_, lease_;
  // Last, so that their waiters go first.
  runtime::wait_point begin_, signal_;
};

/// All exchange objects of one shard.
class exchange_pool {
 public:
  explicit exchange_pool(exchange_context& context) : context_(context) {}

  /// For a new stream.
  origin_exchange& acquire(exchange_host& host);
  void release(origin_exchange& one);

  /// Lets the coroutines end. Precondition: no exchange is going on.
  void close();

 private:
  exchange_context& context_;
  std::vector<std::unique_ptr<origin_exchange>> all_;
  std::vector<origin_exchange*> free_;
};

}  // namespace postern::connector
