#define CAF_SUITE end_session_endpoint
#include "sts/end_session_endpoint.hpp"

#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;

namespace {

struct fixture : provider_fixture {
  std::string hint = text(fresh_tokens(), "id_token");
  std::map<std::string, std::string> before = cookies;

  bool has_session() {
    return !redirected(get("/authorize", wiki_request({{"prompt", "none"}})))["code"].empty();
  }

  bool copied_cookie_counts() {
    cookies = before;
    return has_session();
  }

  rt::http_response confirm(const rt::http_response& shown) {
    return post("/end_session", {{"form", form_of(shown)}});
  }
};

constexpr const char* home = "https://wiki.example/";

}  // namespace

CAF_TEST_FIXTURE_SCOPE(end_session_endpoint_tests, fixture)

CAF_TEST(an application with a hint signs out at once and gets its state back) {
  CAF_CHECK(has_session());
  auto response =
      get("/end_session",
          {{"id_token_hint", hint}, {"post_logout_redirect_uri", home}, {"state", "s 1"}});
  CAF_CHECK_EQUAL(location(response), "https://wiki.example/?state=s%201");
  CAF_CHECK(!has_session());
  CAF_CHECK(!copied_cookie_counts());
  CAF_CHECK_EQUAL(events.back().what, "signed_out");
}

CAF_TEST(an expired hint still counts) {
  clock.advance(std::chrono::hours{2});
  auto response =
      get("/end_session", {{"id_token_hint", hint}, {"post_logout_redirect_uri", home}});
  CAF_CHECK_EQUAL(location(response), home);
  CAF_CHECK(!has_session());
}

CAF_TEST(a POST from another site comes without the cookie and ends the session all the same) {
  cookies.clear();
  auto response =
      post("/end_session", {{"id_token_hint", hint}, {"post_logout_redirect_uri", home}});
  CAF_CHECK_EQUAL(location(response), home);
  CAF_CHECK(!copied_cookie_counts());
}

CAF_TEST(an unregistered address is not redirected to but the user is signed out) {
  for (auto uri : {"https://evil.example/", "https://wiki.example", "https://mail.example/",
                   "https://wiki.example/?"}) {
    cookies = before;
    auto response =
        get("/end_session", {{"id_token_hint", hint}, {"post_logout_redirect_uri", uri}});
    CAF_CHECK_EQUAL(status(response), 200u);
    CAF_CHECK_EQUAL(location(response), "");
    CAF_CHECK(!cookies.contains("__Host-postern-sso"));
  }
}

CAF_TEST(without a hint the user is asked first) {
  auto shown = get("/end_session",
                   {{"client_id", "wiki"}, {"post_logout_redirect_uri", home}, {"state", "x"}});
  CAF_CHECK_EQUAL(status(shown), 200u);
  CAF_CHECK(shown.body().find("ada") != std::string::npos);
  auto policy = std::string{shown["Content-Security-Policy"]};
  CAF_CHECK(policy.ends_with("form-action 'self' https:"));
  CAF_CHECK(has_session());
  auto response = confirm(shown);
  CAF_CHECK_EQUAL(location(response), "https://wiki.example/?state=x");
  CAF_CHECK(!has_session());
}

CAF_TEST(the user may sign out here without any application) {
  auto shown = get("/end_session");
  CAF_CHECK(std::string{shown["Content-Security-Policy"]}.ends_with("form-action 'self'"));
  auto response = confirm(shown);
  CAF_CHECK_EQUAL(status(response), 200u);
  CAF_CHECK(!has_session());
}

CAF_TEST(without a hint and a client nothing is redirected to) {
  auto response = confirm(get("/end_session", {{"post_logout_redirect_uri", home}}));
  CAF_CHECK_EQUAL(location(response), "");
  CAF_CHECK_EQUAL(status(response), 200u);
}

CAF_TEST(a forged hint is as good as none) {
  auto forged = hint;
  auto payload = forged.find('.') + 5;
  forged[payload] = forged[payload] == 'A' ? 'B' : 'A';
  auto shown = get("/end_session", {{"id_token_hint", forged}, {"post_logout_redirect_uri", home}});
  CAF_CHECK_EQUAL(status(shown), 200u);
  CAF_CHECK(has_session());
}

CAF_TEST(an access token is no hint) {
  auto access = text(fresh_tokens(), "access_token");
  CAF_CHECK_EQUAL(status(get("/end_session", {{"id_token_hint", access}})), 200u);
  CAF_CHECK(has_session());
}

CAF_TEST(a hint for one client does not speak for another) {
  auto response =
      get("/end_session",
          {{"id_token_hint", hint}, {"client_id", "mail"}, {"post_logout_redirect_uri", home}});
  CAF_CHECK_EQUAL(location(response), "");
  CAF_CHECK(has_session());
}

CAF_TEST(a hint at another user asks first) {
  sign_in(get("/authorize", wiki_request({{"prompt", "login"}})), "bob", "battery staple");
  auto shown = get("/end_session", {{"id_token_hint", hint}, {"post_logout_redirect_uri", home}});
  CAF_CHECK_EQUAL(status(shown), 200u);
  CAF_CHECK(shown.body().find("bob") != std::string::npos);
  CAF_CHECK(has_session());
}

CAF_TEST(a forged confirmation is refused) {
  CAF_CHECK_EQUAL(status(post("/end_session", {{"form", "forged"}})), 403u);
  CAF_CHECK(has_session());
}

CAF_TEST(a confirmation from another browser asks again) {
  auto shown = get("/end_session");
  auto session = cookies.at("__Host-postern-sso");
  cookies.clear();
  cookies["__Host-postern-sso"] = session;
  auto response = confirm(shown);
  CAF_CHECK_EQUAL(status(response), 200u);
  CAF_CHECK(!form_of(response).empty());
  CAF_CHECK(has_session());
}

CAF_TEST(signing out without a session is no error) {
  cookies.clear();
  auto response =
      get("/end_session", {{"id_token_hint", hint}, {"post_logout_redirect_uri", home}});
  CAF_CHECK_EQUAL(location(response), home);
}

CAF_TEST_FIXTURE_SCOPE_END()
