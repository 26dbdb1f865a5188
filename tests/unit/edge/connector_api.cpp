#define CAF_SUITE connector_api
// What connectors are answered, by the real authority and registry. How paths, bodies and fields
// are read is shown in est.cpp.
#include "edge/connector_api.hpp"

#include "tests/unit/edge/connector_api_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using namespace postern::edge::testing;
using namespace std::chrono_literals;
using edge::samples::contains;
using runtime::http_field;
using runtime::http_verb;

CAF_TEST_FIXTURE_SCOPE(connector_api_tests, connector_api_fixture)

// -- configuration

CAF_TEST(a connector pulls what is published for its group under a version) {
  const auto certificate = enrolled();
  const auto response = send(pull(certificate));
  CAF_CHECK_EQUAL(response.result_int(), 200u);
  const auto got = configuration_in(response);
  CAF_CHECK_EQUAL(got.connector, id_of(certificate));
  CAF_REQUIRE_EQUAL(got.applications.size(), 1u);
  CAF_CHECK_EQUAL(got.applications[0].name, "wiki");
  CAF_CHECK_EQUAL(field(response, "ETag"), "\"" + std::to_string(got.version) + "\"");
  CAF_CHECK_EQUAL(field(response, "Cache-Control"), "no-store");
}

CAF_TEST(who knows the version in force gets nothing again) {
  const auto certificate = enrolled();
  const auto version = field(send(pull(certificate)), "ETag");
  const auto same = send(pull(certificate, version));
  CAF_CHECK_EQUAL(same.result_int(), 304u);
  CAF_CHECK(same.body().empty());
  CAF_CHECK_EQUAL(field(same, "ETag"), version);
  CAF_CHECK_EQUAL(field(same, "Vary"), "Prefer");
  // Nobody waits who knows another one.
  CAF_CHECK_EQUAL(send(pull(certificate, "\"1\"", "wait=30")).result_int(), 200u);
}

CAF_TEST(a change ends the wait of a pull) {
  const auto certificate = enrolled();
  const auto version = field(send(pull(certificate)), "ETag");
  begin(pull(certificate, version, "wait=30"));
  CAF_CHECK(!answered);
  publish("mail");
  CAF_REQUIRE(gets_answer());
  CAF_CHECK_EQUAL(answered->result_int(), 200u);
  CAF_CHECK_EQUAL(configuration_in(*answered).applications.size(), 2u);
  CAF_CHECK(field(*answered, "ETag") != version);
  CAF_CHECK_EQUAL(context.load->waiting_pulls.load(), 0);
}

CAF_TEST(a wait without a change ends in its time) {
  const auto certificate = enrolled();
  const auto version = field(send(pull(certificate)), "ETag");
  begin(pull(certificate, version, "wait=30"));
  pass(29s);
  test::run_ready(home);
  CAF_CHECK(!answered);
  pass(2s);
  CAF_REQUIRE(gets_answer());
  CAF_CHECK_EQUAL(answered->result_int(), 304u);
  CAF_CHECK_EQUAL(field(*answered, "ETag"), version);
}

CAF_TEST(a connector that is revoked gets nothing more even if it waits already) {
  const auto certificate = enrolled();
  begin(pull(certificate, field(send(pull(certificate)), "ETag"), "wait=30"));
  revoke(certificate);
  CAF_REQUIRE(gets_answer());
  const std::string why = "403 connector_revoked of connector";
  CAF_CHECK_EQUAL(refusal(*answered), why);
  CAF_CHECK_EQUAL(refused(pull(certificate)), why);
}

CAF_TEST(only a certificate of a connector pulls) {
  CAF_CHECK_EQUAL(refused(pull({})), "403 certificate_missing of enrolment");
  CAF_CHECK_EQUAL(refused(pull("nonsense")), "400 certificate_malformed of service");
  const auto certificate = enrolled();
  enrol("c1");
  const auto key = runtime::private_key::generate();
  // Of a serial that nobody was given.
  const auto forged =
      runtime::self_sign(key, {.serial_hex = "5f",
                               .common_name = "c1",
                               .not_before = clock.now(),
                               .not_after = clock.now() + 1h,
                               .use = runtime::certificate_profile::usage::authority});
  CAF_CHECK_EQUAL(refused(pull(forged.value())), "403 certificate_unknown of connector");
  clock.advance(24h * 366);
  CAF_CHECK_EQUAL(refused(pull(certificate)), "403 certificate_expired of connector");
}

CAF_TEST(a node without actors says so) {
  const auto certificate = enrolled();
  context.handles = nullptr;
  CAF_CHECK_EQUAL(refused(pull(certificate)), "503 actor_down of service");
  CAF_CHECK_EQUAL(context.load->waiting_pulls.load(), 0);
}

// -- enrolment

CAF_TEST(a token lets one connector in) {
  const auto token = make_token();
  const auto certificate = certificate_in(send(sign_request("simpleenroll", basic(token))));
  const auto pulled = send(pull(certificate));
  CAF_CHECK_EQUAL(configuration_in(pulled).group, "berlin");
  const auto second = send(sign_request("simpleenroll", basic(token)));
  CAF_CHECK_EQUAL(refusal(second), "403 enrolment_token_used_up of enrolment");
}

