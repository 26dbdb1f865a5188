#define CAF_SUITE leave_orders
#include "edge/leave_orders.hpp"

#include <caf/test/dsl.hpp>

#include <future>

using namespace postern::edge;
namespace rt = postern::runtime;
using namespace std::chrono_literals;

namespace {

constexpr auto* own = "192.0.2.1:7443";

struct fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(1'700'000'000)};
  std::shared_ptr<rt::store> store{rt::make_memory_store()};
  rt::shard_pool shards{1};
  std::promise<void> obeyed;
  int times = 0;
  std::unique_ptr<leave_orders> orders;

  fixture() {
    shards.start();
    orders = std::make_unique<leave_orders>(shards, store, clock, own, [this] {
      if (times++ == 0) obeyed.set_value();
    });
    on_shard([this] { orders->start(); });
  }
  ~fixture() {
    on_shard([this] { orders.reset(); });
    shards.stop();
  }

  template <class F>
  void on_shard(F f) {
    std::promise<void> done;
    shards.at(0).post([&] {
      f();
      done.set_value();
    });
    done.get_future().wait();
  }
  void order(const std::string& address, std::chrono::seconds ago = 0s) {
    store->commit({give_leave_order(address, clock.now() - ago)}).value();
  }
};

}  // namespace

CAF_TEST(an order is fresh for a minute whatever the clocks say) {
  const auto now = rt::from_unix_seconds(1'700'000'000);
  CAF_CHECK(is_fresh_leave_order("1700000000", now));
  CAF_CHECK(is_fresh_leave_order("1699999940", now));
  CAF_CHECK(is_fresh_leave_order("1700000060", now));
  CAF_CHECK(!is_fresh_leave_order("1699999939", now));
  CAF_CHECK(!is_fresh_leave_order("1700000061", now));
  for (const std::string text : {"", "now", "1700000000 ", " 1700000000"})
    CAF_CHECK(!is_fresh_leave_order(text, now));
}

CAF_TEST_FIXTURE_SCOPE(leave_orders_tests, fixture)

CAF_TEST(an order for this node is obeyed once) {
  order(own);
  CAF_REQUIRE(obeyed.get_future().wait_for(20s) == std::future_status::ready);
  CAF_CHECK(!store->find(leave_order_kind, own).value());
  on_shard([this] { CAF_CHECK_EQUAL(times, 1); });
}

CAF_TEST(orders for others and old ones are left alone) {
  order("192.0.2.2:7443");
  order(own, 1h);
  order(own);
  CAF_REQUIRE(obeyed.get_future().wait_for(20s) == std::future_status::ready);
  CAF_CHECK(store->find(leave_order_kind, "192.0.2.2:7443").value());
  on_shard([this] { CAF_CHECK_EQUAL(times, 1); });
}

CAF_TEST_FIXTURE_SCOPE_END()
