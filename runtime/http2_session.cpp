#include "runtime/http2_session.hpp"

#include "runtime/http2_callbacks.hpp"
#include "runtime/limits.hpp"

#include <boost/asio/post.hpp>

namespace postern::runtime {

namespace {

// After this many records of one tunnel the other connections of the shard get their turn.
constexpr int records_per_turn = 32;
// How often an untrusted peer may split one head (CONTINUATION), and how many settings it may have.
constexpr size_t most_continuations = 8;
constexpr size_t most_settings = 32;
// nghttp2 ends a server's connection for resets beyond a burst of 1,000 and 33 a second. In a
// tunnel each is a user who has left: as many as there are requests.
constexpr uint64_t resets_of_tunnel = 1'000'000'000;

error both_have_finished() {
  return {error_category::unavailable, "connection_closed", "connector",
          "both sides have finished"};
}

}  // namespace

http2_session::http2_session(shard& home, transport connection, http2_owner& owner,
                             const http2_options& options)
    : shard_(home),
      connection_(std::move(connection)),
      owner_(owner),
      alive_(std::make_shared<bool>(true)),
      server_(options.server),
      initial_window_(options.initial_window),
      window_growth_(options.window_growth) {
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_send_header_block_length(option, 2 * limits::head_bytes);
  nghttp2_option_set_peer_max_concurrent_streams(option, options.max_streams);
  if (options.untrusted) {
    guard_.emplace(std::chrono::steady_clock::now());
    nghttp2_option_set_max_continuations(option, most_continuations);
    nghttp2_option_set_max_settings(option, most_settings);
  } else {
    nghttp2_option_set_stream_reset_rate_limit(option, resets_of_tunnel, resets_of_tunnel);
  }
  if (server_)
    nghttp2_session_server_new2(&session_, http2_callback_table(), this, option);
  else
    nghttp2_session_client_new2(&session_, http2_callback_table(), this, option);
  nghttp2_option_del(option);
  if (!server_) nghttp2_session_set_next_stream_id(session_, options.first_stream);
  std::vector<nghttp2_settings_entry> settings{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server_ ? options.max_streams : 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.initial_window},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options.max_frame},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 2 * limits::head_bytes}};
  if (server_ && options.extended_connect)
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1});
  if (options.untrusted) settings.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
  if (!server_) settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, limits::connection_window);
  wants_flush();
}

http2_session::~http2_session() {
  ensure(streams_.empty(), "streams end before their session");
  shard_.forget(*this);
  shard_.forget_tasks(this);
  release_incoming();
  nghttp2_session_del(session_);
}

void http2_session::release_incoming() {
  incoming_.clear();
  incoming_size_ = 0;
  incoming_too_large_ = false;
  for (auto* buffer : incoming_storage_)
    nghttp2_rcbuf_decref(buffer);
  incoming_storage_.clear();
}

awaitable<error> http2_session::run() {
  auto scratch = shard_.read_scratch();
  while (!closed_) {
    bool drained = false;
    for (int i = 0; i < records_per_turn && !drained && !closed_; ++i) {
      const auto outcome = connection_.try_read(scratch);
      switch (outcome.status) {
        case io_status::done:
          receive(scratch.first(outcome.bytes));
          drained = !connection_.may_have_more(outcome.bytes < scratch.size());
          break;
        case io_status::want_read:
        case io_status::want_write:
          drained = true;
          break;
        case io_status::closed:
          fail({error_category::unavailable, "connection_closed", "connector",
                "the peer closed the connection"});
          break;
        case io_status::failed:
          fail({error_category::unavailable, "connection_failed", "connector", tls_failure_text()});
          break;
      }
    }
    if (closed_) break;
    if (!drained) {
      co_await asio::post(shard_.get_executor(), use_awaitable);
    } else if (!co_await connection_.wait_readable()) {
      fail({error_category::unavailable, "connection_failed", "connector",
            "the connection was closed here"});
    }
  }
  close_streams();
  co_return failure_;
}

