#include "connector/connector_io.hpp"

#include "connector/limits.hpp"
#include "runtime/files.hpp"
#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <caf/send.hpp>

#include <unistd.h>

namespace postern::connector {

using actors::connector_configuration;
using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::result;
using std::chrono::milliseconds;

namespace {

// How often a drain looks whether the tunnels have ended.
constexpr milliseconds drain_poll{20};

/// The same table with a reference count of this shard's own: exchanges of two shards must not pass
/// one counter to and fro.
std::shared_ptr<const origin_table> own_reference(std::shared_ptr<const origin_table> table) {
  auto holder = std::make_shared<std::shared_ptr<const origin_table>>(std::move(table));
  const auto* raw = holder->get();
  return {std::move(holder), raw};
}

}  // namespace

result<std::unique_ptr<connector_io>> connector_io::make(caf::actor_system& system,
                                                         runtime::shard_pool& shards,
                                                         state_directory state,
                                                         config::connector own, identity who,
                                                         std::string instance) {
  std::unique_ptr<connector_io> io{new connector_io(
      system, shards, std::move(state), std::move(own), std::move(who), std::move(instance))};
  if (!io->own_.ca_file.empty()) {
    auto pem = runtime::read_file(io->own_.ca_file);
    if (!pem) return pem.error();
    io->authorities_pem_ = std::move(*pem);
  }
  auto proxies = make_proxies(io->own_);
  if (!proxies) return proxies.error();
  io->proxies_ = std::move(*proxies);
  if (io->proxies_)
    runtime::log_event(spdlog::level::info, "the service is reached through a proxy",
                       {{"proxy", io->proxies_->proxy().shown()}});
  auto link = io->make_link(io->identity_);
  if (!link) return link.error();
  io->link_ = std::move(*link);
  return io;
}

connector_io::connector_io(caf::actor_system& system, runtime::shard_pool& shards,
                           state_directory state, config::connector own, identity who,
                           std::string instance)
    : pool_(shards),
      home_(shards.at(0)),
      state_(std::move(state)),
      own_(std::move(own)),
      identity_(std::move(who)),
      instance_(std::move(instance)),
      port_(system, home_) {
  for (size_t i = 0; i < shards.size(); ++i) {
    shards_.push_back(std::make_unique<connector_shard>(shards.at(i)));
    shards_.back()->context.log_exchanges = own_.log.access;
    shards_.back()->context.on_summons = [this](std::string_view node) {
      home_.post([this, address = std::string{node}] {
        port_.tell(agent_, actors::summon_atom_v, address);
      });
    };
  }
  port_.on_message([this](caf::message& content, const auto&) { on_message(content); });
}

connector_io::~connector_io() = default;

result<std::shared_ptr<const service_link>> connector_io::make_link(const identity& who) const {
  return service_link::make(own_.service, authorities_pem_, who, proxies_);
}

void connector_io::on_message(caf::message& m) {
  using namespace actors;
  auto& io = home_.io();
  if (m.match_elements<dial_atom, uint32_t>())
    dial(m.get_as<uint32_t>(1));
  else if (m.match_elements<dial_atom, uint32_t, std::string>())
    dial(m.get_as<uint32_t>(1), m.get_as<std::string>(2));
  else if (m.match_elements<drain_atom, uint32_t>())
    drain_slot(m.get_as<uint32_t>(1));
  else if (m.match_elements<pull_atom, uint64_t, milliseconds>())
    runtime::asio::co_spawn(io, pull(m.get_as<uint64_t>(1), m.get_as<milliseconds>(2)),
                            runtime::asio::detached);
  else if (m.match_elements<renew_atom>())
    runtime::asio::co_spawn(io, renew(), runtime::asio::detached);
  else if (m.match_elements<update_atom, connector_configuration>())
    update(m.get_as<connector_configuration>(1));
}

// -- tunnels
// ----------------------------------------------------------------------------------------------

void connector_io::dial(uint32_t slot, std::string node) {
  ++active_;
  auto& on = pool_.at(slot % pool_.size());
  on.post([this, slot, &on, node = std::move(node), link = link_,
           me = actors::tunnel_hello{instance_, capacity_, POSTERN_VERSION}]() mutable {
    runtime::asio::co_spawn(on.get_executor(),
                            run_slot(slot, std::move(node), std::move(link), std::move(me)),
                            runtime::asio::detached);
  });
}

void connector_io::drain_slot(uint32_t slot) {
  const auto index = slot % pool_.size();
  pool_.at(index).post([&mine = at(index), slot] {
    if (const auto found = mine.tunnels.find(slot); found != mine.tunnels.end())
      found->second->drain();
  });
}

awaitable<void> connector_io::run_slot(uint32_t slot, std::string node,
                                       std::shared_ptr<const service_link> link,
                                       actors::tunnel_hello me) {
  const auto index = slot % pool_.size();
  auto& on = pool_.at(index);
  auto& mine = at(index);
  error why;
  if (auto connection = co_await link->dial_tunnel(on, std::move(node))) {
    auto opened = [this, slot] { home_.post([this, slot] { on_opened(slot); }); };
    tunnel t{mine.context, mine.exchanges, std::move(*connection), std::move(me),
             std::move(opened)};
    mine.tunnels[slot] = &t;
    why = co_await t.run();
    mine.tunnels.erase(slot);
  } else {
    why = connection.error();
  }
  home_.post([this, slot, why = std::move(why)]() mutable { on_closed(slot, std::move(why)); });
}

void connector_io::on_opened(uint32_t slot) {
  port_.tell(agent_, actors::opened_atom_v, slot);
  become_ready();
}

void connector_io::become_ready() {
  if (std::exchange(ready_, true)) return;
  runtime::log_event(spdlog::level::info, "ready", {{"connector", connector_id_}});
  write_ready_file();
}

void connector_io::on_closed(uint32_t slot, error why) {
  --active_;
  port_.tell(agent_, actors::closed_atom_v, slot, std::move(why));
}

// -- configuration
// ----------------------------------------------------------------------------------------

awaitable<void> connector_io::pull(uint64_t known_version, milliseconds wait) {
  const auto link = link_;
  const std::weak_ptr<bool> alive = alive_;
  pull_request asked{known_version == 0 ? std::string{} : entity_tag_, instance_, wait};
  auto answer = co_await pull_configuration(home_, *link, std::move(asked));
  if (alive.expired()) co_return;
  // Certificates of this machine are replaced without anybody telling the service.
  if (origins_ && origins_->files_changed()) use_origins();
  actors::pull_outcome outcome;
  if (answer) {
    outcome.configuration = std::move(answer->configuration);
    if (outcome.configuration) entity_tag_ = std::move(answer->entity_tag);
  } else {
    outcome.failure = answer.error();
  }
  if (outcome.failure.cause.empty()) outcome.failure.category = error_category::none;
  port_.tell(agent_, actors::pulled_atom_v, std::move(outcome));
}

void connector_io::update(const connector_configuration& fresh) {
  configuration_ = fresh;
  use_origins();
  connector_id_ = fresh.connector;
  version_ = fresh.version;
  capacity_ = fresh.exchanges;
  if (ready_) write_ready_file();
  // There will be no tunnel to wait for.
  if (fresh.drained) become_ready();
}

void connector_io::use_origins() {
  origins_ =
      origin_table::make(configuration_, own_, state_.client_certificates_folder(), origins_.get());
  for (size_t i = 0; i < shards_.size(); ++i) {
    pool_.at(i).post([&mine = at(i), table = own_reference(origins_)] {
      mine.context.connections.retain(*table);
      mine.context.multiplexed.retain(*table);
      mine.context.origins = table;
    });
  }
}

void connector_io::write_ready_file() {
  const auto text = boost::json::serialize(boost::json::object{
      {"pid", ::getpid()}, {"connector", connector_id_}, {"configuration_version", version_}});
  if (auto written = runtime::write_file_atomically(state_.ready_file(), text + "\n", 0644);
      !written)
    runtime::log_event(spdlog::level::err, "the ready file cannot be written",
                       {{"detail", written.error().detail}});
}

// -- renewal
// ----------------------------------------------------------------------------------------------

awaitable<void> connector_io::renew() {
  const std::weak_ptr<bool> alive = alive_;
  auto failure = co_await renew_identity();
  if (alive.expired()) co_return;
  port_.tell(agent_, actors::renewed_atom_v, std::move(failure));
}

awaitable<error> connector_io::renew_identity() {
  const auto link = link_;
  const std::weak_ptr<bool> alive = alive_;
  auto fresh = co_await simple_reenroll(home_, *link, identity_);
  if (!fresh) co_return fresh.error();
  if (alive.expired()) co_return error{.cause = "interrupted"};
  auto renewed = make_link(*fresh);
  if (!renewed) co_return renewed.error();
  // On the disk first: an identity that is used is one that a restart finds.
  if (auto stored = state_.store_identity(*fresh); !stored) co_return stored.error();
  identity_ = std::move(*fresh);
  link_ = std::move(*renewed);
  co_return error{.category = error_category::none};
}

// -- leaving
// ----------------------------------------------------------------------------------------------

awaitable<void> connector_io::drain(milliseconds patience) {
  port_.tell(agent_, actors::drain_atom_v);
  // Once this is answered, what the agent decided before and by the drain has been sent.
  static_cast<void>(
      co_await port_.ask<actors::agent_status>(agent_, milliseconds{1'000}, actors::lookup_atom_v));
  const auto end = std::chrono::steady_clock::now() + patience;
  runtime::wait_point soon{home_};
  while (active() > 0 && std::chrono::steady_clock::now() < end) {
    runtime::coarse_timer nap;
    home_.timers().arm(
        nap, drain_poll, [](void* point) { static_cast<runtime::wait_point*>(point)->wake(); },
        &soon);
    co_await soon.wait();
  }
}

}  // namespace postern::connector
