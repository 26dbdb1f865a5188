#define CAF_SUITE node_keys
#include "edge/node_keys.hpp"

#include "config/node.hpp"
#include "runtime/files.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

#include <sys/stat.h>

using namespace postern;
using namespace postern::edge;

namespace {

constexpr auto day = std::chrono::hours{24};

struct fixture {
  test::temp_directory folder;
  std::unique_ptr<runtime::store> store = runtime::make_memory_store();
  runtime::manual_wall_clock clock{runtime::from_unix_seconds(1'700'000'000)};
  runtime::seeded_random_source random{3};

  node_keys load() { return load_node_keys(folder / "", *store, clock, random).value(); }
  std::string failure() { return load_node_keys(folder / "", *store, clock, random).error().cause; }
  size_t stored() { return store->load("sealing_key").value().size(); }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(node_keys_tests, fixture)

CAF_TEST(the first start makes a master key that only its owner reads) {
  load();
  struct stat s{};
  CAF_REQUIRE_EQUAL(::stat((folder / "master.key").c_str(), &s), 0);
  CAF_CHECK_EQUAL(s.st_mode & 07777u, 0600u);
  CAF_CHECK_EQUAL(stored(), 1u);
}

CAF_TEST(the next start finds the same keys) {
  const auto first = load();
  const auto wrapped = first.wrapping->seal("x", "p"), cookie = first.cookies->seal("y", "p");
  const auto second = load();
  CAF_CHECK_EQUAL(second.wrapping->open(wrapped, "p").value(), "x");
  CAF_CHECK_EQUAL(second.cookies->open(cookie, "p").value(), "y");
  CAF_CHECK_EQUAL(second.cookies->current_id(), first.cookies->current_id());
  CAF_CHECK_EQUAL(stored(), 1u);
}

CAF_TEST(a cookie key seals for thirty days and opens for a longest session more) {
  const auto first = load();
  const auto cookie = first.cookies->seal("y", "p");
  clock.advance(30 * day);
  const auto unchanged = load();
  CAF_CHECK_EQUAL(unchanged.cookies->current_id(), first.cookies->current_id());
  clock.advance(std::chrono::seconds{1});
  const auto second = load();
  CAF_CHECK(second.cookies->current_id() != first.cookies->current_id());
  CAF_CHECK_EQUAL(second.cookies->open(cookie, "p").value(), "y");
  clock.advance(config::longest_session);
  CAF_CHECK(load().cookies->open(cookie, "p").has_value());
  clock.advance(day);
  CAF_CHECK_EQUAL(load().cookies->open(cookie, "p").error().cause, "seal_unknown_key");
}

CAF_TEST(cookies of a node that ran for a year open after its restart) {
  const auto first = load();
  clock.advance(365 * day);
  const auto cookie = first.cookies->seal("y", "p");
  const auto second = load();
  CAF_CHECK(second.cookies->current_id() != first.cookies->current_id());
  CAF_CHECK_EQUAL(second.cookies->open(cookie, "p").value(), "y");
  clock.advance(config::longest_session);
  CAF_CHECK_EQUAL(load().cookies->open(cookie, "p").value(), "y");
}

CAF_TEST(
    cookies sealed long after a rotation that the node did not know of open after its restart) {
  const auto first = load();
  rotate_cookie_keys(folder / "", *store, clock, random).value();
  clock.advance(100 * day);
  const auto cookie = first.cookies->seal("y", "p");
  CAF_CHECK_EQUAL(load().cookies->open(cookie, "p").value(), "y");
}

CAF_TEST(a key that opens nothing any more leaves the store) {
  load();
  clock.advance(31 * day);
  load();
  CAF_CHECK_EQUAL(stored(), 2u);
  clock.advance(40 * day);
  load();
  CAF_CHECK_EQUAL(stored(), 2u);  // the second has just been followed by a third
}

CAF_TEST(a rotation adds a key that seals from the next start on) {
  const auto first = load();
  const auto cookie = first.cookies->seal("y", "p");
  clock.advance(std::chrono::seconds{1});
  const auto id = rotate_cookie_keys(folder / "", *store, clock, random).value();
  const auto second = load();
  CAF_CHECK_EQUAL(second.cookies->current_id(), id);
  CAF_CHECK_EQUAL(second.cookies->open(cookie, "p").value(), "y");
}

CAF_TEST(keys are not stored in the clear) {
  load();
  const auto record = store->load("sealing_key").value().front();
  CAF_CHECK(record.value.find("1700000000") == std::string::npos);
}

CAF_TEST(a broken or foreign master key is said and not replaced) {
  load();
  folder.write("master.key", "garbage");
  CAF_CHECK_EQUAL(failure(), "master_key_malformed");
  CAF_CHECK_EQUAL(runtime::read_file(folder / "master.key").value(), "garbage");
  std::filesystem::remove(folder / "master.key");
  CAF_CHECK_EQUAL(failure(), "master_key_missing");
  CAF_CHECK(!std::filesystem::exists(folder / "master.key"));
  folder.write("master.key", runtime::encode_sealing_keys({runtime::make_sealing_key(random)}));
  CAF_CHECK_EQUAL(failure(), "cookie_key_sealed");
}

CAF_TEST(of nodes on one store each opens what another seals) {
  const auto first =
      load_node_keys(folder / "", *store, clock, random, key_sharing::shared).value();
  const test::temp_directory second_folder;
  CAF_CHECK_EQUAL(
      load_node_keys(second_folder / "", *store, clock, random, key_sharing::shared).error().cause,
      "master_key_missing");
  second_folder.write("master.key", runtime::read_file(folder / "master.key").value());
  const auto second =
      load_node_keys(second_folder / "", *store, clock, random, key_sharing::shared).value();
  CAF_CHECK_EQUAL(second.cookies->open(first.cookies->seal("y", "p"), "p").value(), "y");
  CAF_CHECK_EQUAL(first.cookies->open(second.cookies->seal("z", "p"), "p").value(), "z");
}

CAF_TEST(on a shared store a new key opens at once and seals once every node has read it) {
  const auto before =
      load_node_keys(folder / "", *store, clock, random, key_sharing::shared).value();
  clock.advance(day);
  const auto id = rotate_cookie_keys(folder / "", *store, clock, random).value();
  const auto again = [&] {
    return load_cookie_ring(before.wrapping, *store, clock, random, key_sharing::shared).value();
  };
  const auto at_once = again();
  CAF_CHECK_EQUAL(at_once.cookies->current_id(), before.cookies->current_id());
  CAF_REQUIRE(at_once.next_change.has_value());
  CAF_CHECK(*at_once.next_change == clock.now() + seal_lead);
  clock.advance(seal_lead);
  const auto later = again();
  CAF_CHECK_EQUAL(later.cookies->current_id(), id);
  CAF_CHECK(!later.next_change);
  // Sealed by a node whose time has come, opened by one that has only read the key.
  CAF_CHECK_EQUAL(at_once.cookies->open(later.cookies->seal("y", "p"), "p").value(), "y");
}

CAF_TEST_FIXTURE_SCOPE_END()
