#include "edge/tunnel.hpp"

#include "actors/restart_patience.hpp"
#include "actors/tunnel_hello.hpp"
#include "edge/node_load.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <mutex>

namespace postern::edge {

namespace asio = boost::asio;
namespace limits = runtime::limits;
using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::result;

namespace {

constexpr auto attach_timeout = std::chrono::seconds{5};
// A tunnel that was given up is still in the group's queue when the registry answers late, and has
// to be taken out there: wait for that far longer than any store takes.
constexpr auto attach_answer_timeout = std::chrono::minutes{10};
// One at a time would do; a connector that answers none must not make them pile up.
constexpr size_t summonses_at_once = 8;

const char* to_string(tunnel::state s) {
  switch (s) {
    case tunnel::state::greeting:
      return "greeting";
    case tunnel::state::attaching:
      return "attaching";
    case tunnel::state::serving:
      return "serving";
    case tunnel::state::draining:
      return "draining";
    case tunnel::state::closed:
      return "closed";
  }
  return "?";
}

runtime::http2_options tunnel_options() {
  runtime::http2_options options;
  options.server = false;
  options.initial_window = limits::stream_window;
  return options;
}

/// How many tunnels of each connector every shard has: where the next one goes.
class tunnel_balance {
 public:
  size_t take(const std::string& connector, size_t shards) {
    std::lock_guard lock{mutex_};
    auto& counts = counts_[connector];
    counts.resize(shards);
    const auto least = std::min_element(counts.begin(), counts.end());
    ++*least;
    return static_cast<size_t>(least - counts.begin());
  }
  void give_back(const std::string& connector, size_t shard) {
    std::lock_guard lock{mutex_};
    const auto i = counts_.find(connector);
    if (i == counts_.end()) return;
    --i->second[shard];
    if (std::all_of(i->second.begin(), i->second.end(), [](int n) { return n == 0; }))
      counts_.erase(i);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::vector<int>> counts_;
};

}  // namespace

/// The answer to the hello.
class tunnel::hello_stream final : public runtime::http2_stream {
 public:
  explicit hello_stream(runtime::shard& home) : done_(home) {}
  runtime::wait_point& done() noexcept { return done_; }
  bool complete = false;
  bool over = false;
  std::string content;

 private:
  void on_head(const runtime::field_list& fields, bool) override {
    status_ = std::string{field_value(fields, ":status")};
  }
  void on_content(std::string_view piece) override {
    // One byte too many is kept, so that a hello that is too long is not taken for a shorter one.
    content.append(piece.substr(0, actors::longest_hello + 1 - content.size()));
  }
  void on_end() override {
    complete = status_ == "200";
    done_.wake();
  }
  void on_closed(uint32_t) override {
    over = true;
    done_.wake();
  }
  runtime::wait_point done_;
  std::string status_;
};

/// A summons that the connector has not answered yet. What it answers does not matter: a tunnel
/// comes or does not.
class tunnel::summons_stream final : public runtime::http2_stream {
 public:
  bool over = false;

