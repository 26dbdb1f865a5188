#define CAF_SUITE commands

#include "control/commands.hpp"

#include "fake_service.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/dsl.hpp>

#include <filesystem>
#include <fstream>
#include <stdlib.h>

using namespace postern::control;

namespace {

struct fixture {
  fixture() {
    std::string name = (std::filesystem::temp_directory_path() / "postern-XXXXXX").string();
    CAF_REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
  }
  ~fixture() { std::filesystem::remove_all(folder); }

  admin_client admin() {
    return {service.send(), url("https://admin.example.com/"),
            [] { return outcome<std::string>{"t"}; }};
  }
  std::string write(const std::string& text) const {
    auto path = (folder / "published.toml").string();
    std::ofstream{path} << text;
    return path;
  }
  static std::string said(const outcome<report>& r) {
    return r ? r->text : "refused: " + r.error().message;
  }

  std::filesystem::path folder;
  fake_service service;
};

constexpr auto wiki =
    R"({"name":"wiki","external_url":"https://wiki.example.com/","internal_url":"http://wiki.corp/",
  "group":"hq","assigned":["user:alice"]})";

}  // namespace

CAF_TEST_FIXTURE_SCOPE(commands_tests, fixture)

CAF_TEST(apply sends the whole file and prints the changes) {
  apply_command c;
  c.file = write(
      "[[group]]\nname = \"hq\"\n[[application]]\nname = \"wiki\"\ngroup = \"hq\"\n"
      "external_url = \"https://wiki.example.com/\"\ninternal_url = \"http://wiki.corp/\"\n");
  c.prune = true;
  service.answer(200,
                 R"({"version":2,"changes":[{"action":"create","kind":"group","name":"hq"}]})");
  CAF_CHECK_EQUAL(said(apply(c, admin())),
                  "+ group \"hq\"\n1 created, 0 changed, 0 erased; version 2\n");
  CAF_REQUIRE_EQUAL(service.requests.size(), 1u);
  CAF_CHECK_EQUAL(service.requests[0].target, "/api/v1/apply");
  auto body = boost::json::parse(service.requests[0].body).as_object();
  CAF_CHECK(body.at("prune").as_bool());
  CAF_CHECK(!body.at("dry_run").as_bool());
  CAF_CHECK_EQUAL(body.at("groups").as_array().size(), 1u);
  CAF_CHECK(body.at("applications").as_array().at(0).as_object().at("response_timeout") == "85s");
}

CAF_TEST(a wrong file is bad input and nothing is sent) {
  apply_command c;
  c.file = write("[[grup]]\nname = \"hq\"\n");
  auto r = apply(c, admin());
  CAF_REQUIRE(!r);
  CAF_CHECK(r.error().status == exit_status::bad_input);
  CAF_CHECK_EQUAL(r.error().message, c.file + ":1: unknown key \"grup\"; did you mean \"group\"?");
  CAF_CHECK(service.requests.empty());
}

CAF_TEST(get prints what published toml would say) {
  service.answer(200, wiki);
  auto text = said(get({"application", "wiki", output_format::toml, 100, 0}, admin()));
  CAF_CHECK(text.starts_with("[[application]]\nname = \"wiki\"\n"));
  CAF_CHECK_NOT_EQUAL(text.find("assigned = [\"user:alice\"]\n"), std::string::npos);
  CAF_CHECK_EQUAL(service.requests[0].target, "/api/v1/applications/wiki");
}

CAF_TEST(get filters sessions here and pages the audit log there) {
  service.answer(200, R"([{"id":"1","user":"alice"},{"id":"2","user":{"name":"bob"}}])");
  auto text = said(get({"sessions", "bob", output_format::table, 100, 0}, admin()));
  CAF_CHECK_EQUAL(text.find("alice"), std::string::npos);
  CAF_CHECK_NOT_EQUAL(text.find("bob"), std::string::npos);
  service.answer(200, "[]");
  CAF_CHECK_EQUAL(said(get({"audit", "", output_format::table, 5, 77}, admin())), "no audit\n");
  CAF_CHECK_EQUAL(service.requests[1].target, "/api/v1/audit?before=77&limit=5");
}

CAF_TEST(what get cannot print is refused before anything is sent) {
  CAF_CHECK(!get({"connectors", "", output_format::toml, 100, 0}, admin()));
  CAF_CHECK(!get({"audit", "x", output_format::table, 100, 0}, admin()));
  CAF_CHECK(!get({"cats", "", output_format::table, 100, 0}, admin()));
  CAF_CHECK(service.requests.empty());
}

CAF_TEST(names are encoded in paths) {
  service.answer(204, "");
  CAF_CHECK_EQUAL(said(revoke({"user", "a/b?c"}, admin())), "revoked user \"a/b?c\"\n");
  CAF_CHECK_EQUAL(service.requests[0].target, "/api/v1/users/a%2Fb%3Fc/revoke");
  service.answer(204, "");
  CAF_CHECK_EQUAL(said(erase({"application", "wiki"}, admin())), "erased application \"wiki\"\n");
  CAF_CHECK_EQUAL(service.requests[1].target, "/api/v1/applications/wiki");
  service.answer(204, "");
  CAF_CHECK_EQUAL(said(postern::control::move({"5f", "hq"}, admin())),
                  "moved to group \"hq\": connector \"5f\"\n");
  CAF_CHECK_EQUAL(service.requests[2].target, "/api/v1/connectors/5f/move");
}

CAF_TEST(a new token stands alone on standard output) {
  service.answer(200,
                 R"({"token":"s3cret","group":"hq","uses":2,"expires":"2026-01-31T12:00:00Z"})");
  auto r = create_token({"hq", 2, "90m", output_format::table}, admin());
  CAF_REQUIRE(r.has_value());
  CAF_CHECK_EQUAL(r->text, "s3cret\n");
  CAF_CHECK_EQUAL(r->note, "for 2 connector(s) of group \"hq\" until 2026-01-31T12:00:00Z\n");
  CAF_CHECK_EQUAL(service.requests[0].body, R"({"group":"hq","uses":2,"lifetime":"90m"})");
}

CAF_TEST(a node is drained by its address) {
  service.answer(202, R"({"address":"192.0.2.1:7443","draining":true})");
  CAF_CHECK_EQUAL(said(drain({"node", "192.0.2.1:7443"}, admin())),
                  "draining, then ending, node \"192.0.2.1:7443\"\n");
  CAF_REQUIRE_EQUAL(service.requests.size(), 1u);
  CAF_CHECK_EQUAL(service.requests[0].target, "/api/v1/nodes/192.0.2.1%3A7443/drain");
}

CAF_TEST(a connector is drained and resumed by its id) {
  service.answer(200, R"({"id":"5f","drained":true})");
  CAF_CHECK_EQUAL(said(drain({"connector", "5f"}, admin())), "draining connector \"5f\"\n");
  service.answer(200, R"({"id":"5f","drained":false})");
  CAF_CHECK_EQUAL(said(resume({"5f"}, admin())), "resumed connector \"5f\"\n");
  CAF_REQUIRE_EQUAL(service.requests.size(), 2u);
  CAF_CHECK_EQUAL(service.requests[0].target, "/api/v1/connectors/5f/drain");
  CAF_CHECK_EQUAL(service.requests[1].target, "/api/v1/connectors/5f/resume");
}

CAF_TEST(a lifetime that is none is bad input) {
  auto r = create_token({"hq", 1, "soon", output_format::table}, admin());
  CAF_REQUIRE(!r);
  CAF_CHECK(r.error().status == exit_status::bad_input);
  CAF_CHECK(service.requests.empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
