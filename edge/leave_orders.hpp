#pragma once
// An administrator's order that another node of the cluster leave. It goes through the store, which
// all nodes share: whoever does not know such records leaves them alone.

#include "runtime/shard_pool.hpp"
#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"

#include <functional>
#include <memory>
#include <string>

namespace postern::edge {

/// The kind of the records; the key is the node's cluster address, the value unix seconds.
inline constexpr const char* leave_order_kind = "leave_order";

/// The record that gives a node the order.
runtime::store_change give_leave_order(const std::string& address, runtime::timestamp now);

/// Whether an order is to be obeyed: it was given now, not before this process began. Clocks of
/// nodes may differ by a minute.
bool is_fresh_leave_order(const std::string& value, runtime::timestamp now);

/// Waits for orders for this node. Lives on the first shard; reads on the blocking pool.
class leave_orders {
 public:
  /// `obey` is called on the first shard. `shards` and `clock` must outlive the object.
  leave_orders(runtime::shard_pool& shards, std::shared_ptr<runtime::store> store,
               const runtime::wall_clock& clock, std::string own_address,
               std::function<void()> obey);

  /// On the first shard. What was ordered before is none of this process's business.
  void start();

 private:
  void look_soon();
  runtime::awaitable<void> look();

  runtime::shard_pool& shards_;
  std::shared_ptr<runtime::store> store_;
  const runtime::wall_clock& clock_;
  const std::string own_;
  std::function<void()> obey_;
  bool looking_ = false, again_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::shared_ptr<void> watch_;
};

}  // namespace postern::edge
