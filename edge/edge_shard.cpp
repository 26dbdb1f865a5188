#include "edge/edge_shard.hpp"

#include "actors/timeouts.hpp"
#include "edge/http1_connection.hpp"
#include "edge/http2_connection.hpp"
#include "edge/listener.hpp"
#include "edge/node_load.hpp"
#include "edge/traffic_limits.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"
#include "runtime/x509.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <optional>

namespace postern::edge {

namespace asio = boost::asio;
namespace limits = runtime::limits;
using runtime::awaitable;
using runtime::result;

namespace {

constexpr auto subscribe_timeout = std::chrono::seconds{10};
// Longer than a TCP handshake takes to a user far away: whoever has begun one is served.
constexpr auto handshake_grace = std::chrono::milliseconds{250};
// When the process has no descriptors left, accepting again at once would spin.
constexpr auto accept_pause = std::chrono::milliseconds{50};
constexpr auto full_pause = std::chrono::seconds{1};

using pause_timer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, runtime::executor>;

std::string address_of(const runtime::tcp_socket& socket) {
  boost::system::error_code failure;
  auto address = socket.remote_endpoint(failure).address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return failure ? std::string{} : address.to_string();
}

/// Listed while the object lives, for the end of the shard to find.
struct unserved {
  unserved(std::unordered_set<runtime::transport*>& list, runtime::transport& connection)
      : all(list), one(connection) {
    all.insert(&one);
  }
  ~unserved() { all.erase(&one); }
  unserved(const unserved&) = delete;
  unserved& operator=(const unserved&) = delete;

