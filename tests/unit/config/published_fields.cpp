#define CAF_SUITE published_fields

#include "config/published_fields.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;
using namespace std::chrono_literals;

namespace {

application wiki() {
  application a;
  a.name = "wiki";
  a.external_url = "https://wiki.example.com/";
  a.internal_url = "http://wiki.corp/";
  a.group = "hq";
  a.assigned = {"user:alice", "group:a, b"};
  return a;
}

}  // namespace

CAF_TEST(equal applications have no changed fields) {
  CAF_CHECK(changed_fields(wiki(), wiki()).empty());
}

CAF_TEST(changed fields carry old and new text) {
  auto after = wiki();
  after.response_timeout = 30s;
  after.maintenance = true;
  after.preauthentication = preauthentication_kind::passthrough;
  auto changes = changed_fields(wiki(), after);
  CAF_CHECK_EQUAL(changes.size(), 3u);
  CAF_CHECK_EQUAL(changes["response_timeout"].first, "85s");
  CAF_CHECK_EQUAL(changes["response_timeout"].second, "30s");
  CAF_CHECK_EQUAL(changes["maintenance"].second, "true");
  CAF_CHECK_EQUAL(changes["preauthentication"].second, "passthrough");
}

CAF_TEST(lists that look alike still differ) {
  auto after = wiki();
  after.assigned = {"user:alice", "group:a", "b"};
  CAF_CHECK_EQUAL(changed_fields(wiki(), after).count("assigned"), 1u);
}

CAF_TEST(TOML text is read back as the same resource) {
  auto text = to_toml(group{"hq"}) + to_toml(wiki());
  auto p = parse_published(text, "again.toml");
  CAF_REQUIRE(p.has_value());
  CAF_CHECK(p->applications[0] == wiki());
}

CAF_TEST(names are those of the documentation) {
  auto names = field_names();
  CAF_CHECK_EQUAL(names.size(), 22u);
  CAF_CHECK_EQUAL(names.front(), "name");
  CAF_CHECK_EQUAL(names.back(), "client_secret_file");
}

CAF_TEST(a URL without a path is left for validate to refuse) {
  auto a = wiki();
  a.external_url = "https://Wiki.example.com";
  normalize(a);
  CAF_CHECK_EQUAL(a.external_url, "https://Wiki.example.com");
}
