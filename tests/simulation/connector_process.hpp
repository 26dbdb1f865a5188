#pragma once
// A connector of the simulated world: the production agent, and a model of the program around it
// that has no sockets.

#include "tests/simulation/tunnel_model.hpp"

namespace postern::simulation {

class world;

/// What a connector keeps on its disk.
struct connector_identity {
  std::string id;
  std::string group;
  std::string certificate_pem;
  size_t resolved = 0;  ///< the node whose address its machine's name server gives first
};

/// Lives as long as the process does.
class connector_process {
 public:
  connector_process(world& w, machine& on, connector_identity& identity);

  void start();
  world& in() noexcept { return world_; }
  machine& on() noexcept { return machine_; }
  const connector_identity& identity() const noexcept { return identity_; }
  uint32_t capacity() const noexcept { return capacity_; }
  bool knows(const std::string& application) const { return applications_.contains(application); }
  /// The steps of an exchange, from 0: taken; fenced; announced; started; its content is there; the
  /// origin has it.
  static constexpr unsigned steps = 6;
  /// Has the machine stand still as soon as an exchange has come so far.
  void freeze_at(std::optional<unsigned> step) noexcept { freezes_at_ = step; }
  void on_step(unsigned step);
  /// Leaves as planned; gone() once the last tunnel has ended.
  void drain();
  bool gone() const noexcept { return draining_ && active_ == 0; }

  void on_opened(uint32_t slot);
  void on_tunnel_ended(uint32_t slot, const std::string& why);
  void summoned(const std::string& address);
  size_t running() const;
  bool draining() const noexcept { return draining_; }
  /// Connects to the service: its name stands for the addresses of all nodes. They are tried one
  /// after the other, the one that worked last first, as runtime/dial does.
  void dial_service(network::dialled done);

 private:
  void try_nodes(std::vector<size_t> left, network::dialled done);
  void dial(uint32_t slot);
  void dial(uint32_t slot, const std::string& address);
  void shake_hands(connection_ptr wire, network::dialled done);
  void dialled(uint32_t slot, connection_ptr wire);
  void open(uint32_t slot, connection_ptr wire);
  void pull(uint64_t known, milliseconds wait);
  void renew();
  void closed(uint32_t slot, const std::string& cause);
  /// `touch`: since when the node that answered had been in touch with the store.
  void pulled(runtime::result<actors::connector_configuration> answer, uint64_t known,
              std::optional<actor_time> touch);

  world& world_;
  machine& machine_;
  connector_identity& identity_;
  actors::connector_io_actor io_;
  actors::connector_agent_actor agent_;
  std::string instance_;
  std::map<uint32_t, std::shared_ptr<connector_tunnel>> tunnels_;
  std::set<std::string> applications_;
  uint32_t capacity_ = 0;
  size_t active_ = 0;
  size_t preferred_ = 0;  // node of the last connection to the service
  bool draining_ = false;
  std::optional<unsigned> freezes_at_;
};

}  // namespace postern::simulation
