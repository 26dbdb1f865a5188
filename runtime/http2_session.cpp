#include "runtime/http2_session.hpp"

#include "runtime/http2_callbacks.hpp"
#include "runtime/limits.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>

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
// From here on a session looks for its successor: more ids are left than a turn could use up.
constexpr uint32_t late_ids = 0x7fff'0000;
// A stream that is used again keeps the memory of its queue unless the last message was a large
// one.
constexpr size_t kept_queue = 16 * 1024;

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

void http2_session::submit_aborts() {
  for (auto* stream : aborted_)
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id_, stream->abort_code_);
  aborted_.clear();
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

void http2_session::notify_writable() {
  while (!writable_.empty()) {
    auto* stream = writable_.back();
    writable_.pop_back();
    if (!stream->wants_writable_ || room(*stream) == 0) continue;
    stream->wants_writable_ = false;
    stream->on_writable();
  }
}

void http2_session::wake_all_writers() {
  for (auto* stream : streams_)
    if (stream->wants_writable_) writable_.push_back(stream);
}

void http2_session::add(http2_stream& stream, int32_t id) {
  stream.out_ended_ = stream.out_deferred_ = stream.wants_writable_ = stream.has_final_head_ =
      false;
  stream.out_trailers_.clear();
  stream.out_.clear();
  stream.in_window_ = initial_window_;
  stream.in_grown_ = 0;
  stream.held_ = stream.passed_ = 0;
  stream.id_ = id;
  stream.index_ = streams_.size();
  streams_.push_back(&stream);
}

void http2_session::remove(http2_stream& stream) {
  streams_.back()->index_ = stream.index_;
  streams_[stream.index_] = streams_.back();
  streams_.pop_back();
  std::erase(writable_, &stream);
  std::erase(aborted_, &stream);
  grown_ -= std::exchange(stream.in_grown_, 0);
  stream.id_ = -1;
  stream.out_.clear();
  if (stream.out_.capacity() > kept_queue) stream.out_.release();
}

void http2_session::close_streams() {
  while (!streams_.empty()) {
    auto* stream = streams_.back();
    nghttp2_session_set_stream_user_data(session_, stream->id_, nullptr);
    remove(*stream);
    stream->on_closed(connection_lost);
  }
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

result<void> http2_session::submit_request(http2_stream& stream, const field_list& fields,
                                           bool ended) {
  if (closed_ || going_away_)
    return error{error_category::unavailable, "no_stream", "connector", "the tunnel is leaving"};
  const auto& nv = to_nv(fields);
  auto content = content_of(stream);
  const auto id = nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(),
                                         ended ? nullptr : &content, &stream);
  if (id < 0)
    return error{error_category::unavailable, "no_stream", "connector", nghttp2_strerror(id)};
  add(stream, id);
  wants_flush();
  if (nghttp2_session_get_next_stream_id(session_) > late_ids && !ids_run_out_) {
    ids_run_out_ = true;
    // Not now: the owner is in the middle of this request.
    shard_.defer([](void* self) { static_cast<http2_session*>(self)->leave_without_ids(); }, this);
  }
  return {};
}

void http2_session::leave_without_ids() {
  if (closed_ || going_away_) return;
  going_away_ = true;
  owner_.on_going_away();
  go_away();
}

void http2_session::submit_response(http2_stream& stream, const field_list& fields, bool ended) {
  if (closed_ || stream.id_ < 0) return;
  const auto& nv = to_nv(fields);
  auto content = content_of(stream);
  nghttp2_submit_response(session_, stream.id_, nv.data(), nv.size(), ended ? nullptr : &content);
  wants_flush();
}

void http2_session::submit_interim(http2_stream& stream, const field_list& fields) {
  if (closed_ || stream.id_ < 0) return;
  const auto& nv = to_nv(fields);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id_, nullptr, nv.data(), nv.size(),
                         nullptr);
  wants_flush();
}

void http2_session::resume(http2_stream& stream) {
  if (closed_ || stream.id_ < 0) return;
  if (stream.out_deferred_) {
    stream.out_deferred_ = false;
    nghttp2_session_resume_data(session_, stream.id_);
  }
  wants_flush();
}

void http2_session::write(http2_stream& stream, std::string_view piece) {
  if (stream.id_ < 0) return;
  stream.out_.append(piece);
  resume(stream);
}

void http2_session::commit(http2_stream& stream, size_t filled) {
  stream.out_.commit(filled);
  if (filled > 0) resume(stream);
}

void http2_session::finish(http2_stream& stream,
                           std::vector<std::pair<std::string, std::string>> trailers) {
  if (stream.id_ < 0 || stream.out_ended_) return;
  stream.out_ended_ = true;
  stream.out_trailers_ = std::move(trailers);
  resume(stream);
}

size_t http2_session::room(http2_stream& stream) {
  if (closed_ || stream.id_ < 0) return 0;
  const auto window = std::min(nghttp2_session_get_stream_remote_window_size(session_, stream.id_),
                               nghttp2_session_get_remote_window_size(session_));
  const auto limit = std::min<int64_t>(window, limits::write_high_water);
  const auto used = static_cast<int64_t>(queued(stream));
  if (used < limit) return static_cast<size_t>(limit - used);
  stream.wants_writable_ = true;
  return 0;
}

void http2_session::open_window(http2_stream& stream, uint32_t size) {
  if (closed_ || stream.id_ < 0) return;
  stream.in_window_ = size;
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream.id_,
                                        static_cast<int32_t>(size));
  wants_flush();
}

// A window that is used up while its reader waits is too small for the way's length, or makes both
// sides take turns. A reader that falls behind is not helped by a larger one.
void http2_session::grow_window(http2_stream& stream, size_t consumed) {
  if (stream.held_ > stream.in_window_ / 4) {
    stream.passed_ = 0;
    return;
  }
  stream.passed_ += consumed;
  if (stream.passed_ < stream.in_window_) return;
  stream.passed_ = 0;
  const auto larger = std::min(2 * stream.in_window_, limits::largest_stream_window);
  if (larger <= stream.in_window_ || grown_ + (larger - stream.in_window_) > window_growth_) return;
  grown_ += larger - stream.in_window_;
  stream.in_grown_ += larger - stream.in_window_;
  stream.in_window_ = larger;
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream.id_,
                                        static_cast<int32_t>(larger));
}

void http2_session::consumed(http2_stream& stream, size_t bytes) {
  if (closed_ || stream.id_ < 0 || bytes == 0) return;
  nghttp2_session_consume_stream(session_, stream.id_, bytes);
  stream.held_ -= std::min(stream.held_, bytes);
  grow_window(stream, bytes);
  if (nghttp2_session_want_write(session_) != 0) wants_flush();
}

void http2_session::reset(http2_stream& stream, uint32_t code) {
  if (closed_ || stream.id_ < 0) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, code);
  wants_flush();
}

void http2_session::abort(http2_stream& stream, uint32_t code) {
  if (closed_ || stream.id_ < 0) return;
  stream.abort_code_ = code;
  if (std::find(aborted_.begin(), aborted_.end(), &stream) == aborted_.end())
    aborted_.push_back(&stream);
  wants_flush();
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
