#include "connector/tunnel.hpp"

#include "connector/limits.hpp"
#include "runtime/limits.hpp"

namespace postern::connector {

using runtime::error_category;

namespace {

constexpr std::string_view hello_path = "/.postern/hello";

runtime::http2_options options_for(const actors::tunnel_hello& me) {
  return {
      .server = true, .initial_window = 0, .max_streams = me.capacity, .extended_connect = true};
}

}  // namespace

tunnel::tunnel(exchange_context& context, exchange_pool& exchanges, runtime::transport connection,
               actors::tunnel_hello me, runtime::unique_function<void()> on_open)
    : context_(context),
      exchanges_(exchanges),
      hello_(std::move(me)),
      on_open_(std::move(on_open)),
      began_(clock::now()),
      lease_(began_),
      session_(context.home, std::move(connection), *this, options_for(hello_)) {
  arm_beat();
}

runtime::awaitable<runtime::error> tunnel::run() {
  auto why = co_await session_.run();
  beat_.disarm();
  if (!reason_.cause.empty()) why = reason_;
  co_return why;
}

// -- streams
// --------------------------------------------------------------------------------------------

runtime::http2_stream* tunnel::on_request_stream() {
  if (!std::exchange(greeted_, true)) return &hello_stream_;
  return &exchanges_.acquire(*this);
}

void tunnel::hello_stream::on_head(const runtime::field_list& fields, bool) {
  owner_.answer_hello(fields);
}

void tunnel::answer_hello(const runtime::field_list& fields) {
  if (runtime::field_value(fields, ":method") != "GET" ||
      runtime::field_value(fields, ":path") != hello_path)
    return give_up("hello_malformed", "the node's first request is no hello");
  session_.submit_response(hello_stream_,
                           {{":status", "200"}, {"content-type", "application/json"}}, false);
  session_.write(hello_stream_, actors::encode_tunnel_hello(hello_));
  session_.finish(hello_stream_);
  open_ = true;
  on_open_();
}

// -- heartbeat (rule 11)
// ----------------------------------------------------------------------------------

void tunnel::on_heard() {
  follow(lease_.on_heard(clock::now()));
}

bool tunnel::lease_holds() const noexcept {
  return lease_.holds(clock::now());
}

uint64_t tunnel::ping() {
  session_.ping();
  return lease_.ping();
}

void tunnel::follow(actors::tunnel_lease::step next) {
  if (next == actors::tunnel_lease::step::ping)
    ping();
  else if (next == actors::tunnel_lease::step::give_up)
    give_up("heartbeat_lost", "the node was silent");
}

void tunnel::on_ping_answer() {
  lease_.on_ping_answer();
  if (farewell_ping_ != 0 && lease_.answered(farewell_ping_)) node_knows_ = true;
  end_if_left();
}

void tunnel::arm_beat() {
  context_.home.timers().arm(
      beat_, actors::heartbeat_tick, [](void* self) { static_cast<tunnel*>(self)->on_beat(); },
      this);
}

void tunnel::on_beat() {
  const auto now = clock::now();
  arm_beat();
  if (!open_ && now - began_ > runtime::limits::hello_timeout)
    return give_up("hello_timeout", "the node said no hello");
  follow(lease_.on_beat(now));
}

void tunnel::give_up(std::string cause, std::string detail) {
  if (reason_.cause.empty())
    reason_ = {error_category::unavailable, std::move(cause), "service", std::move(detail)};
  session_.close();
}

// -- leaving (rule 12)
// ------------------------------------------------------------------------------------

void tunnel::drain() {
  if (std::exchange(leaving_, true)) return;
  session_.go_away();
  // Its answer comes behind everything that the node had sent before it read the GOAWAY.
  farewell_ping_ = ping();
}

void tunnel::on_going_away() {
  leaving_ = node_knows_ = true;
  end_if_left();
}

void tunnel::end_if_left() {
  if (!node_knows_ || farewell_.armed() || session_.open_streams() > 0) return;
  // Behind the frames of this turn: the last response among them.
  context_.home.timers().arm(
      farewell_, std::chrono::milliseconds::zero(),
      [](void* self) { static_cast<tunnel*>(self)->on_left(); }, this);
}

void tunnel::on_left() {
  if (session_.open_streams() > 0) return;
  if (session_.write_blocked()) return end_if_left();
  give_up("tunnel_drained", "the last exchange has finished");
}

}  // namespace postern::connector
