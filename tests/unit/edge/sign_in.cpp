#define CAF_SUITE sign_in
// Both halves of a sign-in at an issuer of scripted answers, and the way out. How a second half is
// refused is shown in sign_in_refusals.cpp.
#include "edge/sign_in.hpp"

#include "edge/sign_in_attempt.hpp"
#include "tests/unit/edge/sign_in_fixture.hpp"
#include "tests/unit/runtime/temp_directory.hpp"
#include "tests/unit/sts/fixture.hpp"

using namespace postern;
using namespace postern::edge;
using edge::samples::contains;
using runtime::http_field;
using runtime::http_response;
using runtime::http_verb;

namespace {

struct fixture : edge::testing::sign_in_fixture {
  /// What comes of a client's secret in a file of that content.
  std::string refusal_with_secret(const std::string& content) {
    wiki.client_secret_file = folder.write("secret", content);
    const auto response = sign_bob_in();
    CAF_CHECK(!contains(response.body(), wiki.client_secret_file));
    return refusal(response);
  }
  /// Bob's session, whose cookie the browser has besides that of the attempt.
  actors::access_session sign_in_and_stay() {
    const auto response = sign_bob_in();
    const auto session = session_of(response);
    CAF_REQUIRE(session.has_value());
    cookies += "; " + samples::cookie_pair(set_cookies(response).at(0));
    return *session;
  }
  http_response log_out(http_verb method = http_verb::get) {
    return serve(request(path + "logout", method));
  }
  bool forgets_session(const http_response& response) const {
    return set_cookies(response).at(0) == clear_session_cookie(wiki);
  }
  std::string wake(const actors::access_session& session) {
    return ask<actors::user_session_actor>(sessions, actors::wake_atom_v, session)->cause();
  }