 private:
  void on_head(const runtime::field_list&, bool) override {}
  void on_content(std::string_view) override {}
  void on_end() override {}
  void on_closed(uint32_t) override { over = true; }
};

tunnel::tunnel(edge_context& context, runtime::transport connection, tunnel_peer peer)
    : context_(context),
      peer_(std::move(peer)),
      session_(context.home, std::move(connection), *this, tunnel_options()) {
  info_.id = {context.home.index(), context.load->next_tunnel.fetch_add(1)};
  info_.connector = peer_.connector;
  info_.serial = peer_.serial;
  info_.address = peer_.address;
}

tunnel::~tunnel() = default;

void tunnel::enter(state next) {
  if (state_ == next || state_ == state::closed) return;
  runtime::ensure(next > state_, "a tunnel's states only go forward");
  state_ = next;
  const auto number = std::to_string(info_.id.number);
  runtime::log_event(
      next == state::serving || next == state::closed ? spdlog::level::info : spdlog::level::debug,
      "tunnel",
      {{"state", to_string(next)},
       {"tunnel", number},
       {"connector", peer_.connector},
       {"address", peer_.address},
       {"reason", next == state::closed ? std::string_view{end_reason_} : std::string_view{}}});
}

awaitable<void> tunnel::run() {
  const counted open_tunnel{context_.load->tunnels};
  auto self = shared_from_this();
  context_.tunnels->add(self);
  context_.home.timers().arm(
      heartbeat_, actors::heartbeat_tick, [](void* raw) { static_cast<tunnel*>(raw)->beat(); },
      this);
  asio::co_spawn(
      context_.home.get_executor(), [self]() -> awaitable<void> { co_await self->open(); },
      asio::detached);
  const auto why = co_await session_.run();
  heartbeat_.disarm();
  if (end_reason_.empty()) end_reason_ = why.cause + (why.detail.empty() ? "" : ": " + why.detail);
  enter(state::closed);
  context_.tunnels->remove(number());
  context_.port->tell(connection_, actors::closed_atom_v, end_reason_);
}

awaitable<void> tunnel::open() {
  if (auto greeted = co_await greet(); !greeted) {
    cut(runtime::to_string(greeted.error()));
    co_return;
  }
  // Behind its hello a connector may have said that it leaves: then it attaches as one that drains.
  if (state_ == state::greeting) enter(state::attaching);
  if (auto attached = co_await attach(); !attached) cut(runtime::to_string(attached.error()));
}

awaitable<result<void>> tunnel::greet() {
  hello_ = std::make_unique<hello_stream>(context_.home);
  const runtime::field_list fields{{":method", "GET"},
                                   {":scheme", "https"},
                                   {":authority", "postern"},
                                   {":path", "/.postern/hello"}};
  if (auto sent = session_.submit_request(*hello_, fields, true); !sent) co_return sent.error();
  runtime::coarse_timer deadline;
  context_.home.timers().arm(
      deadline, limits::hello_timeout,
      [](void* raw) { static_cast<hello_stream*>(raw)->done().wake(); }, hello_.get());
  co_await hello_->done().wait();
  if (!hello_->complete)
    co_return error{error_category::bad_gateway, "no_hello", "connector",
                    "no usable answer to the hello"};
  auto heard = actors::decode_tunnel_hello(hello_->content);
  if (!heard) co_return heard.error();
  info_.instance = std::move(heard->instance);
  info_.version = std::move(heard->version);
  info_.capacity = heard->capacity;
  co_return result<void>{};
}

awaitable<result<void>> tunnel::attach() {
  auto self = shared_from_this();
  runtime::coarse_timer patience;
  context_.home.timers().arm(
      patience, attach_timeout,
      [](void* raw) { static_cast<tunnel*>(raw)->cut("the registry did not answer in time"); },
      this);
  auto connection = co_await context_.port->ask<actors::connector_connection_actor>(
      context_.handles->connectors, attach_answer_timeout, actors::attach_atom_v, info_);
  patience.disarm();
  if (!connection) co_return connection.error();
  connection_ = *connection;
  if (state_ == state::closed) {
    context_.port->tell(connection_, actors::closed_atom_v, end_reason_);
    co_return result<void>{};
  }
  if (state_ == state::draining)
    context_.port->tell(connection_, actors::drain_atom_v);
  else
    enter(state::serving);
  if (silent()) context_.port->tell(connection_, actors::silent_atom_v, true);
  co_return result<void>{};
}

void tunnel::summon(const std::string& address) {
  std::erase_if(summonses_, [](const auto& s) { return s->over; });
  if (state_ != state::serving || summonses_.size() >= summonses_at_once) return;
  auto stream = std::make_unique<summons_stream>();
  const runtime::field_list fields{{":method", "POST"},
                                   {":scheme", "https"},
                                   {":authority", "postern"},
                                   {":path", "/.postern/summons"},
                                   {"postern-node", address}};
  // Without a stream (the tunnel is full or ending) another one will be asked.
  if (session_.submit_request(*stream, fields, true)) summonses_.push_back(std::move(stream));
}

void tunnel::attach_again() {
  if (!serves()) return;
  asio::co_spawn(
      context_.home.get_executor(),
      [self = shared_from_this()]() -> awaitable<void> {
        const auto asked = self->context_.handles->connectors;
        const auto attached = co_await self->attach();
        // What an older one said does not count: the next one is asked anew.
        if (!attached && !waits_for_next_registry(attached.error()) &&
            asked == self->context_.handles->connectors)
          self->cut(runtime::to_string(attached.error()));
      },
      asio::detached);
}

bool waits_for_next_registry(const runtime::error& why) noexcept {
  return actors::is_crash(why.cause) || why.cause == "registry_ended";
}

void tunnel::on_going_away() {
  if (connection_) context_.port->tell(connection_, actors::drain_atom_v);
  enter(state::draining);
  tell_listeners(&tunnel_listener::on_leaving);
}

void tunnel::beat() {
  context_.home.timers().arm(
      heartbeat_, actors::heartbeat_tick, [](void* raw) { static_cast<tunnel*>(raw)->beat(); },
      this);
  using actors::heartbeat_step;
  switch (watch_.tick()) {
    case heartbeat_step::none:
      return;
    case heartbeat_step::give_up:
      return cut("heartbeat_lost");
    case heartbeat_step::back:
      return change_silence(false);
    case heartbeat_step::silent:
      change_silence(true);
      [[fallthrough]];
    case heartbeat_step::ping:
      return session_.ping();
  }
}

void tunnel::change_silence(bool silent) {
  runtime::log_event(spdlog::level::warn, silent ? "tunnel fell silent" : "tunnel was heard again",
                     {{"tunnel", std::to_string(info_.id.number)}, {"connector", peer_.connector}});
  if (connection_) context_.port->tell(connection_, actors::silent_atom_v, silent);
  if (silent) tell_listeners(&tunnel_listener::on_silent);
}

void tunnel::tell_listeners(void (tunnel_listener::*what)()) {
  // Backwards: whoever stops listening is replaced by one that has been told.
  for (size_t i = listeners_.size(); i-- > 0;)
    if (i < listeners_.size()) (listeners_[i]->*what)();
}

void tunnel::listen(tunnel_listener& l) {
  listeners_.push_back(&l);
  l.place_ = listeners_.size();
}

void tunnel::unlisten(tunnel_listener& l) noexcept {
  if (l.place_ == 0) return;
  auto& place = listeners_[std::exchange(l.place_, 0) - 1];
  if (place != listeners_.back()) {
    listeners_.back()->place_ = static_cast<size_t>(&place - listeners_.data()) + 1;
    place = listeners_.back();
  }
  listeners_.pop_back();
}

void tunnel::cut(const std::string& reason) {
  if (end_reason_.empty()) end_reason_ = reason;
  session_.close();
}

void tunnel::leave() {
  session_.go_away();
}

void adopt_tunnel(edge_context& accepted_on, runtime::transport connection, tunnel_peer peer) {
  static tunnel_balance balance;
  const auto index = balance.take(peer.connector, accepted_on.shards.size());
  auto& target = *accepted_on.shards[index];
  auto start = [&target, index](runtime::transport moved, tunnel_peer who) {
    const auto connector = who.connector;
    auto t = std::make_shared<tunnel>(target, std::move(moved), std::move(who));
    asio::co_spawn(
        target.home.get_executor(),
        [t, connector, index]() -> awaitable<void> {
          co_await t->run();
          balance.give_back(connector, index);
        },
        asio::detached);
  };
  if (&target == &accepted_on) {
    start(std::move(connection), std::move(peer));
    return;
  }
  auto moved = std::make_shared<runtime::transport>(connection.move_to(target.home));
  target.home.post([start, moved, peer = std::move(peer)]() mutable {
    start(std::move(*moved), std::move(peer));
  });
}

}  // namespace postern::edge
