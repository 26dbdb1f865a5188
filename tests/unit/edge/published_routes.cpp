#define CAF_SUITE published_routes
#include "edge/published_routes.hpp"

#include "edge/session_cookie.hpp"
#include "tests/unit/edge/samples.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern;
using namespace postern::edge;
using namespace postern::edge::samples;

namespace {

actors::routing routing_of(std::vector<config::application> applications) {
  auto published = std::make_shared<config::published>();
  published->groups = {{"main"}};
  published->applications = std::move(applications);
  actors::routing routing;
  routing.published = published;
  return routing;
}

}  // namespace

CAF_TEST(dot segments are found in every spelling) {
  for (const auto* path : {"/.", "/..", "/./a", "/a/../b", "/a/..", "/%2e%2E/a", "/.%2e/",
                           "/a%2f..%2Fb", "/a/..%2f", "/a%5c..%5cb", "/a\\..\\b", "/..;/a",
                           "/..;x=y/a", "/.;/a", "/..%3b/a", "/..%3Bx/a", "/a/%2e", ".."})
    CAF_CHECK_EQUAL(std::string{path} + (has_dot_segments(path) ? "" : " missed"), path);
}

CAF_TEST(dots within names are none) {
  for (const auto* path : {"/", "", "/a.b/c", "/...", "/..a/", "/a../b", "/.well-known/x", "/%2ea",
                           "/a%2e%2e/", "/;..x/", "/%", "/%2", "/a%2", "/%252e%252e/", "/a;b/c"})
    CAF_CHECK_EQUAL(std::string{path} + (has_dot_segments(path) ? " found" : ""), path);
}

CAF_TEST(a careless reading decodes and merges) {
  const std::pair<const char*, const char*> table[] = {
      {"/a/b", "/a/b"},        {"/", "/"},
      {"/%61%2Fb", "/a/b"},    {"/a%5Cb\\c", "/a/b/c"},
      {"/a//b///c", "/a/b/c"}, {"//a", "/a"},
      {"/a;x=y/b", "/a/b"},    {"/a%3bx/b", "/a/b"},
      {"/;x/a", "/a"},         {"/a%2f%2Fb", "/a/b"},
      {"/%zz%2", "/%zz%2"},    {"/%252f", "/%2f"},
      {"/%41%7a", "/Az"},      {"/a;b", "/a"},
      {"/a;b\\c", "/a/c"}};
  for (const auto& [path, read] : table)
    CAF_CHECK_EQUAL(careless_reading(path), read);
}

CAF_TEST(an application is found by host and path) {
  const published_routes routes{routing_of({reports, wiki}), "https://sts.example"};
  bool needs_slash = true;
  const auto* found = routes.find("WIKI.example", "/any", needs_slash);
  CAF_REQUIRE(found != nullptr);
  CAF_CHECK_EQUAL(found->application->name, "wiki");
  CAF_CHECK_EQUAL(found->urls.external_authority, "wiki.example:8443");
  CAF_CHECK_EQUAL(found->cookie_name, session_cookie_name(wiki));
  CAF_CHECK(!needs_slash);
  CAF_CHECK(!found->queue);
  CAF_REQUIRE(routes.find("intranet.example", "/deep/reports", needs_slash) != nullptr);
  CAF_CHECK(needs_slash);
  CAF_CHECK(routes.find("intranet.example", "/deep/reportsx", needs_slash) == nullptr);
  CAF_CHECK(routes.find("intranet.example", "/", needs_slash) == nullptr);
  CAF_CHECK(routes.find("other.example", "/", needs_slash) == nullptr);
  CAF_CHECK(routes.contains_host("intranet.example"));
  CAF_CHECK(!routes.contains_host("other.example"));
}

CAF_TEST(a path that a careless origin takes for one of another application leads elsewhere) {
  const published_routes routes{routing_of({make_application("root", "https://h.example/"),
                                            make_application("admin", "https://h.example/admin/"),
                                            make_application("Files", "https://h.example/Files/")}),
                                "https://sts.example"};
  const auto outcome = [&](std::string_view path) -> std::string {
    bool needs_slash = false;
    const auto* to = routes.find("h.example", path, needs_slash);
    if (to == nullptr) return "none";
    if (routes.leads_elsewhere("H.example", path, *to)) return "elsewhere";
    return to->application->name;
  };
  for (const auto* path :
       {"/ADMIN/x", "/Admin/", "/aDMIN", "/%41dmin/x", "/admin%2fx", "//admin/", "/;x/admin/",
        "/ADMIN;y/x", "/files/x", "/FILES", "/x/../admin/", "/admin/..%2f"})
    CAF_CHECK_EQUAL(std::string{path} + " " + outcome(path), std::string{path} + " elsewhere");
  const std::pair<const char*, const char*> served[] = {
      {"/", "root"},         {"/x", "root"},        {"/administrator", "root"}, {"/admi", "root"},
      {"/admin/x", "admin"}, {"/admin/X", "admin"}, {"/admin/Files/", "admin"}, {"/admin", "admin"},
      {"/Files/x", "Files"}, {"/Files", "Files"},   {"/x/ADMIN/", "root"}};
  for (const auto& [path, name] : served)
    CAF_CHECK_EQUAL(std::string{path} + " " + outcome(path), std::string{path} + " " + name);
}

CAF_TEST(applications whose paths differ in letter case alone are served as spelled) {
  const published_routes routes{routing_of({make_application("large", "https://h.example/A/"),
                                            make_application("small", "https://h.example/a/")}),
                                "https://sts.example"};
  bool ignored = false;
  for (const auto* path : {"/A/x", "/a/x", "/A", "/a"}) {
    const auto* to = routes.find("h.example", path, ignored);
    CAF_REQUIRE(to != nullptr);
    CAF_CHECK(!routes.leads_elsewhere("h.example", path, *to));
  }
}

CAF_TEST(paths matter where a host or an origin is shared) {
  const auto scoped = [](std::vector<config::application> applications, const char* host,
                         const char* path) {
    const published_routes routes{routing_of(std::move(applications)), "https://sts.example"};
    bool ignored = false;
    const auto* found = routes.find(host, path, ignored);
    return found != nullptr && found->scoped;
  };
  CAF_CHECK(!scoped({wiki}, "wiki.example", "/"));
  CAF_CHECK(scoped({reports}, "intranet.example", "/deep/reports/"));
  CAF_CHECK(scoped({reports, make_application("root", "https://intranet.example/")},
                   "intranet.example", "/"));
  auto below = wiki;
  below.internal_url = "http://10.0.0.5/only/this/";
  CAF_CHECK(scoped({below}, "wiki.example", "/"));
}
