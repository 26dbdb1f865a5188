#define CAF_SUITE apply

#include "control/commands.hpp"
#include "fake_service.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::control;

namespace {

constexpr auto one_group = "[[group]]\nname = \"hq\"\n";

struct fixture {
  postern::test::temp_directory folder;
  fake_service service;
  apply_command c{.file = folder.write("published.toml", one_group)};

  outcome<report> run() {
    return apply(c, {service.send(), url("https://admin.example.com/"),
                     [] { return outcome<std::string>{"t"}; }});
  }
  std::string said() {
    auto r = run();
    return r ? r->text : "refused: " + r.error().message;
  }
  boost::json::object sent() const {
    return boost::json::parse(service.requests.back().body).as_object();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(apply_tests, fixture)

CAF_TEST(nothing is erased unless it is asked for) {
  service.answer(200, R"({"version":2,"changes":[]})");
  CAF_CHECK_EQUAL(said(), "nothing to change\n");
  CAF_CHECK(sent() == boost::json::parse(
                          R"({"groups":[{"name":"hq"}],"applications":[],"prune":false,
                              "dry_run":false})"));
}

CAF_TEST(a dry run is one for the service and in what is said) {
  c.dry_run = true;
  service.answer(200,
                 R"({"version":2,"changes":[{"action":"create","kind":"group","name":"hq"}]})");
  CAF_CHECK_EQUAL(
      said(),
      "+ group \"hq\"\n1 created, 0 changed, 0 erased; dry run, the service was left as it is\n");
  CAF_CHECK(sent().at("dry_run") == boost::json::value(true));
}

CAF_TEST(an empty file is sent as no resources) {
  c.file = folder.write("empty.toml", "# nothing yet\n");
  c.prune = true;
  service.answer(200, R"({"version":2,"changes":[]})");
  CAF_CHECK_EQUAL(said(), "nothing to change\n");
  CAF_CHECK(sent() ==
            boost::json::parse(R"({"groups":[],"applications":[],"prune":true,"dry_run":false})"));
}

CAF_TEST(a file that cannot be read is named and nothing is sent) {
  c.file = folder / "missing.toml";
  auto r = run();
  CAF_REQUIRE(!r);
  CAF_CHECK(r.error().status == exit_status::bad_input);
  CAF_CHECK_NOT_EQUAL(r.error().message.find("missing.toml"), std::string::npos);
  CAF_CHECK(service.requests.empty());
}

CAF_TEST(one wrong resource keeps the whole file back) {
  c.file = folder.write("wrong.toml", std::string{one_group} + "[[group]]\nname = \"hq\"\n");
  auto r = run();
  CAF_REQUIRE(!r);
  CAF_CHECK(r.error().status == exit_status::bad_input);
  CAF_CHECK(service.requests.empty());
}

CAF_TEST(a refusal is passed on and an answer without changes is one) {
  service.answer(409, R"({"title":"Conflict","detail":"group in use"})",
                 "application/problem+json");
  CAF_CHECK_EQUAL(said(), "refused: Conflict: group in use");
  service.answer(204, "");
  CAF_CHECK_EQUAL(said(), "refused: the service answered something that is no list of changes");
  service.fail();
  auto r = run();
  CAF_REQUIRE(!r);
  CAF_CHECK(r.error().status == exit_status::refused);
}

CAF_TEST_FIXTURE_SCOPE_END()
