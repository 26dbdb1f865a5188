#include "actors/cluster_directory.hpp"

#include "actors/actor_support.hpp"
#include "actors/cluster_members.hpp"
#include "actors/store_news.hpp"
#include "actors/timeouts.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace postern::actors {

actor_time cluster_directory_state::now() const {
  return self_->clock().now();
}

void cluster_directory_state::begin(cluster_directory_dependencies deps) {
  deps_ = std::move(deps);
  table_ = cluster_table{deps_.settings.address};
  alone_ = deps_.settings.address.empty();
  if (alone_) return;
  const group_subscriber_actor me = cluster_directory_actor{self_};
  self_->request(deps_.connectors, routing_timeout, subscribe_atom_v, me)
      .then([this](std::vector<std::string>& groups) { on_groups(std::move(groups)); },
            [this](caf::error& e) { self_->quit(std::move(e)); });
  if (deps_.settings.peers.empty()) {
    follow_store<cluster_directory_actor>(self_, deps_.store);
    load_members();
  } else {
    table_.set_members({deps_.settings.peers.begin(), deps_.settings.peers.end()}, now());
  }
  on_tick();
}

// -- membership -----------------------------------------------------------------------------------

void cluster_directory_state::load_members() {
  self_->request(deps_.store, store_timeout, load_atom_v, std::string{node_kind})
      .then(
          [this](const std::vector<runtime::stored_record>& records) {
            table_.set_members(read_members(records, deps_.clock->now()), now());
          },
          // Those who are known stay; the next refresh tries again.
          [](caf::error& e) {
            spdlog::warn("the nodes of the cluster cannot be read: {}",
                         runtime::to_string(runtime::from_caf(e)));
          });
}

void cluster_directory_state::put_own_record() {
  auto put = put_member(deps_.settings.address, deps_.settings.version, deps_.clock->now());
  self_->request(deps_.store, store_timeout, commit_atom_v, std::vector{std::move(put)})
      .then([](uint64_t) {},
            [this](caf::error& e) {
              spdlog::warn("this node cannot be entered among the nodes: {}",
                           runtime::to_string(runtime::from_caf(e)));
              next_record_ = now() + retry_pause;
            });
}

void cluster_directory_state::on_news(const std::vector<runtime::store_news>& news) {
  if (concerns(news, node_kind)) load_members();
}

caf::result<void> cluster_directory_state::leave() {
  if (alone_ || !deps_.settings.peers.empty()) return caf::unit;
  leaving_ = true;
  auto answer = self_->make_response_promise();
  self_
      ->request(deps_.store, store_timeout, commit_atom_v,
                std::vector{erase_member(deps_.settings.address)})
      .then([answer](uint64_t) mutable { answer.deliver(caf::unit); },
            [answer](caf::error& e) mutable { answer.deliver(std::move(e)); });
  return answer;
}

// -- links ----------------------------------------------------------------------------------------

void cluster_directory_state::on_tick() {
  self_->delayed_send(self_, cluster_tick, tick_atom_v);
  for (const auto& address : table_.take_due(now()))
    dial(address);
  for (const auto& [group, peer] : table_.ask_again(now()))
    ask(group, peer);
  if (now() >= next_presence_) {
    next_presence_ = now() + presence_interval;
    for (const auto& peer : table_.peers())
      send(peer, own_presence(false));
  }
  if (deps_.settings.peers.empty() && !leaving_ && now() >= next_record_) {
    next_record_ = now() + member_refresh;
    put_own_record();
    load_members();
  }
}

void cluster_directory_state::dial(const std::string& address) {
  self_->request(deps_.transport, peer_dial_timeout, dial_atom_v, address)
      .then(
          [this, address](const cluster_peer_actor& peer) {
            self_->monitor(peer);
            table_.linked(address, peer);
            send(peer, own_presence(true));
          },
          [this, address](caf::error& e) {
            spdlog::debug("node {} cannot be reached: {}", address,
                          runtime::to_string(runtime::from_caf(e)));
            table_.failed(address, *deps_.random, now());
          });
}

void cluster_directory_state::on_down(const caf::down_msg& down) {
  const auto address = table_.lost(down.source, *deps_.random, now());
  if (!address.empty()) spdlog::warn("the link to node {} is gone", address);
}

void cluster_directory_state::send(const cluster_peer_actor& to, const cluster_message& message) {
  // In the gate's name: what comes back has to reach whoever takes this actor's place.
  caf::send_as(deps_.gate, to, deliver_atom_v, encode_cluster_message(message));
}

presence cluster_directory_state::own_presence(bool asks) const {
  const auto& own = deps_.settings;
  return {.asks = asks,
          .node = own.address,
          .connectors_address = own.connectors_address,
          .version = own.version,
          .groups = groups_};
}

// -- what nodes say -------------------------------------------------------------------------------

void cluster_directory_state::on_message(const cluster_peer_actor& from, const std::string& bytes) {
  if (alone_ || !from) return;
  const auto message = decode_cluster_message(bytes);
  if (!message)
    return spdlog::warn("a message of another node is left alone: {}",
                        runtime::to_string(message.error()));
  if (const auto* said = std::get_if<presence>(&*message)) return hear(*said, from);
  const auto& wanted = std::get<summons>(*message);
  self_->send(deps_.connectors, summon_atom_v, wanted.group, wanted.address);
}

void cluster_directory_state::hear(const presence& said, const cluster_peer_actor& from) {
  if (said.node == deps_.settings.address)
    return spdlog::error("another node says that it is {}, which is this one", said.node);
  const auto fresh = table_.heard(said, from);
  if (fresh) {
    self_->monitor(from);
    spdlog::info("node {} is connected: {} groups", said.node, said.groups.size());
  }
  if (fresh || said.asks) send(from, own_presence(false));
  for (const auto& [group, peer] : table_.ask_again(now()))
    ask(group, peer);
}

// -- groups ---------------------------------------------------------------------------------------

void cluster_directory_state::on_groups(std::vector<std::string> groups) {
  groups_ = std::move(groups);
  table_.arrived(groups_);
  for (const auto& peer : table_.peers())
    send(peer, own_presence(false));
}

void cluster_directory_state::on_wanted(const std::string& group) {
  if (alone_) return;
  if (auto peer = table_.want(group, now())) ask(group, *peer);
}

void cluster_directory_state::ask(const std::string& group, const cluster_peer_actor& peer) {
  spdlog::debug("a connector of group {} is asked over from another node", group);
  send(peer, summons{group, deps_.settings.connectors_address});
}

cluster_directory_actor::behavior_type cluster_directory(cluster_directory_state::pointer self,
                                                         cluster_directory_dependencies deps) {
  report_crashes(self);
  auto* state = &self->state;
  self->set_down_handler([state](const caf::down_msg& down) { state->on_down(down); });
  state->begin(std::move(deps));
  return {
      [state](deliver_atom, const cluster_peer_actor& from, const std::string& bytes) {
        state->on_message(from, bytes);
      },
      [state](list_atom) { return state->list(); },
      [state](update_atom, std::vector<std::string>& groups) {
        state->on_groups(std::move(groups));
      },
      [state](summon_atom, const std::string& group) { state->on_wanted(group); },
      [state](update_atom, const std::vector<runtime::store_news>& news) { state->on_news(news); },
      [state](drain_atom) { return state->leave(); },
      [state](tick_atom) { state->on_tick(); },
  };
}

}  // namespace postern::actors
