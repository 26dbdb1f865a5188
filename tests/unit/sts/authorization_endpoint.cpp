#define CAF_SUITE authorization_endpoint
#include "sts/authorization_endpoint.hpp"

#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;
using std::chrono::seconds;

namespace {

struct fixture : provider_fixture {
  std::string redirected_error(const fields& changes) {
    auto answer = redirected(get("/authorize", wiki_request(changes)));
    CAF_CHECK_EQUAL(answer["iss"], issuer);
    CAF_CHECK_EQUAL(answer["state"], "st/ate=1");
    CAF_CHECK(!answer.contains("code"));
    return answer["error"];
  }

  void check_page_without_redirect(const fields& changes, const std::string& cause) {
    auto response = get("/authorize", wiki_request(changes));
    CAF_CHECK_EQUAL(status(response), 400u);
    CAF_CHECK_EQUAL(location(response), "");
    CAF_CHECK(response.body().find(cause) != std::string::npos);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(authorization_endpoint_tests, fixture)

CAF_TEST(a sign in ends with a code at the application) {
  auto shown = get("/authorize", wiki_request());
  CAF_CHECK_EQUAL(status(shown), 200u);
  auto response = sign_in(shown);
  auto answer = redirected(response);
  CAF_CHECK(!answer["code"].empty());
  CAF_CHECK_EQUAL(answer["state"], "st/ate=1");
  CAF_CHECK_EQUAL(answer["iss"], issuer);
  CAF_CHECK_EQUAL(answer.size(), 3u);
}

CAF_TEST(a request by POST is answered like one by GET) {
  auto shown = post("/authorize", wiki_request());
  CAF_CHECK_EQUAL(status(shown), 200u);
  CAF_CHECK(!redirected(sign_in(shown))["code"].empty());
}

CAF_TEST(a signed in user gets a code without a page) {
  fresh_code();
  auto answer = redirected(get("/authorize", wiki_request()));
  CAF_CHECK(!answer["code"].empty());
}

CAF_TEST(an unknown client is never redirected) {
  check_page_without_redirect({{"client_id", "nobody"}}, "unknown_client");
}

CAF_TEST(an unregistered redirect uri is never redirected to) {
  for (auto uri :
       {"https://evil.example/", "https://wiki.example/.postern/callback/",
        "https://wiki.example/.postern/callback?", "https://WIKI.example/.postern/callback",
        "https://wiki.example/.postern/callbac", "https://wiki.example/.postern/callback#x",
        "https://mail.example/back?x=1"})
    check_page_without_redirect({{"redirect_uri", uri}}, "unknown_redirect_uri");
  check_page_without_redirect({{"redirect_uri", ""}}, "unknown_redirect_uri");
}

CAF_TEST(an oversized state is refused on a page) {
  check_page_without_redirect({{"state", std::string(2'049, 'a')}}, "value_too_long");
}

CAF_TEST(what cannot be served is told to the application) {
  CAF_CHECK_EQUAL(redirected_error({{"response_type", "token"}}), "unsupported_response_type");
  CAF_CHECK_EQUAL(redirected_error({{"response_type", ""}}), "invalid_request");
  CAF_CHECK_EQUAL(redirected_error({{"scope", "profile"}}), "invalid_scope");
  CAF_CHECK_EQUAL(redirected_error({{"scope", ""}}), "invalid_scope");
  CAF_CHECK_EQUAL(redirected_error({{"response_mode", "fragment"}}), "invalid_request");
  CAF_CHECK_EQUAL(redirected_error({{"request", "e30.e30."}}), "request_not_supported");
  CAF_CHECK_EQUAL(redirected_error({{"request_uri", "https://evil.example/r"}}),
                  "request_uri_not_supported");
  CAF_CHECK_EQUAL(redirected_error({{"registration", "{}"}}), "registration_not_supported");
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "none login"}}), "invalid_request");
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "dance"}}), "invalid_request");
  CAF_CHECK_EQUAL(redirected_error({{"max_age", "-1"}}), "invalid_request");
  CAF_CHECK_EQUAL(redirected_error({{"max_age", "soon"}}), "invalid_request");
  CAF_CHECK_EQUAL(redirected_error({{"nonce", std::string(2'049, 'n')}}), "invalid_request");
}

CAF_TEST(a public client has to use S256) {
  CAF_CHECK_EQUAL(redirected_error({{"code_challenge", ""}, {"code_challenge_method", ""}}),
                  "invalid_request");
  CAF_CHECK_EQUAL(redirected_error({{"code_challenge_method", "plain"}}), "invalid_request");
  CAF_CHECK_EQUAL(redirected_error({{"code_challenge_method", ""}}), "invalid_request");
  CAF_CHECK_EQUAL(redirected_error({{"code_challenge", "short"}}), "invalid_request");
  CAF_CHECK_EQUAL(redirected_error({{"code_challenge", std::string(42, 'a') + "="}}),
                  "invalid_request");
}

CAF_TEST(a confidential client may do without PKCE and keeps the query of its redirect uri) {
  fields request{{"client_id", "mail"},
                 {"redirect_uri", "https://mail.example/back?x=1"},
                 {"response_type", "code"},
                 {"scope", "openid"}};
  auto response = sign_in(get("/authorize", request));
  CAF_CHECK(location(response).starts_with("https://mail.example/back?x=1&code="));
}

CAF_TEST(a repeated parameter is refused on a page) {
  auto response = get("/authorize?" + rt::make_form(wiki_request()) + "&client_id=mail");
  CAF_CHECK_EQUAL(status(response), 400u);
  CAF_CHECK_EQUAL(location(response), "");
}

CAF_TEST(a malformed query is refused on a page) {
  auto response = get("/authorize?client_id=%zz");
  CAF_CHECK_EQUAL(status(response), 400u);
}

CAF_TEST(prompt none without a session says login required) {
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "none"}}), "login_required");
  fresh_code();
  CAF_CHECK(!redirected(get("/authorize", wiki_request({{"prompt", "none"}})))["code"].empty());
}

