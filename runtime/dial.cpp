#include "runtime/dial.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace postern::runtime {

namespace {

using resolver = asio::ip::basic_resolver<asio::ip::tcp, executor>;
using asio::ip::tcp;

/// Cancels whatever step is under way when the time is up.
struct deadline_guard {
  coarse_timer timer;
  resolver* names = nullptr;
  tcp_socket* socket = nullptr;
  bool late = false;

  static void on_late(void* raw) {
    auto& self = *static_cast<deadline_guard*>(raw);
    self.late = true;
    boost::system::error_code ignored;
    if (self.names) self.names->cancel();
    if (self.socket) self.socket->close(ignored);
  }
};

bool is_loopback_name(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost");
}

error dial_error(const deadline_guard& guard, const char* cause, std::string detail) {
  if (guard.late) return {error_category::timeout, "connect_timeout", "origin", std::move(detail)};
  return {error_category::bad_gateway, cause, "origin", std::move(detail)};
}

awaitable<result<std::vector<tcp::endpoint>>> addresses_of(shard& home, const dial_target& target,
                                                           deadline_guard& guard) {
  std::vector<tcp::endpoint> found;
  const auto& host = target.address.empty() ? target.host : target.address;
  if (is_loopback_name(host)) {
    found.emplace_back(asio::ip::address_v4::loopback(), target.port);
    found.emplace_back(asio::ip::address_v6::loopback(), target.port);
    co_return found;
  }
  boost::system::error_code not_an_address;
  if (auto address = asio::ip::make_address(host, not_an_address); !not_an_address) {
    found.emplace_back(address, target.port);
    co_return found;
  }
  resolver names{home.get_executor()};
  guard.names = &names;
  auto [failure, entries] = co_await names.async_resolve(target.host, std::to_string(target.port),
                                                         asio::as_tuple(use_awaitable));
  guard.names = nullptr;
  if (failure)
    co_return dial_error(guard, "name_unresolved", target.host + ": " + failure.message());
  for (const auto& entry : entries)
    found.push_back(entry.endpoint());
  co_return found;
}

}  // namespace

awaitable<result<transport>> dial(shard& home, dial_target target,
                                  std::chrono::milliseconds timeout) {
  deadline_guard guard;
  home.timers().arm(guard.timer, timeout, &deadline_guard::on_late, &guard);
  const auto started = std::chrono::steady_clock::now();
  auto addresses = co_await addresses_of(home, target, guard);
  if (!addresses) co_return addresses.error();
  tcp_socket socket{home.get_executor()};
  boost::system::error_code failure = asio::error::host_not_found;
  for (const auto& address : *addresses) {
    boost::system::error_code ignored;
    socket.close(ignored);
    guard.socket = &socket;
    std::tie(failure) = co_await socket.async_connect(address, asio::as_tuple(use_awaitable));
    guard.socket = nullptr;
    if (!failure || guard.late) break;
  }
  guard.timer.disarm();
  if (failure || guard.late)
    co_return dial_error(
        guard, "connection_refused",
        target.host + ":" + std::to_string(target.port) + ": " + failure.message());
  transport connection{std::move(socket),
                       target.tls ? target.tls->make_connection(target.host) : nullptr};
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started);
  auto shaken = co_await connection.handshake(
      home.timers(), std::max(timeout - spent, std::chrono::milliseconds{1}));
  if (!shaken) {
    auto why = shaken.error();
    why.source = "origin";
    if (why.cause == "tls_timeout") why.cause = "connect_timeout";
    if (SSL_get_verify_result(connection.tls()) != X509_V_OK) why.cause = "tls_certificate";
    co_return why;
  }
  co_return connection;
}

}  // namespace postern::runtime
