#define CAF_SUITE accounts
#include "sts/accounts.hpp"

#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;
using std::chrono::milliseconds;

namespace {

struct fixture {
  account_directory accounts{issuer, people()};

  static postern::config::user ada() { return people().front(); }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(accounts_tests, fixture)

CAF_TEST(a name is found as it was written and a disabled account is not) {
  auto found = accounts.find("ada");
  CAF_REQUIRE(found != nullptr);
  CAF_CHECK_EQUAL(found->email, "ada@example.com");
  for (auto name : {"Ada", "ad", "ada ", "", "nobody", "eve"})
    CAF_CHECK(!accounts.find(name));
}

CAF_TEST(a password proves its own account only) {
  auto proved = accounts.check_password("ada", "correct horse");
  CAF_REQUIRE(proved != nullptr);
  CAF_CHECK_EQUAL(proved->name, "ada");
  CAF_CHECK(!accounts.check_password("bob", "correct horse"));
  CAF_CHECK(!accounts.check_password("ada", "correct horse "));
  CAF_CHECK(!accounts.check_password("ada", ""));
}

CAF_TEST(a disabled account and an unknown name prove nothing) {
  CAF_CHECK(!accounts.check_password("eve", "correct horse"));
  CAF_CHECK(!accounts.check_password("nobody", "correct horse"));
}

CAF_TEST(an account without a usable hash has no password) {
  for (auto hash : {"", "correct horse", "$scrypt$", "$scrypt$ln=4,r=8,p=1$$"}) {
    auto broken = ada();
    broken.password_hash = hash;
    accounts.replace({broken});
    CAF_CHECK(accounts.find("ada") != nullptr);
    CAF_CHECK(!accounts.check_password("ada", ""));
    CAF_CHECK(!accounts.check_password("ada", hash));
  }
}

CAF_TEST(a replacement leaves nothing of before and what was found stays valid) {
  auto held = accounts.find("ada");
  CAF_REQUIRE(held != nullptr);
  accounts.replace({{"carl", "", "", {}, hash_of("x"), false}});
  CAF_CHECK(!accounts.find("ada"));
  CAF_CHECK(!accounts.find("bob"));
  CAF_CHECK(accounts.find("carl") != nullptr);
  CAF_CHECK_EQUAL(held->display_name, "Ada Lovelace");
}

CAF_TEST(a subject belongs to one name at one issuer and outlives the account) {
  const auto subject = accounts.subject("ada");
  CAF_CHECK(!subject.empty());
  CAF_CHECK_NOT_EQUAL(subject, accounts.subject("bob"));
  CAF_CHECK_NOT_EQUAL(subject, accounts.subject("Ada"));
  account_directory elsewhere{"https://other.example", people()};
  CAF_CHECK_NOT_EQUAL(subject, elsewhere.subject("ada"));
  account_directory restarted{issuer, {}};
  CAF_CHECK_EQUAL(subject, restarted.subject("ada"));
}

CAF_TEST(the mark of a credential follows the password and nothing else) {
  const auto before = account_directory::credential_mark(ada());
  auto renamed = ada();
  renamed.display_name = "Countess of Lovelace";
  renamed.groups.clear();
  CAF_CHECK_EQUAL(account_directory::credential_mark(renamed), before);
  auto changed = ada();
  changed.password_hash = hash_of("battery staple");
  CAF_CHECK_NOT_EQUAL(account_directory::credential_mark(changed), before);
}

CAF_TEST(a required sign in ends what was proved up to its second) {
  CAF_CHECK(accounts.still_counts("ada", 0));
  accounts.require_new_sign_in("ada", rt::from_unix_seconds(100) + milliseconds{900});
  CAF_CHECK(!accounts.still_counts("ada", 99));
  CAF_CHECK(!accounts.still_counts("ada", 100));
  CAF_CHECK(accounts.still_counts("ada", 101));
  CAF_CHECK(accounts.still_counts("bob", 99));
}

CAF_TEST(an earlier requirement takes nothing back and a new list of users does not either) {
  accounts.require_new_sign_in("ada", rt::from_unix_seconds(100));
  accounts.require_new_sign_in("ada", rt::from_unix_seconds(50));
  CAF_CHECK(!accounts.still_counts("ada", 75));
  accounts.replace(people());
  CAF_CHECK(!accounts.still_counts("ada", 75));
}

CAF_TEST(a requirement holds for who is no user yet) {
  accounts.replace({});
  accounts.require_new_sign_in("ada", rt::from_unix_seconds(100));
  accounts.replace(people());
  CAF_CHECK(!accounts.still_counts("ada", 100));
}

CAF_TEST_FIXTURE_SCOPE_END()
