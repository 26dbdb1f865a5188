#define CAF_SUITE dispatch_board
#include "actors/dispatch_board.hpp"

#include "tests/unit/actors/connector_fixture.hpp"

#include <random>

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

const actor_time start{std::chrono::hours{1}};

uint64_t taken(dispatch_board& b, uint32_t shard = 0, const std::string& avoid = {},
               actor_time now = start) {
  const auto d = b.take(shard, avoid, now);
  return d ? d->tunnel.number : 0;
}

}  // namespace

CAF_TEST(without a tunnel there is no place) {
  dispatch_board b;
  CAF_CHECK(b.empty());
  CAF_CHECK(!b.has_room());
  CAF_CHECK_EQUAL(taken(b), 0u);
}

CAF_TEST(exchanges spread over tunnels in proportion to their capacity) {
  dispatch_board b;
  b.attach(make_tunnel(1, 30));
  b.attach(make_tunnel(2, 10));
  std::map<uint64_t, int> count;
  for (int i = 0; i < 20; ++i)
    ++count[taken(b)];
  CAF_CHECK_EQUAL(count[1], 15);
  CAF_CHECK_EQUAL(count[2], 5);
}

CAF_TEST(the shard of the user goes first until it is full) {
  dispatch_board b;
  b.attach(make_tunnel(1, 2, 0));
  b.attach(make_tunnel(2, 100, 1));
  CAF_CHECK_EQUAL(taken(b, 0), 1u);
  CAF_CHECK_EQUAL(taken(b, 0), 1u);
  CAF_CHECK_EQUAL(taken(b, 0), 2u);
  CAF_CHECK_EQUAL(taken(b, 1), 2u);
}

