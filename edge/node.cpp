#include "edge/node.hpp"

#include "actors/node_supervisor.hpp"
#include "config/users.hpp"
#include "edge/built_in_sts.hpp"
#include "edge/certificate_watch.hpp"
#include "edge/cluster_gate.hpp"
#include "edge/edge_shard.hpp"
#include "edge/key_source.hpp"
#include "edge/key_watch.hpp"
#include "edge/leave_orders.hpp"
#include "edge/listener.hpp"
#include "edge/node_actors.hpp"
#include "edge/node_keys.hpp"
#include "edge/node_load.hpp"
#include "edge/node_store.hpp"
#include "edge/planned_stop.hpp"
#include "edge/sts_clients.hpp"
#include "edge/traffic_limits.hpp"
#include "runtime/cluster_link.hpp"
#include "runtime/descriptors.hpp"
#include "runtime/files.hpp"
#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <caf/all.hpp>

#include <fstream>
#include <iostream>
#include <thread>

namespace postern::edge {

namespace asio = boost::asio;
using runtime::result;

namespace {

// From the end of the drain to the end of the last connection and actor.
constexpr auto end_timeout = std::chrono::seconds{10};

actors::cluster_settings make_cluster_settings(const config::cluster_options& options) {
  return {options.address, options.service_address, options.peers, POSTERN_VERSION};
}

/// Everything of a running node, in the order of its birth.
class node {
 public:
  node(const config::node& options, std::vector<config::user> users, bool enable_chaos)
      : options_(options),
        users_(std::move(users)),
        urls_(make_service_urls(options)),
        shards_(options.listen.shards) {
    load_->trials = enable_chaos;
  }

  result<void> start();
  void drain(const stop_signal& signals);
  /// Ends connections, actors and threads, in that order; false if something would not end in time.
  bool stop();

 private:
  result<void> open_state();
  result<void> start_actors();
  result<void> start_sts();
  result<void> start_edge();
  result<void> start_cluster();
  result<void> listen();
  void on_edges(void (edge_shard::*what)());
  key_sharing sharing() const {
    return is_shared(options_.store) ? key_sharing::shared : key_sharing::alone;
  }
  template <class F>
  auto on_shard(size_t index, F&& f);
  void publish(const actors::routing& routing);

