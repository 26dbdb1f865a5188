#include "edge/connector_door.hpp"

#include "edge/client_hello.hpp"
#include "edge/node_load.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

#include <array>
#include <cerrno>
#include <sys/socket.h>

namespace postern::edge {

namespace asio = boost::asio;
using runtime::awaitable;

namespace {

// A ClientHello has some hundred bytes, with keys against quantum computers two thousand.
constexpr size_t looked_bytes = 4'096;
// What has not come whole is looked at again after this time.
constexpr auto look_again = std::chrono::milliseconds{50};
// A rush is told of this often.
constexpr auto report_interval = std::chrono::seconds{1};

}  // namespace

awaitable<connector_door::entry> connector_door::pass(runtime::tcp_socket& socket) {
  if (closed_) co_return entry::refused;
  if (rate_.is_free(clock::now(), unseen_)) {
    ++unseen_;
    co_return entry::unseen;
  }
  const auto who = co_await look_at(socket);
  if (who == guest::gone || closed_) co_return entry::refused;
  if (who == guest::user) co_return entry::user;
  const auto now = clock::now();
  const auto wait = rate_.take(now);
  if (wait != clock::duration::zero()) report(now, wait.has_value());
  if (!wait) co_return entry::refused;
  co_await rest(*wait);
  co_return closed_ ? entry::refused : entry::turn;
}

void connector_door::shaken(entry how, bool for_service) {
  if (how != entry::unseen) return;
  --unseen_;
  if (for_service) rate_.take(clock::now());
}

void connector_door::close() {
  closed_ = true;
  boost::system::error_code ignored;
  for (auto* socket : looked_at_)
    socket->close(ignored);
  for (auto* point : resting_)
    point->wake();
}

awaitable<connector_door::guest> connector_door::look_at(runtime::tcp_socket& socket) {
  const auto end = clock::now() + runtime::limits::tls_handshake_timeout;
  looked_at_.push_back(&socket);
  auto who = guest::gone;
  std::array<char, looked_bytes> piece{};
  while (!closed_ && clock::now() < end) {
    const auto got =
        ::recv(socket.native_handle(), piece.data(), piece.size(), MSG_PEEK | MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (got > 0) {
      const auto hello = read_client_hello({piece.data(), static_cast<size_t>(got)});
      if (hello.kind != hello_kind::incomplete || static_cast<size_t>(got) == piece.size()) {
        who = hello.name == context_.options.names.service ? guest::connector : guest::user;
        break;
      }
    }
    if (got < 0)
      co_await wait_for_bytes(socket, end - clock::now());
    else
      co_await rest(look_again);
  }
  std::erase(looked_at_, &socket);
  co_return who;
}

awaitable<void> connector_door::wait_for_bytes(runtime::tcp_socket& socket, clock::duration most) {
  runtime::coarse_timer timer;
  context_.home.timers().arm(
      timer, std::chrono::ceil<std::chrono::milliseconds>(most),
      [](void* raw) {
        boost::system::error_code ignored;
        static_cast<runtime::tcp_socket*>(raw)->cancel(ignored);
      },
      &socket);
  co_await socket.async_wait(runtime::tcp_socket::wait_read,
                             asio::as_tuple(runtime::use_awaitable));
}

awaitable<void> connector_door::rest(clock::duration time) {
  using std::chrono::milliseconds;
  if (time <= clock::duration::zero()) co_return;
  runtime::wait_point over{context_.home};
  runtime::coarse_timer timer;
  context_.home.timers().arm(
      timer, std::chrono::ceil<milliseconds>(time),
      [](void* point) { static_cast<runtime::wait_point*>(point)->wake(); }, &over);
  resting_.push_back(&over);
  co_await over.wait();
  std::erase(resting_, &over);
}

void connector_door::report(clock::time_point now, bool comes_in) {
  (comes_in ? context_.load->deferred : context_.load->turned_away)
      .fetch_add(1, std::memory_order_relaxed);
  ++(comes_in ? deferred_ : turned_away_);
  if (now - reported_ < report_interval) return;
  reported_ = now;
  runtime::log_event(
      spdlog::level::warn, "many connectors come at once",
      {{"deferred", std::to_string(deferred_)}, {"turned_away", std::to_string(turned_away_)}});
  deferred_ = turned_away_ = 0;
}

}  // namespace postern::edge
