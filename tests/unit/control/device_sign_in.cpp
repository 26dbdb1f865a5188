#define CAF_SUITE device_sign_in

#include "control/device_sign_in.hpp"

#include "fake_service.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::control;
using std::chrono::seconds;

namespace {

struct fixture {
  void discovery() {
    service.answer(
        200, R"({"issuer":"https://sts.example.com/t/","service":"https://connect.example.com"})");
    service.answer(
        200,
        R"({"issuer":"https://sts.example.com/t/","token_endpoint":"https://sts.example.com/token",
      "device_authorization_endpoint":"https://sts.example.com/device_authorization"})");
  }
  void code(const char* more = "") {
    service.answer(
        200,
        std::string{
            R"({"device_code":"d1","user_code":"BCDF-GHJK","verification_uri":"https://sts.example.com/device",
      "expires_in":60,"interval":5)"} +
            more + "}");
  }
  void not_yet(const char* error = "authorization_pending") {
    service.answer(400, std::string{R"({"error":")"} + error + "\"}");
  }
  void granted() { service.answer(200, R"({"access_token":"t0ken","expires_in":3600})"); }

  std::string run() {
    sign_in_seams seams;
    seams.send = service.send();
    seams.sleep = [this](seconds d) { slept.push_back(d); };
    seams.show = [this](const device_authorization& a) { shown = a.user_code; };
    auto token = sign_in(url("https://admin.example.com/"), seams);
    return token ? token->access_token : "refused: " + token.error().message;
  }

  fake_service service;
  std::vector<seconds> slept;
  std::string shown;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(device_sign_in_tests, fixture)

CAF_TEST(the token comes once the user has decided) {
  discovery();
  code();
  not_yet();
  granted();
  CAF_CHECK_EQUAL(run(), "t0ken");
  CAF_CHECK_EQUAL(shown, "BCDF-GHJK");
  CAF_CHECK(slept == (std::vector<seconds>{seconds{5}, seconds{5}}));
  CAF_REQUIRE_EQUAL(service.requests.size(), 5u);
  CAF_CHECK_EQUAL(service.requests[0].target, "/.well-known/postern");
  CAF_CHECK_EQUAL(service.requests[1].host, "sts.example.com");
  CAF_CHECK_EQUAL(service.requests[1].target, "/t/.well-known/openid-configuration");
  CAF_CHECK_EQUAL(service.requests[2].body,
                  "client_id=posternctl&scope=openid%20profile%20email%20groups");
  CAF_CHECK_NOT_EQUAL(service.requests[3].body.find("device_code=d1"), std::string::npos);
  CAF_CHECK_NOT_EQUAL(service.requests[3].body.find(
                          "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"),
                      std::string::npos);
}

CAF_TEST(slow down makes every later wait longer) {
  discovery();
  code();
  not_yet("slow_down");
  not_yet();
  granted();
  CAF_CHECK_EQUAL(run(), "t0ken");
  CAF_CHECK(slept == (std::vector<seconds>{seconds{5}, seconds{10}, seconds{10}}));
}

CAF_TEST(a failing network is asked less and less often) {
  discovery();
  code();
  service.fail();
  service.fail();
  granted();
  CAF_CHECK_EQUAL(run(), "t0ken");
  CAF_CHECK(slept == (std::vector<seconds>{seconds{5}, seconds{10}, seconds{20}}));
}

CAF_TEST(waiting ends with the code) {
  discovery();
  code();
  for (int i = 0; i < 20; ++i)
    not_yet();
  CAF_CHECK_EQUAL(run(), "refused: nobody entered the code in time; start again");
  CAF_CHECK_EQUAL(slept.size(), 12u);
}

CAF_TEST(a refused sign in says why) {
  discovery();
  code();
  service.answer(400, R"({"error":"access_denied","error_description":"the user said no"})");
  CAF_CHECK_EQUAL(run(), "refused: the STS refused the sign-in: access_denied (the user said no)");
}

CAF_TEST(an STS that calls itself otherwise is refused) {
  service.answer(200, R"({"issuer":"https://sts.example.com"})");
  service.answer(200, R"({"issuer":"https://evil.example.com"})");
  CAF_CHECK(run().starts_with("refused: the STS at https://sts.example.com/ calls itself"));
  CAF_CHECK_EQUAL(service.requests.size(), 2u);
}

CAF_TEST(endpoints without TLS are refused) {
  service.answer(200, R"({"issuer":"http://sts.example.com"})");
  CAF_CHECK_EQUAL(
      run(), "refused: the STS's issuer: expected an https URL, found \"http://sts.example.com\"");
  service.answer(200, R"({"issuer":"https://sts.example.com"})");
  service.answer(
      200, R"({"issuer":"https://sts.example.com","token_endpoint":"https://sts.example.com/token",
    "device_authorization_endpoint":"http://sts.example.com/device_authorization"})");
  CAF_CHECK(
      run().starts_with("refused: the STS's device_authorization_endpoint: expected an https URL"));
}

CAF_TEST(a service that is none is named) {
  service.answer(404, "", "text/html");
  CAF_CHECK_EQUAL(run(), "refused: https://admin.example.com/.well-known/postern: status 404");
  service.answer(200, "<html>", "text/html");
  CAF_CHECK(run().starts_with("refused: admin.example.com: expected a JSON object"));
}

CAF_TEST(an STS without the grant is an error) {
  discovery();
  service.answer(200, R"({"user_code":"x"})");
  CAF_CHECK_EQUAL(run(), "refused: the STS answered without a device code");
  CAF_CHECK_EQUAL(shown, "");
}

CAF_TEST_FIXTURE_SCOPE_END()
