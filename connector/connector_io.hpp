#pragma once
// The hands of the connector_agent: dials and drains tunnels, pulls the configuration, renews the
// certificate. Everything that decides stands in actors/connector_agent.

#include "actors/contracts.hpp"
#include "config/connector.hpp"
#include "connector/est_client.hpp"
#include "connector/tunnel.hpp"
#include "runtime/actor_port.hpp"
#include "runtime/shard_pool.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace postern::connector {

/// What one shard works with. Own thread only.
struct connector_shard {
  exchange_context context;
  exchange_pool exchanges{context};
  std::map<uint32_t, tunnel*> tunnels;  ///< by slot; those of this shard

  explicit connector_shard(runtime::shard& home) : context(home) {}
};

/// Lives on the first shard; tunnels on all of them, by turns of their slots. Ends when nothing is
/// under way any more: see active().
class connector_io {
 public:
  /// `own`: the file connector.toml, `who`: the identity to begin with. On the first shard's
  /// thread.
  static runtime::result<std::unique_ptr<connector_io>> make(caf::actor_system& system,
                                                             runtime::shard_pool& shards,
                                                             state_directory state,
                                                             config::connector own, identity who,
                                                             std::string instance);
  ~connector_io();

  /// What the shards' tunnels and exchanges live in. Their coroutines end in turns of their own
  /// shards: keep it until those have stopped. On the first shard's thread, right before this
  /// object ends.
  std::vector<std::unique_ptr<connector_shard>> release_shards() { return std::move(shards_); }

  /// What the agent talks to.
  actors::connector_io_actor actor() const { return port_.as<actors::connector_io_actor>(); }
  /// Whom to report to; before anything is asked.
  void report_to(actors::connector_agent_actor agent) { agent_ = std::move(agent); }

  /// Tunnels that are dialled, open or draining. Any thread.
  size_t active() const noexcept { return active_.load(); }
  /// Tells the agent to leave, and returns when the last tunnel has ended or the time is up.
  runtime::awaitable<void> drain(std::chrono::milliseconds patience);

  /// What runs on a shard; for ending it.
  connector_shard& at(size_t index) noexcept { return *shards_[index]; }

 private:
  connector_io(caf::actor_system& system, runtime::shard_pool& shards, state_directory state,
               config::connector own, identity who, std::string instance);

  runtime::result<std::shared_ptr<const service_link>> make_link(const identity& who) const;
  void on_message(caf::message& content);
  /// `node`: "IP:port" of one particular node; empty: the service.
  void dial(uint32_t slot, std::string node = {});
  void drain_slot(uint32_t slot);
  void update(const actors::connector_configuration& fresh);
  /// Makes the table of origins anew and hands it to all shards.
  void use_origins();
  runtime::awaitable<void> pull(uint64_t known_version, std::chrono::milliseconds wait);
  runtime::awaitable<void> renew();
  runtime::awaitable<runtime::error> renew_identity();
  /// On the slot's own shard.
  runtime::awaitable<void> run_slot(uint32_t slot, std::string node,
                                    std::shared_ptr<const service_link> link,
                                    actors::tunnel_hello me);
  void on_opened(uint32_t slot);
  void on_closed(uint32_t slot, runtime::error why);
  /// At the first tunnel, or when there are to be none.
  void become_ready();
  void write_ready_file();

  runtime::shard_pool& pool_;
  runtime::shard& home_;
  state_directory state_;
  config::connector own_;
  std::string authorities_pem_;  // besides the system's, for the service
  std::shared_ptr<const runtime::proxy_settings> proxies_;
  identity identity_;
  std::string instance_;
  std::shared_ptr<const service_link> link_;
  runtime::actor_port port_;
  actors::connector_agent_actor agent_;
  std::vector<std::unique_ptr<connector_shard>> shards_;

  actors::connector_configuration configuration_;  // in use
  std::shared_ptr<const origin_table> origins_;
  std::string entity_tag_;  // of the configuration in use
  std::string connector_id_;
  uint64_t version_ = 0;
  uint32_t capacity_ = 0;
  bool ready_ = false;  // a tunnel has been open
  std::atomic<size_t> active_{0};
  /// Expires with this object: a pull or a renewal may come back later than that.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::connector
