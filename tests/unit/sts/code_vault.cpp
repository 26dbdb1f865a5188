#define CAF_SUITE code_vault
#include "sts/code_vault.hpp"

#include "sts/limits.hpp"
#include "tests/unit/sts/failing_store.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using postern::sts::testing::failing_store;
namespace rt = postern::runtime;

namespace {

struct fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(1'700'000'000)};
  rt::seeded_random_source random{3};
  std::shared_ptr<const rt::key_ring> ring =
      std::make_shared<const rt::key_ring>(std::vector{rt::make_sealing_key(random)}, random);
  options settings;
  code_vault vault{settings, ring, clock, random};
  code_content content{
      "wiki", "https://wiki.example/cb", "openid", "n&1=", "c", {"ada", 1'699'999'999, "sid"}};

  std::string cause(const oauth_result<code_content>& r) { return r ? "none" : r.error().code; }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(code_vault_tests, fixture)

CAF_TEST(a code gives back what it was made of once) {
  auto code = vault.make(content);
  auto redeemed = vault.redeem(code);
  CAF_REQUIRE(redeemed.has_value());
  CAF_CHECK_EQUAL(redeemed->client_id, content.client_id);
  CAF_CHECK_EQUAL(redeemed->redirect_uri, content.redirect_uri);
  CAF_CHECK_EQUAL(redeemed->scope, content.scope);
  CAF_CHECK_EQUAL(redeemed->nonce, content.nonce);
  CAF_CHECK_EQUAL(redeemed->code_challenge, content.code_challenge);
  CAF_CHECK(redeemed->who == content.who);
  CAF_CHECK_EQUAL(cause(vault.redeem(code)), "invalid_grant");
}

CAF_TEST(a code says nothing to who holds it) {
  CAF_CHECK(vault.make(content).find("ada") == std::string::npos);
}

CAF_TEST(a code expires) {
  auto code = vault.make(content);
  clock.advance(std::chrono::seconds{60});
  CAF_CHECK_EQUAL(cause(vault.redeem(code)), "invalid_grant");
}

CAF_TEST(a code of another process is refused) {
  code_vault other{settings, ring, clock, random};
  CAF_CHECK_EQUAL(cause(other.redeem(vault.make(content))), "invalid_grant");
}

CAF_TEST(a code holds once on all nodes of one store) {
  const auto store = rt::make_memory_store();
  code_vault here{settings, ring, clock, random, store.get()};
  code_vault there{settings, ring, clock, random, store.get()};
  const auto code = here.make(content);
  CAF_CHECK_EQUAL(cause(there.redeem(code)), "none");
  CAF_CHECK_EQUAL(cause(here.redeem(code)), "invalid_grant");
  CAF_CHECK_EQUAL(cause(there.redeem(code)), "invalid_grant");
  const auto another = here.make(content);
  CAF_CHECK_EQUAL(cause(here.redeem(another)), "none");
  CAF_CHECK_EQUAL(cause(there.redeem(another)), "invalid_grant");
}

CAF_TEST(used codes leave the store once they would have expired) {
  const auto store = rt::make_memory_store();
  code_vault vault_on_store{settings, ring, clock, random, store.get()};
  vault_on_store.redeem(vault_on_store.make(content));
  vault_on_store.redeem(vault_on_store.make(content));
  CAF_CHECK_EQUAL(store->load("sts_used_code").value().size(), 2u);
  clock.advance(std::chrono::minutes{11});
  vault_on_store.redeem(vault_on_store.make(content));
  CAF_CHECK_EQUAL(store->load("sts_used_code").value().size(), 1u);
}

CAF_TEST(without the store a code holds for the node that made it) {
  failing_store store;
  store.broken = true;
  code_vault here{settings, ring, clock, random, &store};
  code_vault there{settings, ring, clock, random, &store};
  const auto code = here.make(content);
  CAF_CHECK_EQUAL(cause(there.redeem(code)), "temporarily_unavailable");
  CAF_CHECK_EQUAL(cause(here.redeem(code)), "none");
  CAF_CHECK_EQUAL(cause(here.redeem(code)), "invalid_grant");
}

CAF_TEST(a full memory refuses rather than forgets and recovers when codes expire) {
  auto first = vault.make(content);
  CAF_CHECK_EQUAL(cause(vault.redeem(first)), "none");
  for (size_t i = 1; i < limits::used_codes; ++i)
    vault.redeem(vault.make(content));
  CAF_CHECK_EQUAL(cause(vault.redeem(vault.make(content))), "temporarily_unavailable");
  CAF_CHECK_EQUAL(cause(vault.redeem(first)), "invalid_grant");
  clock.advance(std::chrono::seconds{60});
  CAF_CHECK_EQUAL(cause(vault.redeem(vault.make(content))), "none");
}

CAF_TEST_FIXTURE_SCOPE_END()
