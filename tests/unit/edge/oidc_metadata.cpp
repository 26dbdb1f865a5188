#define CAF_SUITE oidc_metadata
#include "edge/oidc_metadata.hpp"

#include "runtime/encoding.hpp"
#include "tests/unit/edge/samples.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <caf/test/unit_test.hpp>

using namespace postern;
using namespace postern::edge;
using postern::edge::samples::contains;

namespace {

namespace json = boost::json;
const std::string issuer = "https://sts.example";

json::object document() {
  return {{"issuer", issuer},
          {"authorization_endpoint", issuer + "/authorize"},
          {"token_endpoint", issuer + "/token"},
          {"jwks_uri", issuer + "/jwks"}};
}

std::string cause(const json::object& d, const std::string& wanted = issuer) {
  const auto read = read_metadata(json::serialize(d), wanted);
  return read ? "none" : read.error().cause;
}

json::object with(const char* name, json::value value) {
  auto d = document();
  d[name] = std::move(value);
  return d;
}

}  // namespace

CAF_TEST(the discovery url follows the issuer with or without a slash) {
  const auto* path = "https://a.example/t/.well-known/openid-configuration";
  CAF_CHECK_EQUAL(discovery_url("https://a.example/t"), path);
  CAF_CHECK_EQUAL(discovery_url("https://a.example/t/"), path);
}

CAF_TEST(the least document is enough) {
  const auto m = read_metadata(json::serialize(document()), issuer);
  CAF_REQUIRE(m.has_value());
  CAF_CHECK_EQUAL(m->token_endpoint, "https://sts.example/token");
  CAF_CHECK_EQUAL(m->end_session_endpoint, "");
  CAF_CHECK_EQUAL(m->scope, "openid profile email");
  CAF_CHECK(m->takes_basic);
  CAF_CHECK(!m->names_itself);
}

CAF_TEST(a document of another issuer is refused) {
  CAF_CHECK_EQUAL(cause(document(), issuer + "/"), "sts_malformed");
  CAF_CHECK_EQUAL(cause(with("issuer", "https://STS.example")), "sts_malformed");
  CAF_CHECK_EQUAL(cause(with("issuer", 5)), "sts_malformed");
}

CAF_TEST(endpoints have to be there and to be https) {
  for (const auto* name : {"authorization_endpoint", "token_endpoint", "jwks_uri"})
    for (const auto& value : {json::value(nullptr), json::value(""), json::value("/relative"),
                              json::value("http://sts.example/x"), json::value("javascript:x"),
                              json::value("https://sts.example/x#f")})
      CAF_CHECK_EQUAL(cause(with(name, value)), "sts_malformed");
}

CAF_TEST(an issuer on loopback may do without tls) {
  const std::string local = "http://localhost:9000";
  json::object d{{"issuer", local},
                 {"authorization_endpoint", local + "/a"},
                 {"token_endpoint", local + "/t"},
                 {"jwks_uri", local + "/j"}};
  CAF_CHECK_EQUAL(cause(d, local), "none");
}

CAF_TEST(what is no json object is refused) {
  for (const auto* text : {"", "[]", "{", "null", "<html>"})
    CAF_CHECK(read_metadata(text, issuer).has_error());
}

CAF_TEST(scopes that the issuer lists are asked for) {
  const auto m = read_metadata(
      json::serialize(with("scopes_supported", {"openid", "groups", "email", "other"})), issuer);
  CAF_CHECK_EQUAL(m->scope, "openid email groups");
}

CAF_TEST(a secret goes into the form only where basic is not taken) {
  const auto only_post = with("token_endpoint_auth_methods_supported", {"client_secret_post"});
  CAF_CHECK(!read_metadata(json::serialize(only_post), issuer)->takes_basic);
  const auto both = with("token_endpoint_auth_methods_supported", {"none", "client_secret_basic"});
  CAF_CHECK(read_metadata(json::serialize(both), issuer)->takes_basic);
}

CAF_TEST(the authorization url holds the hash of the verifier and not the verifier) {
  auto m = *read_metadata(json::serialize(document()), issuer);
  const authorization_request request{"wiki", "https://wiki.example/.postern/callback", "the-state",
                                      "the-nonce", "the-verifier"};
  const auto url = authorization_url(m, request);
  CAF_CHECK(url.starts_with("https://sts.example/authorize?"));
  const auto sent = *runtime::parse_form(url.substr(url.find('?') + 1));
  CAF_CHECK_EQUAL(sent.at("response_type"), "code");
  CAF_CHECK_EQUAL(sent.at("client_id"), "wiki");
  CAF_CHECK_EQUAL(sent.at("redirect_uri"), request.redirect_uri);
  CAF_CHECK_EQUAL(sent.at("state"), "the-state");
  CAF_CHECK_EQUAL(sent.at("nonce"), "the-nonce");
  CAF_CHECK_EQUAL(sent.at("scope"), "openid profile email");
  CAF_CHECK_EQUAL(sent.at("code_challenge_method"), "S256");
  CAF_CHECK_EQUAL(sent.at("code_challenge"),
                  runtime::to_base64url(runtime::sha256("the-verifier")));
  CAF_CHECK(!contains(url, "the-verifier"));
  m.authorization_endpoint += "?tenant=1";
  CAF_CHECK(contains(authorization_url(m, request), "/authorize?tenant=1&client_id=wiki"));
}

CAF_TEST(signing out names the client and the way back) {
  auto m = *read_metadata(json::serialize(document()), issuer);
  CAF_CHECK_EQUAL(end_session_url(m, "wiki", "https://wiki.example/"), "");
  m.end_session_endpoint = issuer + "/end_session";
  CAF_CHECK_EQUAL(end_session_url(m, "wiki", "https://wiki.example/"),
                  "https://sts.example/end_session?client_id=wiki&post_logout_redirect_uri="
                  "https%3A%2F%2Fwiki.example%2F");
}

CAF_TEST(a token answer is a token or says why not) {
  const auto why = [](unsigned status, const char* text) {
    const auto read = read_token_answer(status, text);
    return read ? "token " + *read : read.error().cause;
  };
  CAF_CHECK_EQUAL(why(200, R"({"id_token":"a.b.c"})"), "token a.b.c");
  CAF_CHECK_EQUAL(why(200, R"({"access_token":"x"})"), "sts_malformed");
  CAF_CHECK_EQUAL(why(200, R"({"id_token":7})"), "sts_malformed");
  CAF_CHECK_EQUAL(why(400, R"({"error":"invalid_grant"})"), "code_refused");
  CAF_CHECK_EQUAL(why(401, R"({"error":"invalid_client"})"), "sts_client_refused");
  CAF_CHECK_EQUAL(why(400, R"({"error":"odd","id_token":"a.b.c"})"), "sts_malformed");
  CAF_CHECK_EQUAL(why(502, "<html>"), "sts_malformed");
}

CAF_TEST(an error of the issuer is its refusal or its failure) {
  CAF_CHECK_EQUAL(read_authorization_error("access_denied", "").cause, "sts_denied");
  CAF_CHECK_EQUAL(read_authorization_error("login_required", "").cause, "sts_denied");
  CAF_CHECK_EQUAL(read_authorization_error("server_error", "").cause, "sts_failed");
  CAF_CHECK_EQUAL(read_authorization_error("x", "").source, "sts");
  CAF_CHECK(read_authorization_error("x", std::string(5'000, 'y')).detail.size() < 300);
}