CAF_TEST(prompt login asks again and then goes on) {
  fresh_code();
  for (auto prompt : {"login", "select_account", "login consent"}) {
    auto shown = get("/authorize", wiki_request({{"prompt", prompt}}));
    CAF_CHECK_EQUAL(status(shown), 200u);
    CAF_CHECK(!redirected(sign_in(shown))["code"].empty());
  }
  CAF_CHECK(!redirected(get("/authorize", wiki_request({{"prompt", "consent"}})))["code"].empty());
}

CAF_TEST(max age asks again once the sign in is that old) {
  fresh_code();
  clock.advance(seconds{99});
  CAF_CHECK(!redirected(get("/authorize", wiki_request({{"max_age", "100"}})))["code"].empty());
  clock.advance(seconds{1});
  CAF_CHECK_EQUAL(redirected_error({{"max_age", "100"}, {"prompt", "none"}}), "login_required");
  auto shown = get("/authorize", wiki_request({{"max_age", "100"}}));
  CAF_CHECK_EQUAL(status(shown), 200u);
  auto tokens = json_of(post("/token", code_form(redirected(sign_in(shown))["code"])));
  auto claims = verified(text(tokens, "id_token"));
  CAF_CHECK_EQUAL(claims.at("auth_time").as_int64(), 1'700'000'100);
}

CAF_TEST(max age zero asks within the same second) {
  fresh_code();
  CAF_CHECK_EQUAL(redirected_error({{"max_age", "0"}, {"prompt", "none"}}), "login_required");
}

CAF_TEST(a hint at another user asks for a sign in) {
  auto hint = text(fresh_tokens(), "id_token");
  CAF_CHECK(!redirected(get("/authorize",
                            wiki_request({{"prompt", "none"}, {"id_token_hint", hint}})))["code"]
                 .empty());
  cookies.clear();
  sign_in(get("/authorize", wiki_request()), "bob", "battery staple");
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "none"}, {"id_token_hint", hint}}),
                  "login_required");
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "none"}, {"id_token_hint", "forged"}}),
                  "login_required");
}