  std::unordered_set<runtime::transport*>& all;
  runtime::transport& one;
};

/// The whole answer of the plain port to a request's head.
std::string answer_plain(const edge_context& context, std::string_view head,
                         const std::string& address) {
  const std::string end = "connection: close\r\ncontent-length: 0\r\n\r\n";
  runtime::http1_request_parser parser;
  const auto parsed = parser.parse_head(head);
  const auto request = parsed ? check_request(parser) : result<checked_request>{parsed.error()};
  if (request && (request->method == "GET" || request->method == "HEAD"))
    return "HTTP/1.1 308 Permanent Redirect\r\nlocation: https://" + std::string{request->host} +
           context.urls.port_suffix + std::string{request->target} + "\r\n" + end;
  // Content has been sent in the clear already: a redirect would hide that.
  const std::string_view status = request ? "403 Forbidden" : "400 Bad Request";
  const std::string cause = request ? "method_refused" : request.error().cause;
  const auto id = context.random.hex(16);
  runtime::log_event(
      spdlog::level::info, "refused",
      {{"request_id", id}, {"cause", cause}, {"source", "request"}, {"address", address}});
  return "HTTP/1.1 " + std::string{status} + "\r\nx-request-id: " + id + "\r\n" + end;
}

}  // namespace

edge_shard::edge_shard(edge_context context, caf::actor_system& system,
                       const server_identity& identity, routing_listener on_routing)
    : context_(std::move(context)),
      identity_(identity),
      on_routing_(std::move(on_routing)),
      door_(context_),
      sign_in_(context_),
      gate_(context_, sign_in_),
      site_(context_) {
  context_.tunnels = &tunnels_;
  context_.port = std::make_unique<runtime::actor_port>(system, context_.home);
  context_.port->on_message([this](caf::message& content, const auto&) { on_message(content); });
}

edge_shard::~edge_shard() = default;

void edge_shard::on_message(caf::message& content) {
  if (content.match_elements<actors::update_atom, actors::routing_ptr>())
    take_routing(content.get_as<actors::routing_ptr>(1));
  else if (content.match_elements<actors::update_atom, actors::node_handles_ptr>())
    take_handles(content.get_as<actors::node_handles_ptr>(1));
}

void edge_shard::take_routing(actors::routing_ptr routing) {
  context_.published = std::make_shared<const published_routes>(*routing, context_.urls.issuer);
  context_.routing = std::move(routing);
  if (on_routing_) on_routing_(*context_.routing);
  const size_t index = context_.home.index();
  if (index < context_.load->published_version.size())
    context_.load->published_version[index] = context_.routing->published->version;
}

void edge_shard::take_handles(actors::node_handles_ptr handles) {
  const bool registry_changed =
      context_.handles && context_.handles->connectors != handles->connectors;
  context_.handles = std::move(handles);
  if (!registry_changed) return;
  // A restarted registry knows nothing of what is open here.
  asio::co_spawn(
      context_.home.get_executor(),
      [this]() -> awaitable<void> {
        auto routing = co_await context_.port->ask<actors::routing_ptr>(
            context_.handles->connectors, actors::routing_timeout, actors::subscribe_atom_v,
            context_.port->as<actors::routing_subscriber_actor>());
        // One that has ended meanwhile lets nobody in; the next handles bring the next one.
        if (!routing && waits_for_next_registry(routing.error())) co_return;
        if (routing) take_routing(std::move(*routing));
        tunnels_.for_each([](tunnel& t) { t.attach_again(); });
      },
      asio::detached);
}

awaitable<result<void>> edge_shard::follow(actors::node_supervisor_actor supervisor) {
  auto handles = co_await context_.port->ask<actors::node_handles_ptr>(
      supervisor, subscribe_timeout, actors::subscribe_atom_v,
      context_.port->as<actors::handles_subscriber_actor>());
  if (!handles) co_return handles.error();
  context_.handles = std::move(*handles);
  auto routing = co_await context_.port->ask<actors::routing_ptr>(
      context_.handles->connectors, actors::routing_timeout, actors::subscribe_atom_v,
      context_.port->as<actors::routing_subscriber_actor>());
  if (!routing) co_return routing.error();
  take_routing(std::move(*routing));
  co_return result<void>{};
}

void edge_shard::listen(runtime::tcp_acceptor acceptor) {
  start_accepting(std::move(acceptor), false);
}

void edge_shard::listen_redirect(runtime::tcp_acceptor acceptor) {
  start_accepting(std::move(acceptor), true);
}

void edge_shard::start_accepting(runtime::tcp_acceptor acceptor, bool redirecting) {
  listening_.push_back(std::make_unique<listening>(std::move(acceptor), redirecting));
  asio::co_spawn(context_.home.get_executor(), accept_loop(*listening_.back()), asio::detached);
}

void edge_shard::drain(const std::vector<std::string>& other_nodes) {
  for (auto& one : listening_)
    // The node has users as long as somebody may still come.
    asio::co_spawn(context_.home.get_executor(),
                   retire(*one, std::make_unique<counted>(context_.load->connections)),
                   asio::detached);
  for (auto& [key, connection] : connections_)
    if (auto alive = connection.lock()) alive->drain();
  if (other_nodes.empty()) return;
  tunnels_.for_each([&](tunnel& t) { t.summon(other_nodes[t.number() % other_nodes.size()]); });
}

void edge_shard::leave() {
  for (auto& [key, connection] : connections_)
    if (auto alive = connection.lock()) alive->leave();
  // Connectors that wait for their turn would have to go elsewhere at once.
  door_.close();
  tunnels_.for_each([](tunnel& t) { t.leave(); });
}

void edge_shard::stop_waiting() {
  for (auto& [key, connection] : connections_)
    if (auto alive = connection.lock()) alive->stop_waiting();
}

void edge_shard::end() {
  boost::system::error_code ignored;
  for (auto& one : listening_)
    one->acceptor.close(ignored);
  door_.close();
  for (auto* connection : unserved_)
    connection->close();
  auto connections = connections_;
  for (auto& [key, connection] : connections)
    if (auto alive = connection.lock()) alive->end();
  tunnels_.for_each([](tunnel& t) { t.cut("node_stopped"); });
}

awaitable<void> edge_shard::accept_loop(listening& on) {
  auto& acceptor = on.acceptor;
  while (acceptor.is_open()) {
    auto [failure, socket] = co_await acceptor.async_accept(asio::as_tuple(runtime::use_awaitable));
    if (!failure) {
      // Even if the listener has been closed meanwhile: this one was accepted before.
      take(std::move(socket), on.redirecting);
      continue;
    }
    if (failure == asio::error::operation_aborted || !acceptor.is_open()) break;
    spdlog::warn("cannot accept a connection: {}", failure.message());
    pause_timer pause{context_.home.get_executor(), accept_pause};
    co_await pause.async_wait(asio::as_tuple(runtime::use_awaitable));
  }
}

void edge_shard::take(runtime::tcp_socket socket, bool redirecting) {
  asio::co_spawn(context_.home.get_executor(),
                 redirecting ? redirect(std::move(socket)) : welcome(std::move(socket)),
                 asio::detached);
}

awaitable<void> edge_shard::retire(listening& last,
                                   [[maybe_unused]] std::unique_ptr<counted> open) {
  auto& acceptor = last.acceptor;
  refuse_new_connections(acceptor);
  pause_timer pause{context_.home.get_executor(), handshake_grace};
  co_await pause.async_wait(asio::as_tuple(runtime::use_awaitable));
  boost::system::error_code failure;
  acceptor.non_blocking(true, failure);
  while (!failure && acceptor.is_open()) {
    runtime::tcp_socket socket{context_.home.get_executor()};
    acceptor.accept(socket, failure);
    if (!failure) take(std::move(socket), last.redirecting);
  }
  acceptor.close(failure);
}

awaitable<void> edge_shard::welcome(runtime::tcp_socket socket) {
  const counted open{context_.load->connections};
  const auto& load = *context_.load;
  auto address = address_of(socket);
  const bool full = load.connections > load.budget.users;
  if (load.connections + load.tunnels > load.budget.all) {
    tell_full();
    co_return;
  }
  connection_place place{*context_.load->traffic, address};
  if (!place) {
    runtime::log_event(spdlog::level::info, "too many connections", {{"address", address}});
    co_return;
  }
  const auto entry = co_await door_.pass(socket);
  if (entry == connector_door::entry::refused) co_return;
  const auto tls = identity_.current();
  runtime::transport connection{std::move(socket), tls->make_connection()};
  std::optional<unserved> waiting{std::in_place, unserved_, connection};
  auto shaken =
      co_await connection.handshake(context_.home.timers(), limits::tls_handshake_timeout);
  waiting.reset();
  door_.shaken(entry, runtime::server_name(connection.tls()) == context_.options.names.service);
  if (!shaken) {
    runtime::log_event(spdlog::level::debug, "TLS handshake failed",
                       {{"address", address}, {"detail", shaken.error().detail}});
    co_return;
  }
  if (runtime::selected_protocol(connection.tls()) == tunnel_protocol) {
    auto certificate =
        runtime::read_certificate_pem(runtime::peer_certificate_pem(connection.tls()));
    if (!certificate) {
      runtime::log_event(spdlog::level::warn, "a tunnel without a certificate",
                         {{"address", address}});
      connection.shutdown();
      co_return;
    }
    place.give_back();
    adopt_tunnel(context_, std::move(connection),
                 {certificate->common_name, certificate->serial, std::move(address)});
    co_return;
  }
  auto session = make_connection(std::move(connection), std::move(address));
  if (full) {
    tell_full();
    session->make_brief();
  }
  auto* key = session.get();
  connections_.emplace(key, session);
  if (context_.load->draining.load(std::memory_order_relaxed)) session->drain();
  co_await session->run();
  connections_.erase(key);
}

void edge_shard::tell_full() {
  // Once a second: a line for each would add the disk to what is short.
  const auto now = std::chrono::steady_clock::now();
  if (now - full_told_ < full_pause) return;
  full_told_ = now;
  runtime::log_event(spdlog::level::warn, "the node is full: connections are refused",
                     {{"connections", std::to_string(context_.load->connections)},
                      {"tunnels", std::to_string(context_.load->tunnels)}});
}

std::shared_ptr<user_connection> edge_shard::make_connection(runtime::transport connection,
                                                             std::string address) {
  if (runtime::selected_protocol(connection.tls()) == "h2")
    return std::make_shared<http2_connection>(context_, gate_, site_, std::move(connection),
                                              std::move(address));
  return std::make_shared<http1_connection>(context_, gate_, site_, std::move(connection),
                                            std::move(address));
}

awaitable<void> edge_shard::redirect(runtime::tcp_socket socket) {
  const counted open{context_.load->connections};
  if (context_.load->connections > context_.load->budget.users) co_return tell_full();
  const auto address = address_of(socket);
  const connection_place place{*context_.load->traffic, address};
  if (!place) {
    runtime::log_event(spdlog::level::info, "too many connections", {{"address", address}});
    co_return;
  }
  runtime::transport connection{std::move(socket), nullptr};
  const unserved reading{unserved_, connection};
  runtime::coarse_timer deadline;
  context_.home.timers().arm(
      deadline, limits::head_timeout,
      [](void* raw) { static_cast<runtime::transport*>(raw)->close(); }, &connection);
  std::string head;
  std::array<char, 4096> piece{};
  size_t end = std::string::npos;
  while (end == std::string::npos) {
    const auto outcome = connection.try_read(piece);
    if (outcome.status == runtime::io_status::want_read) {
      if (!co_await connection.wait_readable()) co_return;
      continue;
    }
    if (outcome.status != runtime::io_status::done || head.size() > limits::head_bytes) co_return;
    head.append(piece.data(), outcome.bytes);
    end = runtime::find_head_end(head, 0);
  }
  connection.try_write(answer_plain(context_, std::string_view{head}.substr(0, end), address));
  deadline.disarm();
  connection.shutdown();
}

}  // namespace postern::edge