  test::temp_directory folder;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(sign_in_tests, fixture)

// -- first half

CAF_TEST(a browser is sent to the issuer with what the attempt needs) {
  const auto response = start();
  CAF_CHECK_EQUAL(response.result_int(), 302u);
  CAF_CHECK(location(response).starts_with(issuer.url + "/authorize?"));
  auto asked = parameters_of(response);
  CAF_CHECK_EQUAL(asked["client_id"], "wiki");
  CAF_CHECK_EQUAL(asked["redirect_uri"], "https://wiki.example:8443/.postern/callback");
  CAF_CHECK_EQUAL(set_cookies(response).size(), 1u);
  CAF_CHECK(contains(set_cookies(response)[0], asked["state"].substr(0, 8) + "="));
}

CAF_TEST(an issuer that cannot be used begins no attempt) {
  issuer.knows_itself = false;
  const auto response = start();
  CAF_CHECK_EQUAL(response.result_int(), 502u);
  CAF_CHECK(contains(response.body(), "sts_malformed"));
  CAF_CHECK(contains(response.body(), "href=\"https://wiki.example:8443/\""));
  CAF_CHECK(set_cookies(response).empty());
}

CAF_TEST(while nobody is trusted as an issuer none is asked in the clear) {
  context.issuer_tls = nullptr;
  const auto response = start();
  CAF_CHECK(contains(response.body(), "sts_unreachable"));
  CAF_CHECK_EQUAL(issuer.asked, 0u);
}

CAF_TEST(an attempt of no use makes room for the new one) {
  begin();
  const auto old = cookies;
  clock.advance(attempt_lifetime);
  const auto response = start("/", old);
  CAF_CHECK(forgets_attempt(response));
  CAF_CHECK_EQUAL(set_cookies(response).size(), 2u);
}

// -- second half

CAF_TEST(who signs in gets a session and the page first asked for) {
  const auto response = sign_bob_in();
  CAF_CHECK_EQUAL(response.result_int(), 303u);
  CAF_CHECK_EQUAL(location(response), "https://wiki.example:8443/page?x=1");
  const auto session = session_of(response);
  CAF_REQUIRE(session.has_value());
  CAF_CHECK_EQUAL(session->user.name, "bob");
  CAF_CHECK_EQUAL(session->user.issuer, issuer.url);
  CAF_CHECK_EQUAL(session->application, "wiki");
  CAF_CHECK_EQUAL(session->authenticated_at, now() - 5);
  CAF_CHECK(forgets_attempt(response));
  CAF_CHECK_EQUAL(wake(*session), "answered");
}

CAF_TEST(a code is redeemed with the proof that only this attempt has) {
  sign_bob_in();
  CAF_REQUIRE_EQUAL(issuer.codes.size(), 1u);
  const auto form = *runtime::parse_form(issuer.codes[0].body());
  CAF_CHECK_EQUAL(form.at("code"), "c-1");
  CAF_CHECK_EQUAL(form.at("client_id"), "wiki");
  CAF_CHECK_EQUAL(form.at("redirect_uri"), sent["redirect_uri"]);
  CAF_CHECK_EQUAL(runtime::to_base64url(runtime::sha256(form.at("code_verifier"))),
                  sent["code_challenge"]);
}

CAF_TEST(a session ends with its token and never later than the service says) {
  const auto end_of = [&](int64_t token) {
    begin();
    claims["exp"] = now() + token;
    const auto session = session_of(come_back_with_token());
    return session ? session->expires_at - now() : 0;
  };
  CAF_CHECK_EQUAL(end_of(60), 60);
  CAF_CHECK_EQUAL(end_of(100'000), 8 * 3'600);
}

CAF_TEST(a target that the application has left leads to its start) {
  wiki = samples::reports;
  wiki.issuer = issuer.url;
  begin("/deep/reports/page");
  claims["aud"] = "reports";
  wiki.external_url = "https://intranet.example/moved/";
  path = "/moved/.postern/";
  CAF_CHECK_EQUAL(location(come_back_with_token()), "https://intranet.example/moved/");
}

// -- the client's secret

CAF_TEST(a file that holds no secret is not sent to the issuer) {
  const std::string refused = "500 client_secret_unreadable of service";
  for (const std::string& content :
       {std::string{}, std::string{"\n"}, std::string{"two\nlines"}, std::string{"tab\t"},
        std::string{"nul\0", 4}, std::string{"\xc3\xbc"}, std::string(4'097, 'x')})
    CAF_CHECK_EQUAL(refusal_with_secret(content), refused);
  wiki.client_secret_file = folder / "none";
  CAF_CHECK_EQUAL(refusal(sign_bob_in()), refused);
  CAF_CHECK(issuer.codes.empty());
}

CAF_TEST(a secret is the line that an editor has written) {
  CAF_CHECK_EQUAL(refusal_with_secret("s 3\r\n"), "no refusal");
  CAF_CHECK_EQUAL(refusal_with_secret(std::string(4'096, 'x') + "\n"), "no refusal");
  const auto proof = issuer.codes.at(0)[http_field::authorization];
  CAF_CHECK_EQUAL(std::string{proof}, "Basic " + runtime::to_base64("wiki:s%203"));
}

CAF_TEST(the built in issuer is told no secret) {
  sts::testing::provider_fixture built_in;
  context.sts = built_in.sts.get();
  urls.issuer = issuer.url;
  wiki.client_secret_file = folder / "none";
  CAF_CHECK_EQUAL(sign_bob_in().result_int(), 303u);
  const auto authorization = issuer.codes.at(0).count(http_field::authorization);
  CAF_CHECK_EQUAL(authorization, 0u);
}

// -- out again, and what else is asked

CAF_TEST(signing out ends the session here and at the issuer) {
  const auto session = sign_in_and_stay();
  const auto response = log_out(http_verb::post);
  CAF_CHECK_EQUAL(wake(session), "session_revoked");
  CAF_CHECK_EQUAL(response.result_int(), 303u);
  CAF_CHECK(location(response).starts_with(issuer.url + "/end?"));
  auto with = parameters_of(response);
  CAF_CHECK_EQUAL(with["client_id"], "wiki");
  CAF_CHECK_EQUAL(with["post_logout_redirect_uri"], wiki.external_url);
  CAF_CHECK(forgets_session(response));
  CAF_CHECK(forgets_attempt(response));
}

CAF_TEST(signing out tells so where the issuer has no page for it) {
  issuer.metadata.erase("end_session_endpoint");
  const auto session = sign_in_and_stay();
  const auto response = log_out();
  CAF_CHECK_EQUAL(response.result_int(), 200u);
  CAF_CHECK_EQUAL(field(response, "Cache-Control"), "no-store");
  CAF_CHECK_EQUAL(wake(session), "session_revoked");
  CAF_CHECK(forgets_session(response));
}

CAF_TEST(signing out works without the issuer and without a store) {
  const auto session = sign_in_and_stay();
  issuer.knows_itself = false;
  medium->read_only = true;
  wiki.issuer += "/";  // of which nothing is known yet
  const auto response = log_out();
  CAF_CHECK_EQUAL(response.result_int(), 200u);
  CAF_CHECK(forgets_session(response));
  CAF_CHECK_EQUAL(wake(session), "session_revoked");
}

CAF_TEST(signing out of one application leaves the session of another) {
  const auto session = sign_in_and_stay();
  wiki.name = "second";  // with a cookie of the same name
  const auto response = log_out();
  CAF_CHECK_EQUAL(wake(session), "answered");
  CAF_CHECK(forgets_session(response));
}

CAF_TEST(methods that a page does not have change nothing) {
  const auto session = sign_in_and_stay();
  const auto response = log_out(http_verb::put);
  CAF_CHECK_EQUAL(refusal(response), "405 method_not_allowed of sign_in");
  CAF_CHECK_EQUAL(field(response, "Allow"), "GET, POST");
  CAF_CHECK_EQUAL(wake(session), "answered");
  const auto asked = issuer.asked;
  for (const auto method : {http_verb::post, http_verb::head}) {
    const auto refused = serve(request("/.postern/callback?state=" + sent["state"], method));
    CAF_CHECK_EQUAL(refusal(refused), "405 method_not_allowed of sign_in");
    CAF_CHECK_EQUAL(field(refused, "Allow"), "GET");
  }
  CAF_CHECK_EQUAL(issuer.asked, asked);
}

CAF_TEST(nothing else is there) {
  CAF_CHECK_EQUAL(refusal(serve(request("/.postern/login"))), "404 page_unknown of sign_in");
}

CAF_TEST(who cannot be sent to the issuer is challenged and shown the way back) {
  const runtime::error why{
      runtime::error_category::unauthenticated, "session_expired", "session", {}};
  const auto page = sign_in_needed(wiki, why, "r-1", refusal_form::page);
  CAF_CHECK_EQUAL(page.result_int(), 401u);
  CAF_CHECK(page.count(http_field::www_authenticate) == 1);
  CAF_CHECK(contains(page.body(), "href=\"https://wiki.example:8443/\""));
  const auto problem = sign_in_needed(wiki, why, "r-1", refusal_form::problem);
  CAF_CHECK_EQUAL(refusal(problem), "401 session_expired of session");
}

CAF_TEST_FIXTURE_SCOPE_END()
