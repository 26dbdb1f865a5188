#define CAF_SUITE admin_client

#include "control/admin_client.hpp"

#include "fake_service.hpp"

#include <boost/json/object.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::control;

namespace {

struct fixture {
  admin_client admin() {
    return {service.send(), url("https://admin.example.com/"),
            [] { return outcome<std::string>{"t0ken"}; }};
  }
  std::string refused() {
    auto got = admin().get("/groups");
    return got ? "accepted" : got.error().message;
  }
  fake_service service;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(admin_client_tests, fixture)

CAF_TEST(requests carry the token and go below the base path) {
  service.answer(200, "[]");
  service.answer(200, "{}");
  service.answer(204, "");
  CAF_REQUIRE(admin().get("/groups").has_value());
  CAF_REQUIRE(admin().post("/apply", boost::json::object{{"prune", true}}).has_value());
  auto erased = admin().erase("/groups/hq");
  CAF_REQUIRE(erased.has_value());
  CAF_CHECK(erased->is_null());
  CAF_REQUIRE_EQUAL(service.requests.size(), 3u);
  CAF_CHECK_EQUAL(service.requests[0].host, "admin.example.com");
  CAF_CHECK_EQUAL(service.requests[0].method, "GET");
  CAF_CHECK_EQUAL(service.requests[0].target, "/api/v1/groups");
  CAF_CHECK_EQUAL(service.requests[0].authorization, "Bearer t0ken");
  CAF_CHECK_EQUAL(service.requests[1].body, R"({"prune":true})");
  CAF_CHECK_EQUAL(service.requests[2].method, "DELETE");
}

CAF_TEST(a problem becomes one line) {
  service.answer(
      403,
      R"({"type":"about:blank","title":"Forbidden","status":403,"detail":"administrators only",
                     "cause":"not_administrator","source":"admin","request_id":"r1"})",
      "application/problem+json");
  CAF_CHECK_EQUAL(
      refused(),
      "Forbidden: administrators only (cause not_administrator, source admin, request r1)");
}

CAF_TEST(a refusal that is no problem shows its status) {
  service.answer(502, "<html>", "text/html");
  CAF_CHECK_EQUAL(refused(), "Bad Gateway (status 502)");
  service.answer(500, "{", "application/json");
  CAF_CHECK_EQUAL(refused(), "Internal Server Error (status 500)");
}

CAF_TEST(an expired token tells how to sign in) {
  service.answer(401, R"({"title":"Unauthorized"})", "application/problem+json; charset=utf-8");
  CAF_CHECK_EQUAL(refused(), "Unauthorized; sign in with `posternctl login`");
}

CAF_TEST(a problem cannot steer the terminal) {
  service.answer(400, R"({"title":"x\u001b[2J\ny"})", "application/problem+json");
  CAF_CHECK_EQUAL(refused(), "x?[2J?y");
}

CAF_TEST(an answer that is no JSON is refused) {
  service.answer(200, "hello", "text/plain");
  CAF_CHECK_EQUAL(refused(), "admin.example.com: expected JSON, found something else");
  service.answer(200, "[1", "application/json");
  CAF_CHECK_EQUAL(refused(), "admin.example.com: expected JSON, found something else");
}

CAF_TEST(without a token nothing is sent) {
  admin_client none{service.send(), url("https://admin.example.com/"),
                    [] { return outcome<std::string>{bad_input("no token")}; }};
  auto got = none.get("/groups");
  CAF_REQUIRE(!got);
  CAF_CHECK(got.error().status == exit_status::bad_input);
  CAF_CHECK(service.requests.empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