CAF_TEST(a request that cannot be read uses no token up) {
  const auto token = make_token();
  auto typed = sign_request("simpleenroll", basic(token));
  typed.message.set(http_field::content_type, "application/json");
  CAF_CHECK_EQUAL(refused(typed), "415 content_type_refused of enrolment");
  auto garbled = sign_request("simpleenroll", basic(token));
  garbled.message.body() = "???";
  CAF_CHECK_EQUAL(refused(garbled), "400 csr_malformed of enrolment");
  garbled.message.body() = runtime::to_base64("no request");
  CAF_CHECK_EQUAL(refused(garbled), "400 csr_malformed of enrolment");
  CAF_CHECK_EQUAL(send(sign_request("simpleenroll", basic(token))).result_int(), 200u);
}

CAF_TEST(who shows nothing is asked for a token) {
  const auto response = send(sign_request("simpleenroll"));
  CAF_CHECK_EQUAL(refusal(response), "401 credentials_missing of enrolment");
  CAF_CHECK(field(response, "WWW-Authenticate").starts_with("Basic realm="));
  const auto empty = send(sign_request("simpleenroll", basic("")));
  CAF_CHECK_EQUAL(refusal(empty), "401 credentials_missing of enrolment");
}

CAF_TEST(an administrator lets in whom he gives a group) {
  CAF_CHECK_EQUAL(refused(sign_request("simpleenroll", "Bearer ann")),
                  "400 group_missing of enrolment");
  const auto certificate = certificate_in(send(sign_request("berlin/simpleenroll", "Bearer ann")));
  CAF_CHECK_EQUAL(configuration_in(send(pull(certificate))).group, "berlin");
  CAF_CHECK_EQUAL(audited("connector_enrolled").last.actor, "ann");
}

CAF_TEST(who is no administrator lets nobody in) {
  CAF_CHECK_EQUAL(refused(sign_request("berlin/simpleenroll", "Bearer bob")),
                  "403 not_administrator of administration");
  const auto forged = send(sign_request("berlin/simpleenroll", "Bearer eve"));
  CAF_CHECK_EQUAL(refusal(forged), "401 token_signature of token");
  CAF_CHECK(contains(field(forged, "WWW-Authenticate"), "error=\"invalid_token\""));
}

CAF_TEST(a certificate is renewed for whoever holds it) {
  const auto old = enrolled();
  auto asked = sign_request("simplereenroll");
  CAF_CHECK_EQUAL(refused(asked), "403 certificate_missing of enrolment");
  asked.peer_certificate_pem = old;
  CAF_CHECK_EQUAL(refused(asked), "403 csr_foreign_subject of enrolment");
  asked.message.body() = runtime::to_base64(make_csr(id_of(old)));
  const auto renewed = certificate_in(send(asked));
  CAF_CHECK_EQUAL(id_of(renewed), id_of(old));
  CAF_CHECK(renewed != old);
  CAF_CHECK_EQUAL(send(pull(renewed)).result_int(), 200u);
  revoke(old);
  asked.peer_certificate_pem = renewed;
  CAF_CHECK_EQUAL(refused(asked), "403 connector_revoked of enrolment");
}

CAF_TEST(anybody may have the certificate of the authority) {
  const auto known = ask<std::string>(authority, actors::lookup_atom_v);
  CAF_CHECK_EQUAL(certificate_in(send(request(est + "cacerts"))), known->value.value_or(""));
}

// -- paths and methods

CAF_TEST(each path has its methods) {
  const std::tuple<std::string, http_verb, const char*> table[] = {
      {configuration_path, http_verb::post, "GET"},
      {configuration_path, http_verb::head, "GET"},
      {"/.well-known/postern", http_verb::post, "GET"},
      {est + "cacerts", http_verb::post, "GET"},
      {est + "simpleenroll", http_verb::get, "POST"},
      {est + "simplereenroll", http_verb::put, "POST"}};
  for (const auto& [path, method, allowed] : table) {
    const auto response = send(request(path, method));
    CAF_CHECK_EQUAL(refusal(response), "405 method_not_allowed of request");
    CAF_CHECK_EQUAL(field(response, "Allow"), allowed);
  }
}

CAF_TEST(other paths are nothing) {
  for (const auto* path : {"/", "/connector", "/connector/configuration/", "/admin"})
    CAF_CHECK_EQUAL(refused(request(path)), "404 page_unknown of service");
}

CAF_TEST(a tool that knows one address learns the others) {
  const auto found = parse(send(request("/.well-known/postern?x")).body());
  CAF_CHECK_EQUAL(text(found, "issuer"), urls.issuer);
  CAF_CHECK_EQUAL(text(found, "service"), urls.service);
  CAF_CHECK_EQUAL(text(found, "admin"), urls.admin);
}

CAF_TEST_FIXTURE_SCOPE_END()