CAF_TEST(a burst of exchanges follows the first of it and then the next goes elsewhere) {
  dispatch_board b;
  b.attach(make_tunnel(1, 1'000, 0, "c1"));
  b.attach(make_tunnel(2, 1'000, 0, "c2"));
  std::vector<uint64_t> got;
  for (uint32_t i = 0; i < 2 * largest_burst; ++i)
    got.push_back(taken(b, 0, {}, start + std::chrono::microseconds{i}));
  const auto first = got.begin(), middle = first + largest_burst;
  CAF_CHECK(std::all_of(first, middle, [](uint64_t n) { return n == 1; }));
  CAF_CHECK(std::all_of(middle, got.end(), [](uint64_t n) { return n == 2; }));
}

CAF_TEST(exchanges that come one by one are spread one by one) {
  dispatch_board b;
  b.attach(make_tunnel(1, 1'000, 0, "c1"));
  b.attach(make_tunnel(2, 1'000, 0, "c2"));
  CAF_CHECK_EQUAL(taken(b, 0, {}, start), 1u);
  CAF_CHECK_EQUAL(taken(b, 0, {}, start + burst_time), 2u);
  CAF_CHECK_EQUAL(taken(b, 0, {}, start + 2 * burst_time), 1u);
}

CAF_TEST(a burst ends where its tunnel is silent or gone or to be avoided or another shard asks) {
  dispatch_board b;
  b.attach(make_tunnel(1, 1'000, 0, "c1"));
  b.attach(make_tunnel(2, 1'000, 0, "c2"));
  b.attach(make_tunnel(3, 1'000, 1, "c3"));
  CAF_CHECK_EQUAL(taken(b), 1u);
  CAF_CHECK_EQUAL(taken(b, 0, "c1"), 2u);
  CAF_CHECK_EQUAL(taken(b, 1), 3u);
  CAF_CHECK_EQUAL(taken(b), 2u);
  b.set_silent({0, 2}, true);
  CAF_CHECK_EQUAL(taken(b), 1u);
  b.detach({0, 1});
  CAF_CHECK_EQUAL(taken(b), 3u);
}

CAF_TEST(a connector to avoid is taken only if no other has room) {
  dispatch_board b;
  b.attach(make_tunnel(1, 10, 0));
  b.attach(make_tunnel(2, 10, 0));
  b.attach(make_tunnel(3, 1, 1, "c2"));
  CAF_CHECK_EQUAL(taken(b, 0, "c1"), 3u);
  CAF_CHECK_EQUAL(taken(b, 0, "c1"), 1u);
}

CAF_TEST(a tunnel whose connector is silent gets nothing and keeps what it has) {
  dispatch_board b;
  b.attach(make_tunnel(1, 2));
  CAF_CHECK_EQUAL(taken(b), 1u);
  CAF_CHECK(b.set_silent({0, 1}, true));
  CAF_CHECK(!b.has_room());
  CAF_CHECK(!b.serves());
  CAF_CHECK(!b.empty());
  CAF_CHECK_EQUAL(taken(b), 0u);
  CAF_CHECK_EQUAL(b.running(), 1u);
  CAF_CHECK(b.set_silent({0, 1}, false));
  CAF_CHECK(b.serves());
  CAF_CHECK_EQUAL(taken(b), 1u);
  CAF_CHECK_EQUAL(taken(b), 0u);
  CAF_CHECK(!b.set_silent({0, 9}, true));
}

CAF_TEST(a slow tunnel gets less) {
  dispatch_board b;
  b.attach(make_tunnel(1, 100));
  b.attach(make_tunnel(2, 100));
  CAF_CHECK_EQUAL(taken(b), 1u);
  CAF_CHECK_EQUAL(taken(b), 2u);
  b.release({0, 1}, exchange_outcome::completed, 90ms, start);
  b.release({0, 2}, exchange_outcome::completed, 10ms, start);
  std::map<uint64_t, int> count;
  for (int i = 0; i < 50; ++i)
    ++count[taken(b)];
  CAF_CHECK_EQUAL(count[1], 5);
  CAF_CHECK_EQUAL(count[2], 45);
}

CAF_TEST(a connector that fails at once does not attract everything) {
  dispatch_board b;
  b.attach(make_tunnel(1, 100));
  b.attach(make_tunnel(2, 100));
  taken(b);
  taken(b);
  b.release({0, 1}, exchange_outcome::connector_lost, 0ms, start);
  b.release({0, 2}, exchange_outcome::completed, 100ms, start);
  for (int i = 0; i < 9; ++i)
    CAF_CHECK_EQUAL(taken(b), 2u);
}

CAF_TEST(a user who leaves says nothing about latency) {
  dispatch_board b;
  b.attach(make_tunnel(1, 100));
  b.attach(make_tunnel(2, 100));
  taken(b);
  b.release({0, 1}, exchange_outcome::user_gone, 10'000ms, start);
  CAF_CHECK_EQUAL(taken(b), 1u);
}

CAF_TEST(an old latency is forgotten) {
  dispatch_board b;
  b.attach(make_tunnel(1, 100));
  b.attach(make_tunnel(2, 100));
  taken(b);
  b.release({0, 1}, exchange_outcome::completed, 900ms, start);
  CAF_CHECK_EQUAL(taken(b), 2u);
  b.release({0, 2}, exchange_outcome::completed, 5ms, start);
  CAF_CHECK_EQUAL(taken(b, 0, {}, start + latency_memory), 1u);
}

CAF_TEST(latency follows its samples by an eighth) {
  dispatch_board b;
  b.attach(make_tunnel(1, 100));
  b.attach(make_tunnel(2, 100, 0, "c2"));
  taken(b);
  b.release({0, 1}, exchange_outcome::completed, 80ms, start);
  taken(b, 0, "c1");
  b.release({0, 2}, exchange_outcome::completed, 160ms, start);
  CAF_CHECK_EQUAL(taken(b), 1u);  // 80 against 160
  b.release({0, 1}, exchange_outcome::completed, 640ms, start);
  CAF_CHECK_EQUAL(taken(b), 1u);  // 150 against 160
  b.release({0, 1}, exchange_outcome::completed, 640ms, start);
  CAF_CHECK_EQUAL(taken(b), 2u);  // 211 against 160
}

CAF_TEST(a tunnel attached twice keeps its load) {
  dispatch_board b;
  b.attach(make_tunnel(1, 2));
  taken(b);
  b.attach(make_tunnel(1, 1));
  CAF_CHECK_EQUAL(b.running(), 1u);
  CAF_CHECK_EQUAL(taken(b), 0u);
}

CAF_TEST(what is released after the tunnel left changes nothing) {
  dispatch_board b;
  b.attach(make_tunnel(1, 1));
  taken(b);
  CAF_CHECK(b.detach({0, 1}));
  CAF_CHECK(!b.detach({0, 1}));
  CAF_CHECK(!b.release({0, 1}, exchange_outcome::completed, 1ms, start));
  CAF_CHECK_EQUAL(b.running(), 0u);
}

CAF_TEST(a release too many does not make room beyond the capacity) {
  dispatch_board b;
  b.attach(make_tunnel(1, 1));
  b.release({0, 1}, exchange_outcome::completed, 1ms, start);
  CAF_CHECK_EQUAL(taken(b), 1u);
  CAF_CHECK_EQUAL(taken(b), 0u);
}

CAF_TEST(the load is told by connector) {
  dispatch_board b;
  b.attach(make_tunnel(1, 10, 0, "a"));
  b.attach(make_tunnel(2, 10, 0, "b"));
  b.attach(make_tunnel(3, 10, 0, "a"));
  for (int i = 0; i < 3; ++i)
    taken(b);
  const auto all = b.by_connector();
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[0].record.id, "a");
  CAF_CHECK_EQUAL(all[0].tunnels, 2u);
  CAF_CHECK_EQUAL(all[0].exchanges, 2u);
  CAF_CHECK_EQUAL(all[1].exchanges, 1u);
}

CAF_TEST(capacity is never exceeded whatever happens) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random{seed};
    dispatch_board b;
    std::map<uint64_t, std::pair<uint32_t, uint32_t>> model;  // number -> (running, capacity)
    for (int step = 0; step < 3'000; ++step) {
      const uint64_t number = 1 + random() % 6;
      const tunnel_id id{static_cast<uint32_t>(number % 2), number};
      const auto known = model.find(number);
      switch (random() % 10) {
        case 0:
          if (known == model.end()) {
            const uint32_t capacity = random() % 5;
            model[number] = {0, capacity};
            b.attach(make_tunnel(number, capacity, id.shard));
          }
          break;
        case 1:
          if (random() % 4 == 0) CAF_CHECK_EQUAL(b.detach(id), model.erase(number) != 0);
          break;
        case 2:
        case 3:
        case 4:
          if (known != model.end() && known->second.first > 0) {
            --known->second.first;
            b.release(id, static_cast<exchange_outcome>(random() % 4), milliseconds{random() % 300},
                      start + milliseconds{step});
          }
          break;
        default: {
          const auto free = std::any_of(model.begin(), model.end(), [](const auto& t) {
            return t.second.first < t.second.second;
          });
          const auto got =
              taken(b, random() % 2, random() % 7 == 0 ? "c1" : "", start + milliseconds{step});
          CAF_REQUIRE_EQUAL(got != 0, free);
          if (got != 0) CAF_REQUIRE(++model[got].first <= model[got].second);
        }
      }
    }
  }
}