CAF_TEST(a hint without a session leads to its user or to an error) {
  const auto hint = text(fresh_tokens(), "id_token");
  cookies.clear();
  const auto shown = get("/authorize", wiki_request({{"id_token_hint", hint}}));
  CAF_CHECK_EQUAL(status(shown), 200u);
  // What waits is kept when the form is shown again.
  const auto again = sign_in(shown, "bob", "wrong");
  CAF_CHECK_EQUAL(status(again), 403u);
  auto refused = redirected(sign_in(again, "bob", "battery staple"));
  CAF_CHECK_EQUAL(refused["error"], "login_required");
  CAF_CHECK_EQUAL(refused["state"], "st/ate=1");
  CAF_CHECK(!refused.contains("code"));
  CAF_CHECK(!redirected(sign_in(shown))["code"].empty());
}

CAF_TEST(a hint still says who is meant when the user who is signed in has to sign in again) {
  const auto hint = text(fresh_tokens(), "id_token");
  const auto shown =
      get("/authorize", wiki_request({{"prompt", "login"}, {"id_token_hint", hint}}));
  auto refused = redirected(sign_in(shown, "bob", "battery staple"));
  CAF_CHECK_EQUAL(refused["error"], "login_required");
  CAF_CHECK(!refused.contains("code"));
}

CAF_TEST(a hint that cannot be read keeps nobody out) {
  const auto shown = get("/authorize", wiki_request({{"id_token_hint", "forged"}}));
  CAF_CHECK(!redirected(sign_in(shown, "bob", "battery staple"))["code"].empty());
}

CAF_TEST(nobody but us says which subject is expected) {
  const auto shown = get("/authorize", wiki_request({{"expected_subject", "somebody"}}));
  CAF_CHECK(!redirected(sign_in(shown))["code"].empty());
}

CAF_TEST(a session ends with its lifetime) {
  fresh_code();
  clock.advance(std::chrono::hours{8} - seconds{1});
  CAF_CHECK(!redirected(get("/authorize", wiki_request({{"prompt", "none"}})))["code"].empty());
  clock.advance(seconds{1});
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "none"}}), "login_required");
}

CAF_TEST(a session survives a restart and a rotated sealing key) {
  fresh_code();
  sealing.insert(sealing.begin(), rt::make_sealing_key(random));
  restart();
  CAF_CHECK(!redirected(get("/authorize", wiki_request({{"prompt", "none"}})))["code"].empty());
}

CAF_TEST(a session under an unknown key is none) {
  fresh_code();
  for (auto& [name, value] : cookies)
    if (name == "__Host-postern-sso") value[value.size() / 2] ^= 1;
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "none"}}), "login_required");
}

CAF_TEST(a session ends when its account is removed disabled or gets another password) {
  fresh_code();
  auto changed = people();
  changed[0].password_hash = hash_of("battery staple");
  sts->set_users(changed);
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "none"}}), "login_required");
  auto disabled = people();
  disabled[0].disabled = true;
  sts->set_users(disabled);
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "none"}}), "login_required");
  sts->set_users({});
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "none"}}), "login_required");
  sts->set_users(people());
  CAF_CHECK(!redirected(get("/authorize", wiki_request({{"prompt", "none"}})))["code"].empty());
}

CAF_TEST(a session ends when a new sign in is required of its user) {
  fresh_code();
  sts->require_new_sign_in("bob", clock.now());
  CAF_CHECK(!redirected(get("/authorize", wiki_request({{"prompt", "none"}})))["code"].empty());
  sts->require_new_sign_in("ada", clock.now());
  CAF_CHECK_EQUAL(redirected_error({{"prompt", "none"}}), "login_required");
  clock.advance(seconds{1});
  CAF_CHECK(!fresh_code().empty());
}

CAF_TEST(an application withdrawn while the form was open gets no code) {
  auto shown = get("/authorize", wiki_request());
  sts->set_clients({});
  auto response = sign_in(shown);
  CAF_CHECK_EQUAL(status(response), 400u);
  CAF_CHECK_EQUAL(location(response), "");
}

CAF_TEST_FIXTURE_SCOPE_END()
