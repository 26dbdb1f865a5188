#include "edge/cluster_gate.hpp"

#include "actors/timeouts.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <caf/actor_registry.hpp>

namespace postern::edge {

using runtime::awaitable;
using runtime::result;

cluster_gate::cluster_gate(const config::cluster_options& options, caf::actor_system& system,
                           runtime::shard& home, directory_lookup directory)
    : options_(options),
      system_(system),
      home_(home),
      gate_(system, home),
      transport_(system, home),
      link_(system, home, {options.certificate_file, options.key_file, options.authority_file}) {
  // Before anybody else hears of it: CAF tells a node that monitors an actor which is not
  // registered that it has ended.
  auto self = gate_.as<caf::strong_actor_ptr>();
  system_.registry().put(self->id(), self);
  gate_.on_message(
      [this, directory = std::move(directory)](caf::message& content, const auto& from) {
        if (!content.match_elements<actors::deliver_atom, std::string>() || !from.sender()) return;
        gate_.tell(directory(), actors::deliver_atom_v,
                   caf::actor_cast<actors::cluster_peer_actor>(from.sender()),
                   std::move(content.get_mutable_as<std::string>(1)));
      });
  transport_.on_message([this](caf::message& content, const auto& answer) {
    if (!content.match_elements<actors::dial_atom, std::string>()) return;
    runtime::asio::co_spawn(home_.get_executor(), dial(content.get_as<std::string>(1), answer),
                            runtime::asio::detached);
  });
}

cluster_gate::~cluster_gate() {
  system_.registry().erase(gate_.as<caf::strong_actor_ptr>()->id());
}

result<void> cluster_gate::open() {
  auto at = *config::parse_endpoint(options_.address);
  at.address = options_.listen_address;
  const auto opened = link_.publish(gate_.as<caf::actor>(), at);
  return opened ? result<void>{} : opened.error();
}

awaitable<void> cluster_gate::dial(std::string address, runtime::actor_port::responder answer) {
  const std::weak_ptr<bool> alive = alive_;
  const auto node = config::parse_endpoint(address);
  if (!node) {
    answer.deliver(
        runtime::error{runtime::error_category::invalid_input, "node_address", "service", address});
    co_return;
  }
  auto found = co_await link_.connect(transport_, *node, actors::peer_dial_timeout);
  if (alive.expired()) co_return;
  if (found)
    answer.deliver(
        caf::make_message(caf::actor_cast<actors::cluster_peer_actor>(std::move(*found))));
  else
    answer.deliver(found.error());
}

}  // namespace postern::edge
