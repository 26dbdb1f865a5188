#include "connector/origin_exchange.hpp"

#include "connector/limits.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>

namespace postern::connector {

using runtime::awaitable;
using runtime::field_list;
using runtime::io_status;

namespace {

/// What a failed dial is to a user, by the causes of runtime::dial().
struct dial_failure {
  unsigned status;
  std::string_view cause;
};

dial_failure classify(const runtime::error& why) {
  if (why.cause == "connect_timeout") return {504, "origin_timeout"};
  if (why.cause == "name_unresolved") return {502, "origin_unresolved"};
  if (why.cause == "tls_certificate") return {502, "origin_certificate"};
  if (why.cause == "tls_handshake") return {502, "origin_tls"};
  if (why.cause == "origin_protocol") return {502, "origin_protocol"};
  return {502, "origin_refused"};
}

std::string_view status_text(unsigned status, std::array<char, 3>& room) {
  room = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
          static_cast<char>('0' + status % 10)};
  return {room.data(), room.size()};
}

}  // namespace

// -- serving
// ------------------------------------------------------------------------------------------

awaitable<void> origin_exchange::run() {
  while (!quitting_) {
    co_await begin_.wait();
    if (quitting_) break;
    co_await serve();
    end_service();
  }
}

awaitable<void> origin_exchange::serve() {
  if (gone()) co_return;
  if (origin_ == nullptr) co_return fail(503, "application_unknown", application_);
  if (!origin_->defect.cause.empty())
    co_return fail(502, origin_->defect.cause, origin_->defect.detail);
  if (over_http2_) co_return co_await serve_http2();
  for (bool fresh_only = false;; fresh_only = true) {
    reused_ = !fresh_only && take_idle_connection();
    if (!reused_ && !co_await dial_origin()) co_return;
    if (contentless_ && !request_ended_ && !co_await pass_fence()) co_return;
    if (!traits_.idempotent && !announced_ && !co_await announce_start()) co_return;
    if (!may_start()) co_return;
    send_request();
    const auto how = co_await receive_response();
    if (how == outcome::finished) co_return;
    close_connection();
    move(state::connecting);
  }
}

bool origin_exchange::take_idle_connection() {
  const auto longest_rest = traits_.idempotent
                                ? std::chrono::milliseconds{runtime::limits::origin_idle_timeout}
                                : limits::unsafe_reuse;
  if (auto idle = context_.connections.take(origin_->id, longest_rest)) {
    connection_.emplace(std::move(*idle));
    return true;
  }
  return false;
}

awaitable<bool> origin_exchange::dial_origin() {
  auto dialled = co_await runtime::dial(context_.home, origin_->target, origin_->connect_timeout);
  if (gone()) {
    // The user has left; the connection is good for somebody else.
    if (dialled) context_.connections.put(origin_->id, std::move(*dialled));
    co_return false;
  }
  if (!dialled) {
    fail_dial(dialled.error());
    co_return false;
  }
  connection_.emplace(std::move(*dialled));
  co_return true;
}

awaitable<bool> origin_exchange::pass_fence() {
  if (!may_start()) co_return false;
  move(state::fenced);
  open_window();
  while (!gone() && !request_ended_)
    co_await signal_.wait();
  co_return !gone();
}

void origin_exchange::fail_dial(const runtime::error& why) {
  const auto [status, cause] = classify(why);
  fail(status, cause, why.detail);
}

awaitable<bool> origin_exchange::announce_start() {
  if (!may_start()) co_return false;
  move(state::announcing);
  announced_ = true;
  fields_.assign({{":status", "102"}, {"postern-origin", "started"}});
  session().submit_interim(*this, fields_);
  for (;;) {
    // Behind the flush at the end of this turn.
    co_await runtime::asio::post(context_.home.get_executor(), runtime::use_awaitable);
    if (gone()) co_return false;
    if (!session().write_blocked()) co_return true;
    context_.home.timers().arm(
        patience_, std::chrono::milliseconds{50},
        [](void* self) { static_cast<origin_exchange*>(self)->signal_.wake(); }, this);
    co_await signal_.wait();
    if (gone()) co_return false;
  }
}

bool origin_exchange::may_start() {
  if (gone()) return false;
  if (host_->lease_holds()) return true;
  refuse();
  return false;
}

void origin_exchange::send_request() {
  move(state::requesting);
  response_.begin(traits_.head, traits_.websocket);
  sender_.begin(*connection_, traits_.framing);
  sender_.send_head(head_);
  send_held();
  if (request_ended_ && !holding_) sender_.send_end(request_trailers_);
  if (traits_.expects_continue) {
    context_.home.timers().arm(
        patience_, limits::continue_patience,
        [](void* self) { static_cast<origin_exchange*>(self)->ask_for_content(); }, this);
  } else if (!traits_.websocket) {
    open_window();
  }
  touch();
}

void origin_exchange::send_held() {
  // Asked anew: what had to wait in another try does not hold up this one.
  holding_ = false;
  if (!held_content_.empty()) on_content(std::exchange(held_content_, {}));
}

// -- the response
// -------------------------------------------------------------------------------------