bool http2_session::receive(std::span<const char> bytes) {
  if (guard_ && !guard_->on_received(bytes, std::chrono::steady_clock::now())) {
    calm_down();
    flush();
    fail({error_category::overloaded, "http2_flood", "connector", "too many frames without a use"});
    return false;
  }
  const auto taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) {
    // The last words (GOAWAY with the code) go out before the connection ends.
    flush();
    fail({error_category::bad_gateway, "http2_protocol", "connector",
          nghttp2_strerror(static_cast<int>(taken))});
    return false;
  }
  owner_.on_heard();
  notify_writable();
  if (nghttp2_session_want_write(session_) != 0)
    wants_flush();
  else if (has_ended() && !writing_blocked_)  // what has left nghttp2 may still wait for the socket
    fail(both_have_finished());
  return !closed_;
}

void http2_session::calm_down() {
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

bool http2_session::has_ended() const noexcept {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

void http2_session::flush() {
  if (closed_ || writing_blocked_) return;
  for (bool more = true; more && !closed_ && !writing_blocked_;) {
    batch_ = shard_.write_scratch();
    batch_size_ = 0;
    const auto outcome = nghttp2_session_send(session_);
    const auto filled = std::span<const char>{batch_.data(), batch_size_};
    batch_ = {};
    if (outcome != 0)
      return fail({error_category::internal, "http2_send", "connector", nghttp2_strerror(outcome)});
    if (!filled.empty() && !write_out(filled)) return;
    notify_writable();
    more = !filled.empty() && nghttp2_session_want_write(session_) != 0;
    if (!more && !aborted_.empty()) {
      submit_aborts();
      more = true;
    }
  }
  // nghttp2 answers a broken protocol with GOAWAY and is deaf from then on: do not wait for such a
  // peer to leave, even if it has said that it will.
  if (!closed_ && !writing_blocked_ && accused_ && has_ended())
    fail({error_category::bad_gateway, "http2_protocol", "connector",
          "the peer broke the protocol: " + accusation_});
}

bool http2_session::write_out(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const auto outcome = connection_.try_write(bytes);
    switch (outcome.status) {
      case io_status::done:
        bytes = bytes.subspan(outcome.bytes);
        break;
      case io_status::want_read:
      case io_status::want_write:
        unsent_.append(bytes.data(), bytes.size());
        wait_until_writable();
        return false;
      default:
        fail({error_category::unavailable, "connection_failed", "connector", tls_failure_text()});
        return false;
    }
  }
  return true;
}

void http2_session::wait_until_writable() {
  writing_blocked_ = true;
  connection_.socket().async_wait(
      tcp_socket::wait_write,
      [this, alive = std::weak_ptr<bool>{alive_}](const boost::system::error_code& failure) {
        if (alive.expired() || closed_ || failure) return;
        writing_blocked_ = false;
        std::string pending;
        pending.swap(unsent_);
        // At once: nobody may see a socket that is not blocked and frames that have not gone out.
        if (write_out(pending)) flush();
        if (!closed_ && !writing_blocked_ && has_ended()) fail(both_have_finished());
      });
}

void http2_session::fail(error why) {
  if (closed_) return;
  closed_ = true;
  failure_ = std::move(why);
  connection_.shutdown();
}

void http2_session::close() {
  fail({error_category::unavailable, "connection_closed", "connector", "closed here"});
}

void http2_session::leave_without_ids() {
  if (closed_ || going_away_) return;
  going_away_ = true;
  owner_.on_going_away();
  go_away();
}

void http2_session::ping() {
  if (closed_) return;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  wants_flush();
}

void http2_session::announce_end() {
  if (closed_ || leaving_) return;
  nghttp2_submit_shutdown_notice(session_);
  wants_flush();
}

void http2_session::go_away() {
  // A second one would name later streams, which nobody has looked at.
  if (closed_ || leaving_) return;
  leaving_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  wants_flush();
}

uint32_t http2_session::peer_max_streams() const noexcept {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool http2_session::peer_allows_extended_connect() const noexcept {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) !=
         0;
}

}  // namespace postern::runtime
