#define CAF_SUITE shared_authority
#include "edge/shared_authority.hpp"

#include "edge/server_identity.hpp"
#include "runtime/files.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

using namespace postern;
using namespace postern::edge;

namespace {

struct fixture {
  runtime::manual_wall_clock clock{runtime::from_unix_seconds(1'700'000'000)};
  runtime::seeded_random_source random{5};
  std::shared_ptr<runtime::store> store = runtime::make_memory_store();
  std::shared_ptr<const runtime::key_ring> wrapping = std::make_shared<const runtime::key_ring>(
      std::vector{runtime::make_sealing_key(random)}, random);

  config::node options_in(const test::temp_directory& folder) {
    config::node options;
    options.data_directory = folder / "";
    options.names = {"connectors.example", "admin.example", "sts.example"};
    return options;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(shared_authority_tests, fixture)

CAF_TEST(what is shared first is what all get) {
  CAF_CHECK(!find_shared_authority(*store, *wrapping).value());
  const auto first = share_authority(*store, *wrapping, {"key one", "certificate one"}).value();
  CAF_CHECK_EQUAL(first.key_pem, "key one");
  const auto second = share_authority(*store, *wrapping, {"key two", "certificate two"}).value();
  CAF_CHECK_EQUAL(second.key_pem, "key one");
  CAF_CHECK_EQUAL(second.certificate_pem, "certificate one");
}

CAF_TEST(the key is not stored in the clear and opens with its master key only) {
  static_cast<void>(share_authority(*store, *wrapping, {"key one", "certificate one"}));
  const auto record = store->load("server_authority").value().front();
  CAF_CHECK(record.value.find("key one") == std::string::npos);
  const runtime::key_ring other{{runtime::make_sealing_key(random)}, random};
  CAF_CHECK_EQUAL(find_shared_authority(*store, other).error().cause, "server_authority_sealed");
}

CAF_TEST(nodes on one store sign their certificates by one authority) {
  const test::temp_directory one_folder;
  const test::temp_directory other_folder;
  const auto one_options = options_in(one_folder);
  const auto other_options = options_in(other_folder);
  server_identity one{one_options, {}, clock, random};
  server_identity other{other_options, {}, clock, random};
  one.share(store, wrapping);
  other.share(store, wrapping);
  CAF_REQUIRE(one.start().has_value());
  CAF_REQUIRE(other.start().has_value());
  CAF_CHECK(!one.own_authority_pem().empty());
  CAF_CHECK_EQUAL(one.own_authority_pem(), other.own_authority_pem());
  CAF_CHECK_EQUAL(runtime::read_file(other_folder / "server-ca.pem").value(),
                  one.own_authority_pem());
  CAF_CHECK(!runtime::read_file(other_folder / "server-ca.key"));
}

CAF_TEST_FIXTURE_SCOPE_END()
