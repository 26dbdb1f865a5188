#define CAF_SUITE sign_in_refusals
// Every way in which the second half of a sign-in is refused, and what is left of the attempt. What
// is wrong with a token is said by the real verifier.
#include "edge/sign_in.hpp"
#include "edge/sign_in_attempt.hpp"
#include "tests/unit/edge/sign_in_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using edge::samples::contains;
using runtime::http_status;

namespace {

struct fixture : edge::testing::sign_in_fixture {
  size_t sign_ins() { return audited("sign_in_succeeded").times + audited("sign_in_failed").times; }

  /// What comes of a token in which one claim is different.
  std::string refusal_with(const char* claim, boost::json::value value) {
    begin();
    claims[claim] = std::move(value);
    return refusal(come_back_with_token());
  }
  /// What comes of an answer that carries these parameters; nobody redeems a code then.
  std::string refusal_to(parameters with) {
    begin();
    const auto response = come_back(std::move(with));
    CAF_CHECK(issuer.codes.empty());
    CAF_CHECK(forgets_attempt(response));
    return refusal(response);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(sign_in_refusals_tests, fixture)

CAF_TEST(an answer to no attempt is refused without a word to the issuer) {
  begin();
  const auto asked = issuer.asked;
  const std::string unknown = "400 attempt_unknown of sign_in";
  CAF_CHECK_EQUAL(refusal(come_back({{"code", "c-1"}, {"state", ""}})), unknown);
  CAF_CHECK_EQUAL(refusal(come_back({{"code", "c-1"}, {"state", std::string(22, 'A')}})), unknown);
  const auto twice = request("/.postern/callback?code=c-1&code=c-2&state=" + sent["state"]);
  CAF_CHECK_EQUAL(refusal(serve(twice)), "400 attempt_malformed of sign_in");
  clock.advance(attempt_lifetime);
  CAF_CHECK_EQUAL(refusal(come_back()), "400 attempt_expired of sign_in");
  cookies.clear();  // another browser
  CAF_CHECK_EQUAL(refusal(come_back()), unknown);
  CAF_CHECK_EQUAL(issuer.asked, asked);
  CAF_CHECK_EQUAL(sign_ins(), 0u);
}

CAF_TEST(an attempt for another application is refused) {
  begin();
  wiki.name = "second";
  CAF_CHECK_EQUAL(refusal(come_back()), "400 attempt_unknown of sign_in");
}

CAF_TEST(the answer of another issuer is refused whatever it says) {
  const std::string mismatch = "400 issuer_mismatch of sts";
  const std::string other = "https://other.example";
  CAF_CHECK_EQUAL(refusal_to({{"code", "c-1"}, {"iss", other}}), mismatch);
  CAF_CHECK_EQUAL(refusal_to({{"error", "access_denied"}, {"iss", other}}), mismatch);
  CAF_CHECK_EQUAL(refusal_to({{"code", "c-1"}, {"iss", issuer.url + "/"}}), mismatch);
}

CAF_TEST(an issuer that names itself has to do so in each answer) {
  issuer.metadata["authorization_response_iss_parameter_supported"] = true;
  CAF_CHECK_EQUAL(refusal_to({{"code", "c-1"}}), "400 issuer_mismatch of sts");
  begin();
  issuer.token_answer = {{"id_token", key.sign(claims, "JWT").value()}};
  CAF_CHECK_EQUAL(come_back({{"code", "c-1"}, {"iss", issuer.url}}).result_int(), 303u);
}

CAF_TEST(what the issuer refuses or fails in is said as its own) {
  CAF_CHECK_EQUAL(refusal_to({{"error", "access_denied"}}), "403 sts_denied of sts");
  CAF_CHECK_EQUAL(refusal_to({{"error", "server_error"}}), "502 sts_failed of sts");
  CAF_CHECK_EQUAL(refusal_to({{"error", "access_denied"}, {"code", "c-1"}}),
                  "403 sts_denied of sts");
  CAF_CHECK_EQUAL(refusal_to({}), "400 attempt_malformed of sign_in");
}

CAF_TEST(a code that is not redeemed brings no session) {
  begin();
  issuer.token_answer = {{"access_token", "without an ID token"}};
  CAF_CHECK_EQUAL(refusal(come_back()), "502 sts_malformed of sts");
  issuer.token_status = http_status::bad_request;
  issuer.token_answer = {{"error", "invalid_grant"}};
  CAF_CHECK_EQUAL(refusal(come_back()), "403 code_refused of sts");
  issuer.token_answer = {{"error", "invalid_client"}};
  CAF_CHECK_EQUAL(refusal(come_back()), "502 sts_client_refused of sts");
  CAF_CHECK_EQUAL(sign_ins(), 0u);  // of nobody in particular
}

CAF_TEST(each check of the token has its own refusal) {
  CAF_CHECK_EQUAL(refusal_with("nonce", "of another attempt"), "401 token_nonce of token");
  CAF_CHECK_EQUAL(refusal_with("aud", "mail"), "401 token_audience of token");
  CAF_CHECK_EQUAL(refusal_with("iss", "https://sts.example"), "401 token_issuer of token");
  CAF_CHECK_EQUAL(refusal_with("exp", now() - 60), "401 token_expired of token");
  CAF_CHECK_EQUAL(refusal_with("iat", now() + 61), "401 token_not_yet_valid of token");
  CAF_CHECK_EQUAL(refusal_with("sub", ""), "401 token_malformed of token");
  key = runtime::signing_key::generate().value();
  CAF_CHECK_EQUAL(refusal_with("sub", "0042"), "401 token_unknown_key of token");
  CAF_CHECK_EQUAL(sign_ins(), 0u);
}

CAF_TEST(an attempt is good for one session) {
  CAF_CHECK_EQUAL(sign_bob_in().result_int(), 303u);
  CAF_CHECK_EQUAL(refusal(come_back()), "401 token_replayed of token");
}

CAF_TEST(a session that would be over at once is not begun) {
  CAF_CHECK_EQUAL(refusal_with("exp", now()), "401 token_expired of token");
}

CAF_TEST(who is not let in by the application stands in the audit log by name) {
  CAF_CHECK_EQUAL(refusal_with("groups", boost::json::array{"guests"}),
                  "403 not_assigned of assignment");
  auto failed = audited("sign_in_failed");
  CAF_CHECK_EQUAL(failed.times, 1u);
  CAF_CHECK_EQUAL(failed.last.actor, "bob");
  CAF_CHECK_EQUAL(failed.last.outcome, "not_assigned");
  wiki.maintenance = true;
  CAF_CHECK_EQUAL(refusal(sign_bob_in()), "503 maintenance of application");
  failed = audited("sign_in_failed");
  CAF_CHECK_EQUAL(failed.last.outcome, "maintenance");
  wiki.maintenance = false;
  sign_bob_in();
  const auto done = audited("sign_in_succeeded");
  CAF_CHECK_EQUAL(done.times, 1u);
  CAF_CHECK_EQUAL(done.last.target, "wiki");
  CAF_CHECK_EQUAL(done.last.address, "192.0.2.1");
  CAF_CHECK_EQUAL(done.last.request_id, "r-2");
}

CAF_TEST(who is signed in but not assigned may sign in as somebody else) {
  begin();
  claims["preferred_username"] = "eve";
  claims["groups"] = boost::json::array{};
  issuer.token_answer = {{"id_token", key.sign(claims, "JWT").value()}};
  auto asked = request("/.postern/callback?code=c-1&state=" + sent["state"]);
  asked.message.set("Sec-Fetch-Mode", "navigate");
  const auto response = serve(asked);
  CAF_CHECK_EQUAL(response.result_int(), 403u);
  CAF_CHECK(contains(response.body(), "href=\"https://wiki.example:8443/.postern/logout\""));
  CAF_CHECK(!session_of(response));
}

CAF_TEST_FIXTURE_SCOPE_END()
