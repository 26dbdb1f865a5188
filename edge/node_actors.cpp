#include "edge/node_actors.hpp"

#include "runtime/cluster_link.hpp"
#include "runtime/files.hpp"

#include <caf/all.hpp>

namespace postern::edge {

using runtime::error;
using runtime::result;

namespace {

constexpr auto start_timeout = std::chrono::seconds{30};

}  // namespace

node_system_config::node_system_config(runtime::shard_pool& shards,
                                       const config::cluster_options& cluster)
    : shard_system_config(shards) {
  add_message_types<caf::id_block::postern>();
  if (!cluster.address.empty()) runtime::load_cluster_link(*this);
}

void obey_tunnel_control(runtime::actor_port& port,
                         const std::vector<std::unique_ptr<edge_shard>>& edges) {
  port.on_message([&edges](caf::message& content, const auto&) {
    const bool shut = content.match_elements<actors::shut_atom, actors::tunnel_id, std::string>();
    if (!shut && !content.match_elements<actors::summon_atom, actors::tunnel_id, std::string>())
      return;
    const auto id = content.get_as<actors::tunnel_id>(1);
    if (id.shard >= edges.size()) return;
    auto& edge = *edges[id.shard];
    edge.context().home.post([&edge, shut, id, text = content.get_as<std::string>(2)] {
      const auto found = edge.context().tunnels->find(id.number);
      if (found && shut) found->cut(text);
      if (found && !shut) found->summon(text);
    });
  });
}

runtime::awaitable<result<std::string>> ask_authority(runtime::actor_port& port,
                                                      actors::node_supervisor_actor supervisor) {
  const auto handles = co_await port.ask<actors::node_handles_ptr>(
      std::move(supervisor), start_timeout, actors::lookup_atom_v);
  if (!handles) co_return handles.error();
  co_return co_await port.ask<std::string>((*handles)->authority, start_timeout,
                                           actors::lookup_atom_v);
}

result<std::shared_ptr<const runtime::tls_client_context>> make_issuer_tls(
    const config::sts_options& sts, std::string own_authority_pem) {
  runtime::tls_client_options trust;
  trust.authorities_pem = std::move(own_authority_pem);
  if (!sts.issuer_ca_file.empty()) {
    auto authorities = runtime::read_file(sts.issuer_ca_file);
    if (!authorities) return authorities.error();
    trust.authorities_pem += *authorities;
  }
  auto tls = runtime::tls_client_context::make(trust);
  if (!tls) return tls.error();
  return std::shared_ptr<const runtime::tls_client_context>{std::move(*tls)};
}

}  // namespace postern::edge
