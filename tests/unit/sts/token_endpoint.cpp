#define CAF_SUITE token_endpoint
#include "sts/token_endpoint.hpp"

#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;
using std::chrono::seconds;

namespace {

struct fixture : provider_fixture {
  std::string error_with(const fields& changes) {
    auto form = code_form(fresh_code());
    for (const auto& [name, value] : changes) {
      form.erase(name);
      if (!value.empty()) form[name] = value;
    }
    auto response = post("/token", form);
    CAF_CHECK(!json_of(response).contains("access_token"));
    return error(response);
  }

  std::string mail_code() {
    fields request{{"client_id", "mail"},
                   {"redirect_uri", "https://mail.example/back?x=1"},
                   {"response_type", "code"},
                   {"scope", "openid"}};
    auto response = get("/authorize", request);
    if (response.result() == rt::http_status::ok) response = sign_in(response);
    return redirected(response, "https://mail.example/back?x=1")["code"];
  }

  rt::http_response redeem_mail(fields extra, const std::string& authorization) {
    extra.insert({{"grant_type", "authorization_code"},
                  {"code", mail_code()},
                  {"redirect_uri", "https://mail.example/back?x=1"}});
    auto request = post_request("/token", extra);
    if (!authorization.empty()) request.set(rt::http_field::authorization, authorization);
    return send(request);
  }

