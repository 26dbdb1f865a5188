#define CAF_SUITE get

#include "config/published.hpp"
#include "control/commands.hpp"
#include "fake_service.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::control;

namespace {

constexpr auto table = output_format::table;
constexpr auto json = output_format::json;
constexpr auto toml = output_format::toml;

constexpr auto sessions = R"([{"id":"1","user":"alice"},{"id":"2","user":{"name":"bob","sub":"x"}},
  {"id":"bob","user":"carl"},{"id":"4"},7])";

struct fixture {
  fake_service service;

  admin_client admin() {
    return {service.send(), url("https://admin.example.com/"),
            [] { return outcome<std::string>{"t"}; }};
  }
  std::string said(const char* kind, const char* name, output_format format) {
    auto r = get({kind, name, format, 100, 0}, admin());
    return r ? r->text : "refused: " + r.error().message;
  }
  std::string target() const { return service.requests.back().target; }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(get_tests, fixture)

CAF_TEST(a singular asks for the same as its plural) {
  service.answer(200, "[]");
  CAF_CHECK_EQUAL(said("connector", "", table), "no connectors\n");
  CAF_CHECK_EQUAL(target(), "/api/v1/connectors");
  service.answer(200, R"({"name":"a/b?"})");
  said("group", "a/b?", table);
  CAF_CHECK_EQUAL(target(), "/api/v1/groups/a%2Fb%3F");
}

CAF_TEST(JSON is what the service sent with all that nobody here knows) {
  constexpr auto sent = R"({"groups":[{"name":"hq","new":{"a":[1,null]}}],"next":7})";
  service.answer(200, sent);
  CAF_CHECK(boost::json::parse(said("groups", "", json)) == boost::json::parse(sent));
}

CAF_TEST(sessions are chosen by user or id in a list that is asked for whole) {
  service.answer(200, sessions);
  CAF_CHECK(boost::json::parse(said("session", "bob", json)) ==
            boost::json::parse(
                R"([{"id":"2","user":{"name":"bob","sub":"x"}},{"id":"bob","user":"carl"}])"));
  CAF_CHECK_EQUAL(target(), "/api/v1/sessions");
  service.answer(200, sessions);
  CAF_CHECK(boost::json::parse(said("sessions", "1", json)) ==
            boost::json::parse(R"([{"id":"1","user":"alice"}])"));
  service.answer(200, sessions);
  CAF_CHECK_EQUAL(said("sessions", "ali", table), "no sessions\n");
}

CAF_TEST(sessions that are no list cannot be chosen from) {
  service.answer(200, R"({"sessions":7})");
  CAF_CHECK_EQUAL(said("sessions", "bob", json),
                  "refused: the service answered something that is no list of sessions");
}

CAF_TEST(what a list of groups prints can be applied again) {
  service.answer(200, R"([{"name":"hq"},{"name":"branch"}])");
  const auto text = said("groups", "", toml);
  const auto read = postern::config::parse_published(text, "published.toml");
  CAF_REQUIRE(read.has_value());
  CAF_REQUIRE_EQUAL(read->groups.size(), 2u);
  CAF_CHECK_EQUAL(read->groups[0].name, "branch");
  CAF_CHECK_EQUAL(read->groups[1].name, "hq");
  CAF_CHECK_NOT_EQUAL(text.find("\n\n[[group]]"), std::string::npos);
}

CAF_TEST(an empty list makes an empty file) {
  service.answer(200, "[]");
  CAF_CHECK_EQUAL(said("applications", "", toml), "");
}

CAF_TEST(one resource that cannot be described spoils the whole file) {
  service.answer(200, R"([{"name":"hq"},{"name":"branch","colour":"red"}])");
  const auto text = said("groups", "", toml);
  CAF_CHECK(text.starts_with("refused: the service answered: "));
  CAF_CHECK_NOT_EQUAL(text.find("colour"), std::string::npos);
  service.answer(200, R"([7])");
  CAF_CHECK(said("applications", "", toml).starts_with("refused: the service answered: "));
}

CAF_TEST(what cannot be asked for is said before anything is sent) {
  for (auto kind : {"connectors", "sessions", "nodes", "audit"})
    CAF_CHECK_EQUAL(said(kind, "", toml),
                    "refused: -o toml is for applications and groups; use table or json");
  CAF_CHECK_EQUAL(said("node", "192.0.2.1:7443", json), "refused: get nodes takes no NAME");
  auto r = get({"audit", "x", table, 100, 0}, admin());
  CAF_REQUIRE(!r);
  CAF_CHECK(r.error().status == exit_status::bad_input);
  CAF_CHECK(service.requests.empty());
}

CAF_TEST(a refusal of the service is passed on in any form) {
  for (auto format : {table, json, toml}) {
    service.answer(404, R"({"title":"Not Found"})", "application/problem+json");
    CAF_CHECK_EQUAL(said("groups", "x", format), "refused: Not Found");
  }
  service.fail();
  CAF_CHECK_EQUAL(said("groups", "", table), "refused: the network is down");
}

CAF_TEST_FIXTURE_SCOPE_END()
