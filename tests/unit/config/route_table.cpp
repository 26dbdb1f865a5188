#define CAF_SUITE route_table

#include "config/route_table.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;

namespace {

application app(std::string name, std::string external_url) {
  application a;
  a.name = std::move(name);
  a.external_url = std::move(external_url);
  return a;
}

struct fixture {
  fixture() {
    auto p = std::make_shared<published>();
    p->applications = {
        app("deep", "https://intranet.example/a/b/"), app("port", "https://wiki.example:8443/"),
        app("root", "https://intranet.example/"), app("shallow", "https://intranet.example/a/")};
    table = route_table{p};
  }
  std::string name(std::string_view host, std::string_view path) const {
    auto found = table.find(host, path);
    return found.match ? found.match->name + (found.needs_slash ? "/" : "") : "none";
  }
  route_table table;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(route_table_tests, fixture)

CAF_TEST(the longest path wins) {
  CAF_CHECK_EQUAL(name("intranet.example", "/"), "root");
  CAF_CHECK_EQUAL(name("intranet.example", "/x"), "root");
  CAF_CHECK_EQUAL(name("intranet.example", "/a/"), "shallow");
  CAF_CHECK_EQUAL(name("intranet.example", "/a/x"), "shallow");
  CAF_CHECK_EQUAL(name("intranet.example", "/a/b/"), "deep");
  CAF_CHECK_EQUAL(name("intranet.example", "/a/b/c/d"), "deep");
}

CAF_TEST(prefixes end at segments) {
  CAF_CHECK_EQUAL(name("intranet.example", "/ab"), "root");
  CAF_CHECK_EQUAL(name("intranet.example", "/a/bc"), "shallow");
  CAF_CHECK_EQUAL(name("intranet.example", "/A/"), "root");
}

CAF_TEST(an application without its final slash asks for a redirect) {
  CAF_CHECK_EQUAL(name("intranet.example", "/a"), "shallow/");
  CAF_CHECK_EQUAL(name("intranet.example", "/a/b"), "deep/");
}

CAF_TEST(letter case of paths is ignored where that is asked for) {
  const auto loosely = [this](std::string_view host, std::string_view path) {
    const auto found = table.find_ignoring_case(host, path);
    return found.match ? found.match->name + (found.needs_slash ? "/" : "") : "none";
  };
  CAF_CHECK_EQUAL(loosely("Intranet.example", "/"), "root");
  CAF_CHECK_EQUAL(loosely("intranet.example", "/A/"), "shallow");
  CAF_CHECK_EQUAL(loosely("intranet.example", "/A/B/C"), "deep");
  CAF_CHECK_EQUAL(loosely("intranet.example", "/a/B"), "deep/");
  CAF_CHECK_EQUAL(loosely("intranet.example", "/A"), "shallow/");
  CAF_CHECK_EQUAL(loosely("intranet.example", "/Ab"), "root");
  CAF_CHECK_EQUAL(loosely("intranet.example", ""), "root/");
  CAF_CHECK_EQUAL(loosely("other.example", "/"), "none");
}

CAF_TEST(host names are compared without case and exactly) {
  CAF_CHECK_EQUAL(name("Intranet.EXAMPLE", "/"), "root");
  CAF_CHECK_EQUAL(name("wiki.example", "/"), "port");
  CAF_CHECK_EQUAL(name("xintranet.example", "/"), "none");
  CAF_CHECK_EQUAL(name("intranet.example.", "/"), "none");
  CAF_CHECK_EQUAL(name("", "/"), "none");
  CAF_CHECK(table.contains_host("WIKI.example"));
  CAF_CHECK(!table.contains_host("wiki"));
}

CAF_TEST(an empty table finds nothing) {
  CAF_CHECK(route_table{}.find("a", "/").match == nullptr);
  CAF_CHECK(route_table{nullptr}.find("a", "/").match == nullptr);
}

CAF_TEST(the table keeps its snapshot alive) {
  auto p = std::make_shared<published>();
  p->applications = {app("a", "https://a.example/")};
  std::weak_ptr<const published> watch = p;
  route_table only{std::move(p)};
  CAF_REQUIRE(!watch.expired());
  CAF_CHECK_EQUAL(only.find("a.example", "/").match->name, "a");
}

CAF_TEST_FIXTURE_SCOPE_END()