  static std::string basic(const std::string& id, const std::string& secret) {
    return "Basic " + rt::to_base64(rt::percent_encode(id) + ":" + rt::percent_encode(secret));
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(token_endpoint_tests, fixture)

CAF_TEST(a code becomes an id token with the claims of the user) {
  auto code = fresh_code();
  clock.advance(seconds{10});
  auto response = post("/token", code_form(code));
  CAF_CHECK_EQUAL(status(response), 200u);
  CAF_CHECK_EQUAL(std::string{response[rt::http_field::cache_control]}, "no-store");
  CAF_CHECK_EQUAL(std::string{response[rt::http_field::pragma]}, "no-cache");
  CAF_CHECK_EQUAL(std::string{response[rt::http_field::content_type]}, "application/json");
  auto answer = json_of(response);
  CAF_CHECK_EQUAL(text(answer, "token_type"), "Bearer");
  CAF_CHECK_EQUAL(answer.at("expires_in").as_int64(), 3'600);

  auto id_token = text(answer, "id_token");
  auto header = rt::read_jws_header(id_token);
  CAF_REQUIRE(header.has_value());
  CAF_CHECK_EQUAL(header->algorithm, "ES256");
  CAF_CHECK_EQUAL(header->type, "JWT");
  auto claims = verified(id_token);
  CAF_REQUIRE(!claims.empty());
  CAF_CHECK_EQUAL(text(claims, "iss"), issuer);
  CAF_CHECK_EQUAL(text(claims, "aud"), "wiki");
  CAF_CHECK_EQUAL(text(claims, "azp"), "wiki");
  CAF_CHECK_EQUAL(text(claims, "nonce"), "n-1");
  CAF_CHECK_EQUAL(text(claims, "preferred_username"), "ada");
  CAF_CHECK_EQUAL(text(claims, "name"), "Ada Lovelace");
  CAF_CHECK_EQUAL(text(claims, "email"), "ada@example.com");
  CAF_CHECK(claims.at("groups") == (boost::json::value{"staff", "administrators"}));
  CAF_CHECK(claims.at("amr") == (boost::json::value(boost::json::array{"pwd"})));
  CAF_CHECK_EQUAL(claims.at("auth_time").as_int64(), 1'700'000'000);
  CAF_CHECK_EQUAL(claims.at("iat").as_int64(), 1'700'000'010);
  CAF_CHECK_EQUAL(claims.at("exp").as_int64(), 1'700'003'610);
  auto half = rt::sha256(text(answer, "access_token")).substr(0, 16);
  CAF_CHECK_EQUAL(text(claims, "at_hash"), rt::to_base64url(half));
  auto subject = rt::sha256(std::string{issuer} + "|ada").substr(0, 16);
  CAF_CHECK_EQUAL(text(claims, "sub"), rt::to_base64url(subject));
}

CAF_TEST(the access token of an application opens userinfo only) {
  auto token = text(fresh_tokens(), "access_token");
  CAF_CHECK_EQUAL(header_of(token).type, "at+jwt");
  auto claims = verified(token);
  CAF_CHECK_EQUAL(text(claims, "aud"), issuer);
  CAF_CHECK_EQUAL(text(claims, "client_id"), "wiki");
  CAF_CHECK_EQUAL(text(claims, "scope"), "openid");
  CAF_CHECK(!text(claims, "jti").empty());
}

CAF_TEST(claims that the account does not have are left out) {
  auto code =
      redirected(sign_in(get("/authorize", wiki_request()), "bob", "battery staple"))["code"];
  auto claims = verified(text(json_of(post("/token", code_form(code))), "id_token"));
  CAF_CHECK_EQUAL(text(claims, "preferred_username"), "bob");
  CAF_CHECK(!claims.contains("name"));
  CAF_CHECK(!claims.contains("email"));
  CAF_CHECK(claims.at("groups").as_array().empty());
}

CAF_TEST(a replayed code is refused and reported) {
  auto form = code_form(fresh_code());
  CAF_CHECK_EQUAL(status(post("/token", form)), 200u);
  auto again = post("/token", form);
  CAF_CHECK_EQUAL(status(again), 400u);
  CAF_CHECK_EQUAL(error(again), "invalid_grant");
  CAF_CHECK_EQUAL(events.back().what, "code_replayed");
}

CAF_TEST(a code lives for a minute) {
  auto code = fresh_code();
  clock.advance(seconds{59});
  CAF_CHECK_EQUAL(status(post("/token", code_form(code))), 200u);
  code = fresh_code();
  clock.advance(seconds{60});
  CAF_CHECK_EQUAL(error(post("/token", code_form(code))), "invalid_grant");
}

CAF_TEST(a code from before a restart is refused) {
  auto code = fresh_code();
  restart();
  CAF_CHECK_EQUAL(error(post("/token", code_form(code))), "invalid_grant");
}

CAF_TEST(a verifier that does not fit uses the code up) {
  auto code = fresh_code();
  auto form = code_form(code);
  form["code_verifier"] = std::string(43, 'x');
  CAF_CHECK_EQUAL(error(post("/token", form)), "invalid_grant");
  CAF_CHECK_EQUAL(error(post("/token", code_form(code))), "invalid_grant");
}

CAF_TEST(what does not fit the code is refused) {
  CAF_CHECK_EQUAL(error_with({{"code_verifier", ""}}), "invalid_grant");
  CAF_CHECK_EQUAL(error_with({{"code_verifier", "short"}}), "invalid_grant");
  CAF_CHECK_EQUAL(error_with({{"redirect_uri", "https://wiki.example/"}}), "invalid_grant");
  CAF_CHECK_EQUAL(error_with({{"redirect_uri", ""}}), "invalid_grant");
  CAF_CHECK_EQUAL(error_with({{"client_id", "tool"}}), "invalid_grant");
  CAF_CHECK_EQUAL(error_with({{"code", "nonsense"}}), "invalid_grant");
}

CAF_TEST(malformed requests are told apart) {
  CAF_CHECK_EQUAL(error_with({{"code", ""}}), "invalid_request");
  CAF_CHECK_EQUAL(error_with({{"grant_type", ""}}), "invalid_request");
  CAF_CHECK_EQUAL(error_with({{"grant_type", "password"}}), "unsupported_grant_type");
  CAF_CHECK_EQUAL(error_with({{"client_id", ""}}), "invalid_request");
  CAF_CHECK_EQUAL(error_with({{"client_id", "nobody"}}), "invalid_client");
  CAF_CHECK_EQUAL(error_with({{"client_secret", "guess"}}), "invalid_client");
}

CAF_TEST(a repeated parameter is refused) {
  auto request = post_request("/token", code_form(fresh_code()));
  request.body() += "&client_id=wiki";
  CAF_CHECK_EQUAL(error(send(request)), "invalid_request");
}

CAF_TEST(other content than a form is refused) {
  auto request = post_request("/token", code_form(fresh_code()));
  request.set(rt::http_field::content_type, "application/json");
  CAF_CHECK_EQUAL(error(send(request)), "invalid_request");
}

CAF_TEST(a confidential client authenticates by header or form) {
  CAF_CHECK_EQUAL(status(redeem_mail({}, basic("mail", "s3cret & more"))), 200u);
  CAF_CHECK_EQUAL(status(redeem_mail({{"client_id", "mail"}}, basic("mail", "s3cret & more"))),
                  200u);
  CAF_CHECK_EQUAL(
      status(redeem_mail({{"client_id", "mail"}, {"client_secret", "s3cret & more"}}, "")), 200u);
}

CAF_TEST(a confidential client without its secret is refused with a challenge) {
  auto response = redeem_mail({}, basic("mail", "wrong"));
  CAF_CHECK_EQUAL(status(response), 401u);
  CAF_CHECK_EQUAL(error(response), "invalid_client");
  CAF_CHECK(std::string{response[rt::http_field::www_authenticate]}.starts_with("Basic"));
  CAF_CHECK_EQUAL(error(redeem_mail({{"client_id", "mail"}}, "")), "invalid_client");
  CAF_CHECK_EQUAL(error(redeem_mail({}, "Bearer x")), "invalid_client");
  CAF_CHECK_EQUAL(error(redeem_mail({}, "Basic !!!")), "invalid_client");
  CAF_CHECK_EQUAL(error(redeem_mail({{"client_secret", "x"}}, basic("mail", "x"))),
                  "invalid_request");
  CAF_CHECK_EQUAL(error(redeem_mail({{"client_id", "wiki"}}, basic("mail", "s3cret & more"))),
                  "invalid_request");
}

CAF_TEST(wrong client secrets are slowed down per address) {
  for (int i = 0; i < 5; ++i)
    CAF_CHECK_EQUAL(error(redeem_mail({}, basic("mail", "wrong"))), "invalid_client");
  auto response = redeem_mail({}, basic("mail", "s3cret & more"));
  CAF_CHECK_EQUAL(error(response), "temporarily_unavailable");
  CAF_CHECK_EQUAL(status(response), 503u);
  address = "203.0.113.99";
  CAF_CHECK_EQUAL(status(redeem_mail({}, basic("mail", "s3cret & more"))), 200u);
}

CAF_TEST(a verifier for a code without a challenge is refused) {
  CAF_CHECK_EQUAL(error(redeem_mail({{"code_verifier", verifier}}, basic("mail", "s3cret & more"))),
                  "invalid_grant");
}

CAF_TEST(an account that was disabled meanwhile gets no token) {
  auto code = fresh_code();
  sts->set_users({});
  CAF_CHECK_EQUAL(error(post("/token", code_form(code))), "invalid_grant");
  sts->set_users(people());
  code = fresh_code();
  sts->require_new_sign_in("ada", clock.now());
  CAF_CHECK_EQUAL(error(post("/token", code_form(code))), "invalid_grant");
}

CAF_TEST(unknown scopes are left out) {
  auto code = redirected(
      sign_in(get("/authorize", wiki_request({{"scope", "openid pancakes email"}}))))["code"];
  CAF_CHECK_EQUAL(text(json_of(post("/token", code_form(code))), "scope"), "openid email");
}

CAF_TEST(a verifier is checked for form and value) {
  CAF_CHECK(verifies_challenge(verifier, challenge));
  CAF_CHECK(!verifies_challenge(verifier, std::string{challenge}.substr(1)));
  CAF_CHECK(!verifies_challenge("", challenge));
  std::string blanks(43, ' ');
  CAF_CHECK(!verifies_challenge(blanks, rt::to_base64url(rt::sha256(blanks))));
  std::string long_one(129, 'a');
  CAF_CHECK(!verifies_challenge(long_one, rt::to_base64url(rt::sha256(long_one))));
}

CAF_TEST_FIXTURE_SCOPE_END()