  const config::node& options_;
  std::vector<config::user> users_;
  const service_urls urls_;
  runtime::system_wall_clock clock_;
  runtime::system_random_source random_;
  runtime::folder_lock data_lock_;  // a second node on the same data would undo what this one does
  std::shared_ptr<runtime::store> store_;
  node_keys keys_;
  runtime::shard_pool shards_;
  std::unique_ptr<node_system_config> system_options_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<oidc_client> issuers_;
  std::unique_ptr<key_source> key_source_;
  std::unique_ptr<runtime::actor_port> key_port_;
  std::unique_ptr<runtime::actor_port> tunnel_control_;
  std::unique_ptr<cluster_gate> gate_;  // null: the node is alone
  actors::node_supervisor_actor supervisor_;
  std::unique_ptr<server_identity> identity_;
  std::shared_ptr<const runtime::tls_client_context> issuer_tls_;
  std::unique_ptr<sts::provider> sts_;
  std::unique_ptr<certificate_watch> certificate_watch_;
  std::unique_ptr<key_watch> key_watch_;        // null: no other node changes keys
  std::unique_ptr<leave_orders> leave_orders_;  // null: the node is alone
  std::shared_ptr<node_load> load_ = std::make_shared<node_load>();
  std::vector<std::unique_ptr<edge_shard>> edges_;
};

result<void> node::open_state() {
  if (auto made = runtime::make_folder(options_.data_directory, 0700); !made) return made.error();
  auto held = runtime::lock_folder(options_.data_directory);
  if (!held) return held.error();
  data_lock_ = std::move(*held);
  const auto& cluster = options_.cluster;
  if (!cluster.address.empty())
    if (auto fit = runtime::check_cluster_files(
            {cluster.certificate_file, cluster.key_file, cluster.authority_file});
        !fit)
      return fit.error();
  auto opened = open_node_store(options_);
  if (!opened) return opened.error();
  store_ = std::move(*opened);
  auto keys = load_node_keys(options_.data_directory, *store_, clock_, random_, sharing());
  if (!keys) return keys.error();
  keys_ = std::move(*keys);
  return {};
}

template <class F>
auto node::on_shard(size_t index, F&& f) {
  return asio::co_spawn(shards_.at(index).get_executor(), std::forward<F>(f), asio::use_future)
      .get();
}

result<void> node::start_actors() {
  system_options_ = std::make_unique<node_system_config>(shards_, options_.cluster);
  system_ = std::make_unique<caf::actor_system>(*system_options_);
  auto& first = shards_.at(0);
  tunnel_control_ = std::make_unique<runtime::actor_port>(*system_, first);
  obey_tunnel_control(*tunnel_control_, edges_);
  issuers_ = std::make_unique<oidc_client>(
      first, make_issuer_fetch(first, [this] { return issuer_tls_; }));
  key_source_ = std::make_unique<key_source>(first, *issuers_);
  key_port_ = std::make_unique<runtime::actor_port>(*system_, first);
  key_port_->on_message(
      [this](caf::message& content, const auto& answer) { key_source_->handle(content, answer); });
  actors::node_environment environment;
  environment.store = store_;
  environment.key_source = key_port_->as<actors::key_source_actor>();
  environment.tunnel_control = tunnel_control_->as<actors::tunnel_control_actor>();
  environment.clock = &clock_;
  environment.random = &random_;
  environment.wrapping_keys = keys_.wrapping;
  environment.connectors = options_.connectors;
  environment.connectors.tunnels =
      std::max<unsigned>(options_.connectors.tunnels, static_cast<unsigned>(shards_.size()));
  environment.session = options_.session;
  if (!options_.cluster.address.empty()) {
    gate_ = std::make_unique<cluster_gate>(options_.cluster, *system_, first, [this] {
      const auto known = edges_.empty() ? nullptr : edges_[0]->context().handles;
      return known ? known->cluster : actors::cluster_directory_actor{};
    });
    environment.cluster = make_cluster_settings(options_.cluster);
    environment.transport = gate_->transport();
    environment.gate = gate_->peer();
  }
  environment.service_hosts = {options_.names.service, options_.names.admin};
  if (options_.sts.enabled) environment.service_hosts.push_back(options_.names.sts);
  supervisor_ = system_->spawn(actors::node_supervisor, environment);
  return {};
}

result<void> node::start_sts() {
  const auto authority = on_shard(0, [this] { return ask_authority(*key_port_, supervisor_); });
  if (!authority) return authority.error();
  identity_ = std::make_unique<server_identity>(options_, *authority, clock_, random_);
  if (sharing() == key_sharing::shared) identity_->share(store_, keys_.wrapping);
  if (auto started = identity_->start(); !started) return started.error();

  auto tls = make_issuer_tls(options_.sts, identity_->own_authority_pem());
  if (!tls) return tls.error();
  issuer_tls_ = std::move(*tls);

  if (!options_.sts.enabled) return {};
  sts::options settings;
  settings.issuer = urls_.issuer;
  settings.shared = sharing() == key_sharing::shared;
  settings.observer = [this](const sts::event& what) {
    shards_.at(0).post([this, what] {
      if (!edges_.empty() && edges_[0]) record_sts_event(edges_[0]->context(), what);
    });
  };
  auto sts =
      start_built_in_sts(settings, std::move(users_), *store_, keys_.wrapping, clock_, random_);
  if (!sts) return sts.error();
  sts_ = std::move(*sts);
  return {};
}

void node::publish(const actors::routing& routing) {
  if (auto updated = identity_->update(*routing.published); !updated)
    spdlog::error("cannot make certificates for what is published: {}",
                  runtime::to_string(updated.error()));
  if (sts_) sts_->set_clients(make_sts_clients(*routing.published, urls_));
}

result<void> node::start_edge() {
  load_->traffic = std::make_shared<traffic_limits>(options_.limits);
  load_->budget =
      make_connection_budget(options_.limits.connections, runtime::raise_descriptor_limit());
  spdlog::info("takes {} connections of users, {} of everybody", load_->budget.users,
               load_->budget.all);
  std::vector<std::unique_ptr<edge_shard>> edges;
  for (size_t i = 0; i < shards_.size(); ++i) {
    edge_context context{shards_.at(i), shards_,       options_,    urls_,     clock_,
                         random_,       keys_.cookies, issuer_tls_, sts_.get()};
    context.load = load_;
    // One shard is enough to renew what all of them share.
    auto listener =
        i == 0 ? edge_shard::routing_listener{[this](const auto& routing) { publish(routing); }}
               : nullptr;
    edges.push_back(std::make_unique<edge_shard>(std::move(context), *system_, *identity_,
                                                 std::move(listener)));
  }
  for (auto& edge : edges)
    for (auto& other : edges)
      edge->context().shards.push_back(&other->context());
  // Actors and other nodes may already ask the first shard for them: it finds all or none.
  on_shard(0, [this, &edges]() -> runtime::awaitable<int> {
    edges_ = std::move(edges);
    co_return 0;
  });
  for (size_t i = 0; i < edges_.size(); ++i) {
    auto followed = on_shard(i, [this, i]() -> runtime::awaitable<result<void>> {
      return edges_[i]->follow(supervisor_);
    });
    if (!followed) return followed.error();
  }
  return {};
}

result<void> node::start_cluster() {
  if (sharing() == key_sharing::shared) {
    key_watch_ = std::make_unique<key_watch>(
        shards_, store_, clock_, random_, sts_.get(), keys_, [this](const auto& ring) {
          for (auto& edge : edges_)
            edge->context().home.post([e = edge.get(), ring] { e->context().cookie_keys = ring; });
        });
    shards_.at(0).post([this] { key_watch_->start(); });
  }
  if (!gate_) return {};
  leave_orders_ = std::make_unique<leave_orders>(shards_, store_, clock_, options_.cluster.address,
                                                 [this] { ask_to_stop(*load_); });
  shards_.at(0).post([this] { leave_orders_->start(); });
  return gate_->open();
}

result<void> node::listen() {
  uint16_t port = options_.listen.port;
  for (const auto wanted : {port, options_.listen.http_port})
    if (auto unused = check_unused(options_.listen.address, wanted); !unused) return unused.error();
  for (size_t i = 0; i < edges_.size(); ++i) {
    auto acceptor = open_listener(shards_.at(i), options_.listen.address, port);
    if (!acceptor) return acceptor.error();
    port = acceptor->local_endpoint().port();
    shards_.at(i).post([edge = edges_[i].get(), a = std::move(*acceptor)]() mutable {
      edge->listen(std::move(a));
    });
  }
  uint16_t http_port = options_.listen.http_port;
  if (http_port != 0) {
    auto acceptor = open_listener(shards_.at(0), options_.listen.address, http_port);
    if (!acceptor) return acceptor.error();
    shards_.at(0).post([edge = edges_[0].get(), a = std::move(*acceptor)]() mutable {
      edge->listen_redirect(std::move(a));
    });
  }
  spdlog::info("serving on {}:{} with {} shards; sign-in at {}", options_.listen.address, port,
               shards_.size(), urls_.issuer);
  return runtime::write_file_atomically(options_.data_directory + "/ready.json",
                                        "{\"port\":" + std::to_string(port) +
                                            ",\"http_port\":" + std::to_string(http_port) +
                                            ",\"pid\":" + std::to_string(::getpid()) + "}\n",
                                        0644);
}

result<void> node::start() {
  if (auto opened = open_state(); !opened) return opened.error();
  shards_.start();
  if (auto started = start_actors(); !started) return started.error();
  if (auto started = start_sts(); !started) return started.error();
  if (auto started = start_edge(); !started) return started.error();
  if (!identity_->current())
    return runtime::error{runtime::error_category::internal, "server_certificate", "service",
                          "there is no certificate for the names of the service"};
  if (auto started = start_cluster(); !started) return started.error();
  certificate_watch_ = std::make_unique<certificate_watch>(shards_, *identity_);
  shards_.at(0).post([this] { certificate_watch_->start(); });
  return listen();
}

void node::on_edges(void (edge_shard::*what)()) {
  for (auto& edge : edges_)
    edge->context().home.post([e = edge.get(), what] { (e->*what)(); });
}

void node::drain(const stop_signal& signals) {
  spdlog::info("stopping");
  load_->draining = true;
  const auto others = gate_ ? leave_cluster(*system_, supervisor_) : std::vector<std::string>{};
  let_go(edges_, *load_, signals, others);
}

bool node::stop() {
  ::unlink((options_.data_directory + "/ready.json").c_str());
  on_edges(&edge_shard::end);
  if (!system_) return true;
  {
    // The actors first: whoever still waits for an answer of theirs gets "gone" and ends.
    caf::scoped_actor self{*system_};
    if (supervisor_) {
      self->monitor(supervisor_);
      self->send(supervisor_, actors::shut_atom_v);
      bool ended = false;
      self->receive([&](const caf::down_msg&) { ended = true; }, caf::after(end_timeout) >> [] {});
      if (!ended) return false;
    }
  }
  supervisor_ = nullptr;
  const auto deadline = std::chrono::steady_clock::now() + end_timeout;
  while (load_->connections > 0 || load_->watches > 0 || load_->tunnels > 0) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  on_shard(0, [this]() -> runtime::awaitable<int> {
    certificate_watch_.reset();
    key_watch_.reset();
    leave_orders_.reset();
    // Before the edges: what still comes from other nodes looks for them.
    gate_.reset();
    tunnel_control_.reset();
    co_return 0;
  });
  // What holds actors on a shard's behalf is given up on that shard.
  for (size_t i = 0; i < edges_.size(); ++i)
    on_shard(i, [this, i]() -> runtime::awaitable<int> {
      edges_[i].reset();
      co_return 0;
    });
  on_shard(0, [this]() -> runtime::awaitable<int> {
    key_port_.reset();
    key_source_.reset();
    issuers_.reset();
    co_return 0;
  });
  system_.reset();
  shards_.stop();
  return true;
}

}  // namespace

int run_node(const config::node& options, bool enable_chaos) {
  std::vector<config::user> users;
  if (options.sts.enabled) {
    auto loaded = config::load_users(options.sts.users_file);
    if (!loaded) {
      std::cerr << config::to_string(loaded.error()) << "\n";
      return 2;
    }
    users = std::move(*loaded);
  }
  const stop_signal signals;
  node running{options, std::move(users), enable_chaos};
  const auto started = running.start();
  if (started) {
    signals.wait();
    running.drain(signals);
  } else {
    const auto& why = started.error();
    const auto text = (why.detail.empty() ? why.source : why.detail) + " [" + why.cause + "]";
    std::cerr << "postern: cannot start: " << text << "\n";
    if (!options.log.file.empty()) spdlog::error("cannot start: {}", text);
  }
  const bool ended = running.stop();
  const int status = started ? 0 : 1;
  if (ended) {
    spdlog::info("stopped");
    return status;
  }
  // Everything durable is on the disk already; waiting longer would only hold up whoever restarts
  // us.
  spdlog::warn("stopped without waiting for what would not end");
  std::_Exit(status);
}

}  // namespace postern::edge