awaitable<origin_exchange::outcome> origin_exchange::receive_response() {
  // The origin has only just got the request: nothing can be there yet.
  auto status = io_status::want_read;
  for (;;) {
    if (status != io_status::done && !co_await connection_->wait_for(status))
      co_return co_await end_of_connection(status);
    if (gone() || late_) co_return co_await end_of_connection(status);
    status = io_status::done;
    // A head is read whatever the tunnel's room: it is bounded by itself.
    const size_t room = response_.has_head() ? session().room(*this) : limits::head_read;
    if (room == 0) {
      co_await signal_.wait();
      continue;
    }
    const auto progress =
        response_.direct() > 0 ? read_direct(room, status) : read_some(room, status);
    if (progress == response_progress::malformed) {
      co_await let_go_out();
      if (!gone()) fail(502, "origin_malformed", response_.problem());
      co_return outcome::finished;
    }
    if (progress == response_progress::done) {
      complete();
      co_return outcome::finished;
    }
    if (status == io_status::closed || status == io_status::failed)
      co_return co_await end_of_connection(status);
  }
}

response_progress origin_exchange::read_some(size_t room, io_status& status) {
  auto scratch = context_.home.read_scratch();
  scratch = scratch.first(std::min(scratch.size(), room));
  const auto got = connection_->try_read(scratch);
  status = got.status;
  if (got.status != io_status::done) return response_progress::more;
  const auto progress = response_.take(scratch.first(got.bytes));
  if (response_.has_head()) touch();
  return progress;
}

response_progress origin_exchange::read_direct(size_t room, io_status& status) {
  const auto size = std::min({room, response_.direct(), limits::content_read});
  auto* into = session().prepare(*this, size);
  const auto got = connection_->try_read({into, size});
  status = got.status;
  const auto bytes = got.status == io_status::done ? got.bytes : 0;
  session().commit(*this, bytes);
  if (bytes == 0) return response_progress::more;
  // A socket that gave less than it could is empty; a TLS record says nothing about the next.
  if (bytes < size && connection_->tls() == nullptr) status = io_status::want_read;
  touch();
  return response_.passed(bytes);
}

awaitable<origin_exchange::outcome> origin_exchange::end_of_connection(io_status how) {
  co_await let_go_out();
  if (gone()) co_return outcome::finished;
  if (late_) {
    fail(504, "origin_timeout",
         response_.has_head() ? "no content in time" : "no response in time");
  } else if (!response_.has_started()) {
    if (may_retry()) co_return outcome::stale;
    fail(502, "origin_closed", "the connection ended before a response");
  } else if (response_.close(how == io_status::closed) == response_progress::done) {
    complete();
  } else {
    fail(502, response_.has_head() ? "origin_closed" : "origin_malformed", response_.problem());
  }
  co_return outcome::finished;
}

awaitable<void> origin_exchange::let_go_out() {
  // A reset overtakes what waits for the end of the turn, and the head with it.
  if (state_ == state::responding)
    co_await runtime::asio::post(context_.home.get_executor(), runtime::use_awaitable);
}

bool origin_exchange::may_retry() const noexcept {
  // A request that may be repeated, or that the origin cannot have acted on: its content has not
  // begun. Content may be empty, so its end counts as well.
  const bool is_whole = traits_.framing == content_framing::none || sender_.has_ended();
  return reused_ && !sender_.has_sent_content() && (traits_.idempotent || !is_whole);
}

void origin_exchange::on_interim_response(unsigned status, const field_list& fields) {
  const bool is_continue = status == 100;
  // The others are between two hops (RFC 9110, section 15.2), and 102 has a meaning of its own
  // here.
  if (status != 103 && !(is_continue && traits_.expects_continue)) return;
  if (is_continue) open_window();
  std::array<char, 3> room{};
  fields_.assign({{":status", status_text(status, room)}});
  select_response_fields(fields, status, fields_);
  session().submit_interim(*this, fields_);
}

void origin_exchange::on_response_head(unsigned status, const field_list& fields,
                                       bool has_content) {
  move(state::responding);
  status_ = status;
  std::array<char, 3> room{};
  // RFC 8441, section 5.1: 200 stands for HTTP/1.1's 101.
  fields_.assign({{":status", status_text(response_.is_switched() ? 200 : status, room)}});
  select_response_fields(fields, status, fields_);
  fields_.push_back(via_of(response_.is_http10() ? "1.0" : "1.1"));
  session().submit_response(*this, fields_, !has_content);
  if (response_.is_switched()) open_window();
  // An origin that refuses does not want the content.
  if (status >= 300) patience_.disarm();
}

void origin_exchange::on_response_content(std::string_view piece) {
  session().write(*this, piece);
}

void origin_exchange::complete() {
  session().finish(*this, response_.take_trailers());
  deadline_.disarm();
  patience_.disarm();
  const bool reusable = response_.allows_reuse() && sender_.is_complete();
  sender_.stop();
  if (reusable)
    context_.connections.put(origin_->id, std::move(*connection_));
  else
    connection_->shutdown();
  connection_.reset();
  move(state::finished);
  log_end("completed");
}

}  // namespace postern::connector
