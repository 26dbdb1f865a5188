#define CAF_SUITE clients
#include "sts/clients.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;

namespace {

client named(const std::string& id, const std::string& display_name = {}) {
  client c;
  c.id = id;
  c.display_name = display_name;
  return c;
}

}  // namespace

CAF_TEST(before the first list there is no client) {
  const client_directory clients;
  CAF_CHECK(!clients.find("wiki"));
  CAF_CHECK(!clients.find(""));
}

CAF_TEST(a client is found by its whole id) {
  client_directory clients;
  clients.replace({named("wiki"), named("wiki-two")});
  auto found = clients.find("wiki");
  CAF_REQUIRE(found != nullptr);
  CAF_CHECK_EQUAL(found->id, "wiki");
  for (auto id : {"Wiki", "wik", "wiki ", "wiki-", ""})
    CAF_CHECK(!clients.find(id));
}

CAF_TEST(a replacement leaves nothing of before and what was found stays valid) {
  client_directory clients;
  clients.replace({named("wiki", "The Wiki"), named("mail")});
  auto held = clients.find("wiki");
  CAF_REQUIRE(held != nullptr);
  clients.replace({named("wiki", "Another Wiki")});
  CAF_CHECK(!clients.find("mail"));
  CAF_CHECK_EQUAL(held->shown_name(), "The Wiki");
  CAF_CHECK_EQUAL(clients.find("wiki")->shown_name(), "Another Wiki");
}

CAF_TEST(a client without a secret is public) {
  auto c = named("wiki");
  CAF_CHECK(c.is_public());
  c.secret_hash = "$scrypt$";
  CAF_CHECK(!c.is_public());
}

CAF_TEST(pages call a client by its id unless it has a name) {
  const auto bare = named("wiki");
  CAF_CHECK_EQUAL(bare.shown_name(), "wiki");
  const auto full = named("wiki", "The Wiki");
  CAF_CHECK_EQUAL(full.shown_name(), "The Wiki");
}
