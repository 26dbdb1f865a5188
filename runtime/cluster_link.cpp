#include "runtime/cluster_link.hpp"

#include "runtime/dial.hpp"
#include "runtime/log.hpp"
#include "runtime/socket_relay.hpp"
#include "runtime/wait_point.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <caf/actor_system.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/scribe.hpp>
#include <caf/send.hpp>

#include <optional>
#include <set>
#include <vector>

namespace postern::runtime {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Whoever knocks all the time must not fill the log.
constexpr auto refusal_log_interval = std::chrono::seconds{1};
// When the process has no descriptors left, accepting again at once would spin.
constexpr auto accept_pause = milliseconds{50};
constexpr int waiting_connections = 128;

}  // namespace

void load_cluster_link(caf::actor_system_config& config) {
  config.load<caf::io::middleman>();
  config.set("middleman.heartbeat-interval", caf::timespan{cluster_heartbeat});
  config.set("middleman.connection-timeout", caf::timespan{cluster_silence});
}

/// Ended or not, it stays until its last coroutine has returned.
struct cluster_link::state : std::enable_shared_from_this<state> {
  state(caf::actor_system& the_system, shard& the_home, cluster_files the_files)
      : system(the_system),
        home(the_home),
        files(std::move(the_files)),
        broker(the_system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"))) {}

  awaitable<void> accept_loop();
  awaitable<void> welcome(tcp_socket socket);
  /// Hands CAF a way to the peer; the relay carries it.
  result<caf::io::scribe_ptr> adopt(transport connection, std::shared_ptr<socket_relay>* relay);
  awaitable<result<transport>> reach(config::endpoint node);
  void log_refusal(const std::string& address, const error& why, bool forged);
  void end() noexcept;

  caf::actor_system& system;
  shard& home;
  const cluster_files files;
  caf::actor broker;
  caf::strong_actor_ptr offered;
  uint16_t port = 0;
  std::optional<tcp_acceptor> acceptor;
  std::vector<std::weak_ptr<socket_relay>> relays;
  std::vector<transport*> shaking;  // handshakes under way
  clock::time_point refusal_logged{};
  bool ended = false;
};

cluster_link::cluster_link(caf::actor_system& system, shard& home, cluster_files files)
    : state_(std::make_shared<state>(system, home, std::move(files))) {}

cluster_link::~cluster_link() {
  state_->end();
}

void cluster_link::state::end() noexcept {
  ended = true;
  boost::system::error_code ignored;
  if (acceptor) acceptor->close(ignored);
  for (auto* connection : shaking)
    connection->close();
  for (const auto& one : relays)
    if (const auto relay = one.lock()) relay->end();
  broker = nullptr;
  offered = nullptr;
}

// -- accepting ------------------------------------------------------------------------------------

result<uint16_t> cluster_link::publish(const caf::actor& offered, const config::endpoint& at) {
  boost::system::error_code failure;
  const asio::ip::tcp::endpoint endpoint{asio::ip::make_address(at.address, failure), at.port};
  tcp_acceptor acceptor{state_->home.get_executor()};
  if (!failure) acceptor.open(endpoint.protocol(), failure);
  if (!failure) acceptor.set_option(asio::socket_base::reuse_address{true}, failure);
  if (!failure) acceptor.bind(endpoint, failure);
  if (!failure) acceptor.listen(waiting_connections, failure);
  if (failure)
    return error{error_category::unavailable, "cluster_listen", "service",
                 config::to_string(at) + ": " + failure.message()};
  const auto port = acceptor.local_endpoint().port();
  state_->home.post([s = state_, port, offered = caf::actor_cast<caf::strong_actor_ptr>(offered),
                     a = std::move(acceptor)]() mutable {
    if (s->ended) return;
    s->offered = std::move(offered);
    s->port = port;
    s->acceptor.emplace(std::move(a));
    asio::co_spawn(
        s->home.get_executor(), [s]() -> awaitable<void> { co_await s->accept_loop(); },
        asio::detached);
  });
  return port;
}

awaitable<void> cluster_link::state::accept_loop() {
  while (!ended) {
    auto [failure, socket] = co_await acceptor->async_accept(asio::as_tuple(use_awaitable));
    if (ended) break;
    if (failure) {
      spdlog::warn("cannot accept a connection of another node: {}", failure.message());
      wait_point soon{home};
      coarse_timer pause;
      home.timers().arm(
          pause, accept_pause, [](void* p) { static_cast<wait_point*>(p)->wake(); }, &soon);
      co_await soon.wait();
      continue;
    }
    if (shaking.size() >= largest_cluster_handshakes) continue;
    asio::co_spawn(
        home.get_executor(),
        [self = shared_from_this(), s = std::move(socket)]() mutable -> awaitable<void> {
          co_await self->welcome(std::move(s));
        },
        asio::detached);
  }
}

awaitable<void> cluster_link::state::welcome(tcp_socket socket) {
  boost::system::error_code gone;
  const auto address = socket.remote_endpoint(gone).address().to_string();
  auto tls = make_cluster_connection(files, cluster_side::accepts);
  if (!tls) {
    log_refusal(address, tls.error(), true);
    co_return;
  }
  transport connection{std::move(socket), std::move(*tls)};
  shaking.push_back(&connection);
  const auto shaken = co_await connection.handshake(home.timers(), cluster_handshake_timeout);
  std::erase(shaking, &connection);
  if (ended) co_return;
  if (!shaken) {
    log_refusal(address, shaken.error(), SSL_get_verify_result(connection.tls()) != X509_V_OK);
    co_return;
  }
  std::shared_ptr<socket_relay> relay;
  auto way = adopt(std::move(connection), &relay);
  if (!way) co_return spdlog::warn("a node was turned away: {}", to_string(way.error()));
  caf::anon_send(broker, caf::publish_atom_v, std::move(*way), port, offered,
                 std::set<std::string>{});
}

void cluster_link::state::log_refusal(const std::string& address, const error& why, bool forged) {
  const auto now = clock::now();
  if (now - refusal_logged < refusal_log_interval) return;
  refusal_logged = now;
  log_event(forged ? spdlog::level::warn : spdlog::level::info, "no member of the cluster",
            {{"address", address}, {"cause", why.cause}, {"detail", why.detail}});
}

result<caf::io::scribe_ptr> cluster_link::state::adopt(transport connection,
                                                       std::shared_ptr<socket_relay>* relay) {
  auto pair = make_inner_pair(home);
  if (!pair) return pair.error();
  *relay = std::make_shared<socket_relay>(std::move(connection), std::move(pair->first));
  std::erase_if(relays, [](const auto& one) { return one.expired(); });
  relays.push_back(*relay);
  (*relay)->start();
  return system.middleman().backend().new_scribe(pair->second.release());
}

// -- dialling -------------------------------------------------------------------------------------

awaitable<result<transport>> cluster_link::state::reach(config::endpoint node) {
  const auto begun = clock::now();
  auto tls = make_cluster_connection(files, cluster_side::dials);
  if (!tls) co_return tls.error();
  dial_target target{
      .host = node.address, .port = node.port, .tls = nullptr, .address = node.address};
  auto connection = co_await dial(home, std::move(target), cluster_handshake_timeout);
  if (!connection) co_return connection.error();
  if (ended) co_return error{error_category::unavailable, "cluster_unreachable", "service", {}};
  const auto left =
      cluster_handshake_timeout - std::chrono::duration_cast<milliseconds>(clock::now() - begun);
  connection->use_tls(std::move(*tls));
  shaking.push_back(&*connection);
  const auto shaken =
      co_await connection->handshake(home.timers(), std::max(left, milliseconds{1}));
  std::erase(shaking, &*connection);
  if (!shaken) co_return shaken.error();
  co_return std::move(*connection);
}

awaitable<result<caf::strong_actor_ptr>> cluster_link::connect(actor_port& port,
                                                               config::endpoint node,
                                                               milliseconds timeout) {
  const auto s = state_;
  const auto unreachable = [&](const char* why) {
    return error{error_category::unavailable, "cluster_unreachable", "service",
                 config::to_string(node) + why};
  };
  auto connection = co_await s->reach(node);
  if (!connection) co_return connection.error();
  if (s->ended) co_return unreachable(": this node ends");
  std::shared_ptr<socket_relay> relay;
  auto way = s->adopt(std::move(*connection), &relay);
  if (!way) co_return way.error();
  auto answer =
      co_await port.ask_message(caf::actor_cast<caf::strong_actor_ptr>(s->broker), timeout,
                                caf::make_message(caf::connect_atom_v, std::move(*way), node.port));
  caf::strong_actor_ptr found;
  if (answer.match_elements<caf::node_id, caf::strong_actor_ptr, std::set<std::string>>())
    found = answer.get_as<caf::strong_actor_ptr>(1);
  if (found) co_return found;
  relay->end();
  if (answer.match_elements<caf::error>()) co_return from_caf(answer.get_as<caf::error>(0));
  co_return unreachable(" offers nothing");
}

}  // namespace postern::runtime
