#define CAF_SUITE change

#include "control/commands.hpp"
#include "fake_service.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::control;

namespace {

struct fixture {
  fake_service service;

  admin_client admin() {
    return {service.send(), url("https://admin.example.com/"),
            [] { return outcome<std::string>{"t"}; }};
  }
  std::string made(const std::string& answer, output_format format = output_format::table) {
    service.answer(200, answer);
    auto r = create_token({"hq", 1, "1h", format}, admin());
    return r ? r->text : "refused: " + r.error().message;
  }
  /// The lifetime that was asked for.
  std::string sent(const std::string& lifetime) {
    service.answer(200, R"({"token":"t"})");
    CAF_REQUIRE(create_token({"hq", 1, lifetime, output_format::table}, admin()).has_value());
    auto body = boost::json::parse(service.requests.back().body).as_object();
    return std::string{body.at("lifetime").as_string()};
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(change_tests, fixture)

CAF_TEST(every change is one request of its kind) {
  for (int i = 0; i < 5; ++i)
    service.answer(204, "");
  CAF_CHECK(erase({"group", "hq"}, admin()).has_value());
  CAF_CHECK(revoke({"connector", "5f"}, admin()).has_value());
  CAF_CHECK(revoke({"session", "s1"}, admin()).has_value());
  CAF_CHECK(postern::control::move({"5f", "branch"}, admin()).has_value());
  CAF_CHECK(drain({"node", "self"}, admin()).has_value());
  CAF_REQUIRE_EQUAL(service.requests.size(), 5u);
  std::string seen;
  for (const auto& r : service.requests)
    seen += r.method + " " + r.target + " " + r.body + "\n";
  CAF_CHECK_EQUAL(seen,
                  "DELETE /api/v1/groups/hq \n"
                  "POST /api/v1/connectors/5f/revoke {}\n"
                  "POST /api/v1/sessions/s1/revoke {}\n"
                  "POST /api/v1/connectors/5f/move {\"group\":\"branch\"}\n"
                  "POST /api/v1/nodes/self/drain {}\n");
}

CAF_TEST(a change that is refused is not reported as done) {
  constexpr auto problem = R"({"title":"Not Found","detail":"no such connector"})";
  const std::string expected = "Not Found: no such connector";
  auto refused = [&](auto change) {
    service.answer(404, problem, "application/problem+json");
    auto r = change();
    CAF_REQUIRE(!r);
    CAF_CHECK(r.error().status == exit_status::refused);
    CAF_CHECK_EQUAL(r.error().message, expected);
  };
  refused([&] { return erase({"group", "x"}, admin()); });
  refused([&] { return revoke({"connector", "x"}, admin()); });
  refused([&] { return postern::control::move({"x", "hq"}, admin()); });
  refused([&] { return drain({"connector", "x"}, admin()); });
  refused([&] { return resume({"x"}, admin()); });
  refused([&] { return create_token({"x", 1, "1h", output_format::table}, admin()); });
}

CAF_TEST(a name cannot leave its place in the path nor steer the terminal) {
  service.answer(204, "");
  auto r = erase({"group", "../users/a\x1b[2J"}, admin());
  CAF_REQUIRE(r.has_value());
  CAF_CHECK_EQUAL(service.requests[0].target, "/api/v1/groups/..%2Fusers%2Fa%1B%5B2J");
  CAF_CHECK_EQUAL(r->text, "erased group \"../users/a?[2J\"\n");
}

CAF_TEST(a lifetime is sent in its shortest form) {
  CAF_CHECK_EQUAL(sent("3600s"), "1h");
  CAF_CHECK_EQUAL(sent("90m"), "90m");
  CAF_CHECK_EQUAL(sent("48h"), "2d");
}

CAF_TEST(what is no lifetime is bad input that says which option) {
  for (auto lifetime : {"", "1", "h", "-1h", "1 h", "1h30m", "1.5h", "36501d"}) {
    auto r = create_token({"hq", 1, lifetime, output_format::table}, admin());
    CAF_REQUIRE(!r);
    CAF_CHECK(r.error().status == exit_status::bad_input);
    CAF_CHECK(r.error().message.starts_with("--lifetime: "));
  }
  CAF_CHECK(service.requests.empty());
}

CAF_TEST(an answer without a token is a refusal) {
  for (auto answer : {"{}", "[]", "null", R"({"token":""})", R"({"token":null})"})
    CAF_CHECK_EQUAL(made(answer), "refused: the service answered without a token");
  CAF_CHECK_EQUAL(made("{}", output_format::json), "refused: the service answered without a token");
}

CAF_TEST(a token cannot steer the terminal) {
  CAF_CHECK_EQUAL(made(R"({"token":"a\u001b[2J"})"), "a?[2J\n");
}

CAF_TEST(scripts get the whole answer and people no second text) {
  service.answer(200, R"({"token":"s3cret","uses":1,"more":[1]})");
  auto r = create_token({"hq", 1, "1h", output_format::json}, admin());
  CAF_REQUIRE(r.has_value());
  CAF_CHECK(boost::json::parse(r->text) ==
            boost::json::parse(R"({"token":"s3cret","uses":1,"more":[1]})"));
  CAF_CHECK_EQUAL(r->note, "");
}

CAF_TEST_FIXTURE_SCOPE_END()
