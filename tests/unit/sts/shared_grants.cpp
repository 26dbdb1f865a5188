#define CAF_SUITE shared_grants
#include "sts/shared_grants.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
namespace rt = postern::runtime;

namespace {

constexpr const char* kind = "sts_device_grant";

struct fixture {
  std::unique_ptr<rt::store> store = rt::make_memory_store();
  shared_grants here{*store};
  shared_grants there{*store};

  static shared_grant grant(const std::string& client_id = "tool") {
    shared_grant g;
    g.client_id = client_id;
    return g;
  }

  /// The user codes of all grants in their order.
  std::string codes() {
    std::string all;
    const auto found = here.load();
    CAF_REQUIRE(found.has_value());
    for (const auto& one : *found)
      all += one.user_code + " ";
    return all;
  }

  template <class T>
  static bool lost(const rt::result<T>& outcome) {
    return !outcome && outcome.error().category == rt::error_category::conflict;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(shared_grants_tests, fixture)

CAF_TEST(another node reads a grant as it was written) {
  const shared_grant g{std::string("\0\xff", 2),
                       "tool",
                       "openid groups",
                       "192.0.2.7",
                       1'700'000'600,
                       2,
                       "ada",
                       1'700'000'000,
                       "sid"};
  const auto revision = here.put("BBBB-CCCC", g, 0);
  CAF_REQUIRE(revision.has_value());
  const auto all = there.load();
  CAF_REQUIRE(all.has_value());
  CAF_REQUIRE_EQUAL(all->size(), 1u);
  const auto& found = all->front();
  CAF_CHECK_EQUAL(found.user_code, "BBBB-CCCC");
  CAF_CHECK_EQUAL(found.revision, *revision);
  CAF_CHECK_EQUAL(found.grant.code_hash, g.code_hash);
  CAF_CHECK_EQUAL(found.grant.client_id, "tool");
  CAF_CHECK_EQUAL(found.grant.scope, "openid groups");
  CAF_CHECK_EQUAL(found.grant.address, "192.0.2.7");
  CAF_CHECK_EQUAL(found.grant.expires_at, 1'700'000'600);
  CAF_CHECK_EQUAL(int{found.grant.decision}, 2);
  CAF_CHECK_EQUAL(found.grant.user, "ada");
  CAF_CHECK_EQUAL(found.grant.auth_time, 1'700'000'000);
  CAF_CHECK_EQUAL(found.grant.session_id, "sid");
}

CAF_TEST(a user code that is taken makes no second grant) {
  CAF_REQUIRE(here.put("BBBB-CCCC", grant("first"), 0).has_value());
  CAF_CHECK(lost(there.put("BBBB-CCCC", grant("second"), 0)));
  const auto kept = here.load().value();
  CAF_CHECK_EQUAL(kept.front().grant.client_id, "first");
}

CAF_TEST(of two nodes that change a grant the first wins) {
  const auto begun = here.put("BBBB-CCCC", grant(), 0);
  CAF_REQUIRE(begun.has_value());
  const auto changed = there.put("BBBB-CCCC", grant("there"), *begun);
  CAF_REQUIRE(changed.has_value());
  CAF_CHECK(lost(here.put("BBBB-CCCC", grant("here"), *begun)));
  CAF_CHECK(lost(here.take("BBBB-CCCC", *begun)));
  const auto kept = here.load().value();
  CAF_CHECK_EQUAL(kept.front().grant.client_id, "there");
  CAF_CHECK(here.put("BBBB-CCCC", grant("here"), *changed).has_value());
}

CAF_TEST(a grant is taken once) {
  const auto revision = here.put("BBBB-CCCC", grant(), 0);
  CAF_REQUIRE(revision.has_value());
  CAF_CHECK(there.take("BBBB-CCCC", *revision).has_value());
  CAF_CHECK(lost(here.take("BBBB-CCCC", *revision)));
  CAF_CHECK_EQUAL(codes(), "");
}

CAF_TEST(a record that cannot be read hides no other) {
  CAF_REQUIRE(here.put("BBBB-CCCC", grant(), 0).has_value());
  CAF_REQUIRE(here.put("DDDD-FFFF", grant(), 0).has_value());
  using rt::store_change;
  CAF_REQUIRE(
      store->commit({{store_change::action::put, kind, "CCCC-CCCC", "no grant", {}}}).has_value());
  CAF_CHECK_EQUAL(codes(), "BBBB-CCCC DDDD-FFFF ");
}

CAF_TEST(forgetting erases what is named and minds nothing that is gone) {
  for (auto code : {"BBBB-CCCC", "DDDD-FFFF", "GGGG-HHHH"})
    CAF_REQUIRE(here.put(code, grant(), 0).has_value());
  here.forget({});
  CAF_CHECK_EQUAL(codes(), "BBBB-CCCC DDDD-FFFF GGGG-HHHH ");
  there.forget({"DDDD-FFFF", "XXXX-XXXX", "GGGG-HHHH"});
  CAF_CHECK_EQUAL(codes(), "BBBB-CCCC ");
}

CAF_TEST_FIXTURE_SCOPE_END()
