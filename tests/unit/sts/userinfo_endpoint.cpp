#define CAF_SUITE userinfo_endpoint
#include "sts/userinfo_endpoint.hpp"

#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;
using std::chrono::seconds;

namespace {

struct fixture : provider_fixture {
  rt::http_response ask(const std::string& authorization, rt::http_verb verb = rt::http_verb::get) {
    rt::http_request request{verb, "/userinfo", 11};
    if (!authorization.empty()) request.set(rt::http_field::authorization, authorization);
    return send(request);
  }

  std::string token(const std::string& scope) {
    auto response = get("/authorize", wiki_request({{"scope", scope}}));
    if (response.result() == rt::http_status::ok) response = sign_in(response);
    return text(json_of(post("/token", code_form(redirected(response)["code"]))), "access_token");
  }

  void check_refused(const rt::http_response& response, const std::string& code) {
    CAF_CHECK_EQUAL(status(response), 401u);
    CAF_CHECK_EQUAL(error(response), code);
    CAF_CHECK(std::string{response[rt::http_field::www_authenticate]}.starts_with("Bearer"));
    CAF_CHECK(!json_of(response).contains("sub"));
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(userinfo_endpoint_tests, fixture)

CAF_TEST(claims follow the scope) {
  auto all = json_of(ask("Bearer " + token("openid profile email groups")));
  CAF_CHECK_EQUAL(text(all, "preferred_username"), "ada");
  CAF_CHECK_EQUAL(text(all, "name"), "Ada Lovelace");
  CAF_CHECK_EQUAL(text(all, "email"), "ada@example.com");
  CAF_CHECK_EQUAL(all.at("groups").as_array().size(), 2u);
  auto least = json_of(ask("Bearer " + token("openid")));
  CAF_CHECK_EQUAL(text(least, "sub"), text(all, "sub"));
  CAF_CHECK_EQUAL(least.size(), 1u);
}

CAF_TEST(the subject is the one of the id token) {
  auto tokens = fresh_tokens();
  auto info = json_of(ask("bearer " + text(tokens, "access_token")));
  CAF_CHECK(!text(info, "sub").empty());
  CAF_CHECK_EQUAL(text(info, "sub"), text(verified(text(tokens, "id_token")), "sub"));
}

CAF_TEST(a POST may carry the token in header or form) {
  auto t = token("openid");
  CAF_CHECK_EQUAL(status(ask("Bearer " + t, rt::http_verb::post)), 200u);
  CAF_CHECK_EQUAL(status(post("/userinfo", {{"access_token", t}})), 200u);
  auto twice = post_request("/userinfo", {{"access_token", t}});
  twice.set(rt::http_field::authorization, "Bearer " + t);
  CAF_CHECK_EQUAL(status(send(twice)), 400u);
}

CAF_TEST(a token in the URL does not count) {
  check_refused(get("/userinfo", {{"access_token", token("openid")}}), "");
}

CAF_TEST(no token gets a bare challenge) {
  auto response = ask("");
  check_refused(response, "");
  CAF_CHECK(std::string{response[rt::http_field::www_authenticate]}.find("error") ==
            std::string::npos);
  check_refused(ask("Basic eDp5"), "");
}

CAF_TEST(an expired token is refused) {
  auto t = token("openid");
  clock.advance(seconds{3'599});
  CAF_CHECK_EQUAL(status(ask("Bearer " + t)), 200u);
  clock.advance(seconds{1});
  check_refused(ask("Bearer " + t), "invalid_token");
}

CAF_TEST(a forged token is refused) {
  auto t = token("openid");
  auto payload = t.find('.') + 5;
  t[payload] = t[payload] == 'A' ? 'B' : 'A';
  check_refused(ask("Bearer " + t), "invalid_token");
  check_refused(ask("Bearer nonsense"), "invalid_token");
}

CAF_TEST(a token without a signature is refused) {
  auto t = token("openid");
  auto payload = t.substr(t.find('.') + 1, t.rfind('.') - t.find('.') - 1);
  check_refused(
      ask("Bearer " + rt::to_base64url(R"({"alg":"none","typ":"at+jwt"})") + "." + payload + "."),
      "invalid_token");
}

CAF_TEST(an id token is no access token) {
  check_refused(ask("Bearer " + text(fresh_tokens(), "id_token")), "invalid_token");
}

CAF_TEST(a token for another audience is refused) {
  auto started =
      json_of(post("/device_authorization", {{"client_id", "tool"}, {"scope", "openid"}}));
  auto shown = get(location(sign_in(get("/device", {{"user_code", text(started, "user_code")}}))));
  post("/device", {{"form", form_of(shown)}, {"decision", "allow"}});
  auto tokens =
      json_of(post("/token", {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                              {"client_id", "tool"},
                              {"device_code", text(started, "device_code")}}));
  auto t = text(tokens, "access_token");
  CAF_CHECK(!verified(t).empty());
  check_refused(ask("Bearer " + t), "invalid_token");
}

CAF_TEST(a user who is gone or has to sign in again has no claims) {
  auto t = token("openid");
  sts->set_users({});
  check_refused(ask("Bearer " + t), "invalid_token");
  sts->set_users(people());
  CAF_CHECK_EQUAL(status(ask("Bearer " + t)), 200u);
  sts->require_new_sign_in("ada", clock.now());
  check_refused(ask("Bearer " + t), "invalid_token");
}

CAF_TEST(a token outlives a restart) {
  auto t = token("openid");
  restart();
  CAF_CHECK_EQUAL(status(ask("Bearer " + t)), 200u);
}

CAF_TEST_FIXTURE_SCOPE_END()
