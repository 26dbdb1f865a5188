#define CAF_SUITE authorization_request
#include "sts/authorization_request.hpp"

#include "sts/limits.hpp"
#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;

namespace {

struct fixture {
  client_directory clients;
  client wiki = applications()[0];
  client mail = applications()[1];

  fixture() { clients.replace(applications()); }

  static fields request(const fields& changes = {}) {
    return provider_fixture::wiki_request(changes);
  }

  return_address address_of(const fields& parameters) {
    auto found = find_return_address(parameters, clients);
    CAF_REQUIRE(found.has_value());
    return *found;
  }

  std::string address_error(const fields& changes) {
    auto found = find_return_address(request(changes), clients);
    return found ? "none" : found.error().code;
  }

  static std::string error_of(const fields& parameters, const client& from) {
    auto read = read_authorization_request(parameters, from);
    return read ? "none" : read.error().code;
  }

  std::string error(const fields& changes) { return error_of(request(changes), wiki); }

  authorization_request read(const fields& changes) {
    auto got = read_authorization_request(request(changes), wiki);
    CAF_REQUIRE(got.has_value());
    return *got;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(authorization_request_tests, fixture)

CAF_TEST(an answer goes to the very address that is registered) {
  const auto address = address_of(request());
  CAF_CHECK_EQUAL(address.to->id, "wiki");
  CAF_CHECK_EQUAL(address.redirect_uri, callback);
  CAF_CHECK_EQUAL(address.state, "st/ate=1");
  CAF_CHECK_EQUAL(address_error({{"client_id", ""}}), "unknown_client");
  CAF_CHECK_EQUAL(address_error({{"client_id", "Wiki"}}), "unknown_client");
  CAF_CHECK_EQUAL(address_error({{"client_id", "mail"}}), "unknown_redirect_uri");
  CAF_CHECK_EQUAL(address_error({{"redirect_uri", std::string{callback} + "?"}}),
                  "unknown_redirect_uri");
}

CAF_TEST(a client without any address gets no answer) {
  CAF_CHECK_EQUAL(address_error({{"client_id", "tool"}, {"redirect_uri", ""}}),
                  "unknown_redirect_uri");
}

CAF_TEST(what is echoed is bounded to the byte) {
  const std::string most(limits::echoed_value, 'a');
  CAF_CHECK_EQUAL(address_error({{"state", most}}), "none");
  CAF_CHECK_EQUAL(address_error({{"state", most + "a"}}), "value_too_long");
  CAF_CHECK_EQUAL(error({{"nonce", most}}), "none");
  CAF_CHECK_EQUAL(error({{"nonce", most + "a"}}), "invalid_request");
}

CAF_TEST(a plain request asks for nothing special) {
  const auto got = read({});
  CAF_CHECK_EQUAL(got.scope, "openid");
  CAF_CHECK_EQUAL(got.nonce, "n-1");
  CAF_CHECK_EQUAL(got.code_challenge, challenge);
  CAF_CHECK(!got.prompt_none);
  CAF_CHECK(!got.prompt_login);
  CAF_CHECK(!got.max_age);
  CAF_CHECK_EQUAL(got.login_hint + got.id_token_hint, "");
}

CAF_TEST(openid has to be among the scopes as a word) {
  CAF_CHECK_EQUAL(read({{"scope", "groups openid openid pancakes"}}).scope, "openid groups");
  for (auto scope : {"openid2", "OpenID", "xopenid", "openid,email"})
    CAF_CHECK_EQUAL(error({{"scope", scope}}), "invalid_scope");
}

CAF_TEST(prompts are told apart) {
  CAF_CHECK(read({{"prompt", "none"}}).prompt_none);
  for (auto prompt : {"login", "select_account", "consent login", "consent select_account"}) {
    const auto got = read({{"prompt", prompt}});
    CAF_CHECK(got.prompt_login);
    CAF_CHECK(!got.prompt_none);
  }
  CAF_CHECK(!read({{"prompt", "consent"}}).prompt_login);
  for (auto prompt : {"none consent", "login none", "Login", "no"})
    CAF_CHECK_EQUAL(error({{"prompt", prompt}}), "invalid_request");
}

CAF_TEST(an age is a whole number of seconds) {
  CAF_CHECK(read({{"max_age", "0"}}).max_age == 0);
  CAF_CHECK(read({{"max_age", "3600"}}).max_age == 3'600);
  for (auto age : {"-1", "1.5", "1h", "9223372036854775808"})
    CAF_CHECK_EQUAL(error({{"max_age", age}}), "invalid_request");
}

CAF_TEST(a secret spares a client the challenge but no wrong one) {
  fields parameters = request({{"code_challenge", ""}, {"code_challenge_method", ""}});
  CAF_CHECK_EQUAL(error_of(parameters, wiki), "invalid_request");
  CAF_CHECK_EQUAL(error_of(parameters, mail), "none");
  parameters["code_challenge_method"] = "S256";
  CAF_CHECK_EQUAL(error_of(parameters, mail), "invalid_request");
  parameters["code_challenge"] = challenge;
  CAF_CHECK_EQUAL(error_of(parameters, mail), "none");
  parameters["code_challenge_method"] = "plain";
  CAF_CHECK_EQUAL(error_of(parameters, mail), "invalid_request");
}

CAF_TEST(a challenge has the form of a hash) {
  CAF_CHECK_EQUAL(error({{"code_challenge", std::string(43, '-')}}), "none");
  for (auto bad : {'=', '+', '/', '.', ' '}) {
    auto text = std::string(42, 'a') + bad;
    CAF_CHECK_EQUAL(error({{"code_challenge", text}}), "invalid_request");
  }
  CAF_CHECK_EQUAL(error({{"code_challenge", std::string(44, 'a')}}), "invalid_request");
}

CAF_TEST(a description can stand in any answer) {
  const std::vector<fields> wrong{
      {{"response_type", ""}},         {{"response_type", "token"}},
      {{"response_mode", "fragment"}}, {{"scope", "profile"}},
      {{"prompt", "none login"}},      {{"prompt", "dance"}},
      {{"max_age", "soon"}},           {{"code_challenge", ""}},
      {{"code_challenge", "\"x\\"}},   {{"code_challenge_method", "\"plain\\"}}};
  for (const auto& changes : wrong) {
    auto got = read_authorization_request(request(changes), wiki);
    CAF_REQUIRE(!got);
    // RFC 6749, 4.1.2.1
    for (const char c : got.error().description)
      CAF_CHECK(c >= ' ' && c <= '~' && c != '"' && c != '\\');
  }
}

CAF_TEST(what waits for the sign in says the same again and no more) {
  const auto parameters = request({{"scope", "email openid pancakes"},
                                   {"prompt", "login"},
                                   {"max_age", "0"},
                                   {"login_hint", "ada"},
                                   {"id_token_hint", std::string(10'000, 'x')},
                                   {"ui_locales", "de"}});
  const auto address = address_of(parameters);
  const auto asked = read_authorization_request(parameters, wiki);
  CAF_REQUIRE(asked.has_value());
  const auto kept = to_parameters(address, *asked);
  CAF_CHECK(kept == request({{"scope", "openid email"}}));
  const auto again = read_authorization_request(kept, wiki);
  CAF_REQUIRE(again.has_value());
  CAF_CHECK(to_parameters(address_of(kept), *again) == kept);
}

CAF_TEST(who is expected is kept but the hint is not) {
  const auto parameters = request({{"id_token_hint", std::string(10'000, 'x')}});
  auto asked = read_authorization_request(parameters, wiki);
  CAF_REQUIRE(asked.has_value());
  asked->expected_subject = "subject";
  CAF_CHECK(to_parameters(address_of(parameters), *asked) ==
            request({{"expected_subject", "subject"}}));
}

CAF_TEST(what a request says of the expected subject is not believed) {
  CAF_CHECK_EQUAL(read({{"expected_subject", "subject"}}).expected_subject, "");
}

CAF_TEST(what was not sent does not appear in what waits) {
  const fields parameters{{"client_id", "mail"},
                          {"redirect_uri", "https://mail.example/back?x=1"},
                          {"response_type", "code"},
                          {"scope", "openid"}};
  const auto asked = read_authorization_request(parameters, mail);
  CAF_REQUIRE(asked.has_value());
  CAF_CHECK(to_parameters(address_of(parameters), *asked) == parameters);
}

CAF_TEST(a redirect says who answers and gives the state back) {
  auto address = address_of(request());
  CAF_CHECK_EQUAL(
      provider_fixture::location(answer_by_redirect(address, {{"code", "c"}}, issuer)),
      std::string{callback} + "?code=c&iss=https%3A%2F%2Fsts.example%3A8443&state=st%2Fate%3D1");
  address.state.clear();
  CAF_CHECK(provider_fixture::redirected(answer_by_redirect(address, {{"code", "c"}}, issuer)) ==
            (fields{{"code", "c"}, {"iss", issuer}}));
}

CAF_TEST(an error by redirect is described only if there is more to say) {
  const auto address = address_of(request({{"state", ""}}));
  CAF_CHECK(
      provider_fixture::redirected(
          error_by_redirect(address, {"login_required", "sign in"}, issuer)) ==
      (fields{{"error", "login_required"}, {"error_description", "sign in"}, {"iss", issuer}}));
  CAF_CHECK(provider_fixture::redirected(
                error_by_redirect(address, {"request_not_supported", ""}, issuer)) ==
            (fields{{"error", "request_not_supported"}, {"iss", issuer}}));
}

CAF_TEST_FIXTURE_SCOPE_END()
