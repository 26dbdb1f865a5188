#define CAF_SUITE sts_clients
#include "edge/sts_clients.hpp"

#include "tests/unit/edge/samples.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>

using namespace postern;
using namespace postern::edge;
using namespace postern::edge::samples;

namespace {

using texts = std::vector<std::string>;

struct fixture {
  const sts::client* find(std::string_view id) {
    clients = make_sts_clients(published, make_urls());
    const auto at = std::ranges::find(clients, id, &sts::client::id);
    return at == clients.end() ? nullptr : &*at;
  }

  config::published published;
  std::vector<sts::client> clients;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(sts_clients_tests, fixture)

CAF_TEST(the tools are clients whatever is published) {
  for (const auto id : {"posternctl", "postern-connector"}) {
    const auto* tool = find(id);
    CAF_REQUIRE(tool != nullptr);
    CAF_CHECK(tool->device_grant);
    CAF_CHECK(tool->is_public());
    CAF_CHECK(tool->redirect_uris.empty());
  }
  CAF_CHECK_EQUAL(find("posternctl")->access_token_audience, "postern-admin");
  CAF_CHECK_EQUAL(find("postern-connector")->access_token_audience, "postern-enrolment");
  CAF_CHECK_EQUAL(clients.size(), 2u);
}

CAF_TEST(an application is a client of its own) {
  published.applications = {wiki, reports};
  const auto* client = find("wiki");
  CAF_REQUIRE(client != nullptr);
  CAF_CHECK(client->redirect_uris == texts{"https://wiki.example:8443/.postern/callback"});
  CAF_CHECK(client->post_logout_redirect_uris == texts{"https://wiki.example:8443/"});
  CAF_CHECK(client->is_public());
  CAF_CHECK(!client->device_grant);
  CAF_CHECK_EQUAL(client->access_token_audience, "");
  CAF_CHECK(find("reports") != nullptr);
}

CAF_TEST(who signs in elsewhere or not at all is no client) {
  auto open = wiki, foreign = reports;
  open.preauthentication = config::preauthentication_kind::passthrough;
  foreign.issuer = "https://login.example";
  published.applications = {open, foreign};
  CAF_CHECK(find("wiki") == nullptr && find("reports") == nullptr);
}

CAF_TEST(an issuer written out is the built in one if it is its name) {
  auto named = wiki;
  named.issuer = "https://sts.example";
  published.applications = {named};
  CAF_CHECK(find("wiki") != nullptr);
}

CAF_TEST(a client id of its own counts and a shared one has all redirects) {
  auto a = wiki, b = reports;
  a.client_id = b.client_id = "suite";
  published.applications = {a, b};
  const auto* client = find("suite");
  CAF_REQUIRE(client != nullptr);
  CAF_CHECK_EQUAL(client->redirect_uris.size(), 2u);
  CAF_CHECK(find("wiki") == nullptr);
}

CAF_TEST(an application cannot take the place of a tool) {
  auto thief = wiki;
  thief.name = "posternctl";
  auto other = reports;
  other.client_id = "postern-connector";
  published.applications = {thief, other};
  CAF_CHECK(find("posternctl")->redirect_uris.empty());
  CAF_CHECK(find("postern-connector")->redirect_uris.empty());
  CAF_CHECK_EQUAL(clients.size(), 2u);
}

CAF_TEST_FIXTURE_SCOPE_END()
