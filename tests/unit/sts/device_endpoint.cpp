#define CAF_SUITE device_endpoint
#include "sts/device_endpoint.hpp"

#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;
using std::chrono::seconds;

namespace {

struct fixture : provider_fixture {
  boost::json::object started = start();

  boost::json::object start(const std::string& scope = "openid") {
    return json_of(post("/device_authorization", {{"client_id", "tool"}, {"scope", scope}}));
  }

  rt::http_response poll() {
    return post("/token", {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                           {"client_id", "tool"},
                           {"device_code", text(started, "device_code")}});
  }

  std::string code() { return text(started, "user_code"); }

  rt::http_response signed_in_page() {
    return follow(sign_in(get("/device", {{"user_code", code()}})));
  }

  rt::http_response follow(const rt::http_response& response) { return get(location(response)); }

  rt::http_response decide(const rt::http_response& shown, const std::string& decision) {
    return post("/device", {{"form", form_of(shown)}, {"decision", decision}});
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(device_endpoint_tests, fixture)

CAF_TEST(a device gets two codes) {
  CAF_CHECK(text(started, "device_code").size() >= 43u);
  CAF_CHECK(
      std::regex_match(code(), std::regex{"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}"}));
  CAF_CHECK_EQUAL(text(started, "verification_uri"), "https://sts.example:8443/device");
  CAF_CHECK_EQUAL(text(started, "verification_uri_complete"),
                  "https://sts.example:8443/device?user_code=" + code());
  CAF_CHECK_EQUAL(started.at("expires_in").as_int64(), 600);
  CAF_CHECK_EQUAL(started.at("interval").as_int64(), 5);
}

CAF_TEST(an allowed device gets an access token for the audience of its client) {
  CAF_CHECK_EQUAL(error(poll()), "authorization_pending");
  auto shown = signed_in_page();
  CAF_CHECK(shown.body().find("Command line") != std::string::npos);
  CAF_CHECK(shown.body().find(code()) != std::string::npos);
  CAF_CHECK(shown.body().find("203.0.113.7") != std::string::npos);
  CAF_CHECK_EQUAL(status(decide(shown, "allow")), 200u);
  CAF_CHECK_EQUAL(events.back().what, "device_allowed");
  clock.advance(seconds{5});
  auto response = poll();
  CAF_CHECK_EQUAL(status(response), 200u);
  CAF_CHECK_EQUAL(std::string{response[rt::http_field::cache_control]}, "no-store");
  auto token = text(json_of(response), "access_token");
  CAF_CHECK_EQUAL(header_of(token).type, "at+jwt");
  auto claims = verified(token);
  CAF_CHECK_EQUAL(text(claims, "aud"), "postern-admin");
  CAF_CHECK_EQUAL(text(claims, "client_id"), "tool");
  CAF_CHECK_EQUAL(text(claims, "preferred_username"), "ada");
  CAF_CHECK(claims.at("groups") == (boost::json::value{"staff", "administrators"}));
  CAF_CHECK_EQUAL(text(verified(text(json_of(response), "id_token")), "aud"), "tool");
  CAF_CHECK_EQUAL(error(poll()), "invalid_grant");
}

CAF_TEST(a device that asks without openid gets no id token) {
  started = start("groups");
  decide(signed_in_page(), "allow");
  auto answer = json_of(poll());
  CAF_CHECK(answer.contains("access_token"));
  CAF_CHECK(!answer.contains("id_token"));
}

CAF_TEST(a refused device is told so once) {
  decide(signed_in_page(), "deny");
  CAF_CHECK_EQUAL(events.back().what, "device_denied");
  CAF_CHECK_EQUAL(error(poll()), "access_denied");
  CAF_CHECK_EQUAL(error(poll()), "invalid_grant");
}

CAF_TEST(polling too fast is slowed down and the interval grows) {
  CAF_CHECK_EQUAL(error(poll()), "authorization_pending");
  clock.advance(seconds{4});
  CAF_CHECK_EQUAL(error(poll()), "slow_down");
  clock.advance(seconds{5});
  CAF_CHECK_EQUAL(error(poll()), "slow_down");
  clock.advance(seconds{15});
  CAF_CHECK_EQUAL(error(poll()), "authorization_pending");
}

CAF_TEST(codes expire) {
  auto shown = signed_in_page();
  clock.advance(seconds{600});
  CAF_CHECK_EQUAL(status(decide(shown, "allow")), 410u);
  CAF_CHECK_EQUAL(error(poll()), "expired_token");
  CAF_CHECK_EQUAL(status(get("/device", {{"user_code", code()}})), 404u);
}

CAF_TEST(an expired code is forgotten in the end) {
  clock.advance(seconds{1'200});
  start();
  CAF_CHECK_EQUAL(error(poll()), "invalid_grant");
}

CAF_TEST(a device code of another client is refused) {
  auto all = applications();
  all.push_back(all.back());
  all.back().id = "other";
  sts->set_clients(all);
  auto response = post("/token", {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                  {"client_id", "other"},
                                  {"device_code", text(started, "device_code")}});
  CAF_CHECK_EQUAL(error(response), "invalid_grant");
}

CAF_TEST(a client without the grant is refused at both endpoints) {
  CAF_CHECK_EQUAL(error(post("/device_authorization", {{"client_id", "wiki"}})),
                  "unauthorized_client");
  auto response = post("/token", {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                  {"client_id", "wiki"},
                                  {"device_code", text(started, "device_code")}});
  CAF_CHECK_EQUAL(error(response), "unauthorized_client");
}

CAF_TEST(malformed device requests are refused) {
  CAF_CHECK_EQUAL(error(post("/device_authorization", {{"client_id", "nobody"}})),
                  "invalid_client");
  CAF_CHECK_EQUAL(error(post("/device_authorization", {})), "invalid_request");
  CAF_CHECK_EQUAL(
      error(post("/device_authorization", {{"client_id", "tool"}, {"scope", "pancakes"}})),
      "invalid_scope");
  CAF_CHECK_EQUAL(
      error(post("/token", {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                            {"client_id", "tool"}})),
      "invalid_request");
}

CAF_TEST(nobody learns about codes without signing in) {
  auto known = get("/device", {{"user_code", code()}});
  auto unknown = get("/device", {{"user_code", "BBBB-BBBB"}});
  CAF_CHECK_EQUAL(status(known), 200u);
  CAF_CHECK_EQUAL(status(unknown), 200u);
  CAF_CHECK(known.body().find("Command line") == std::string::npos);
  CAF_CHECK(!form_of(known).empty());
}

CAF_TEST(a code may be typed in any case with or without the dash) {
  auto typing = follow(sign_in(get("/device")));
  CAF_CHECK(typing.body().find("name=\"user_code\"") != std::string::npos);
  std::string typed = code().substr(0, 4) + " " + code().substr(5);
  for (auto& c : typed)
    c = static_cast<char>(std::tolower(c));
  CAF_CHECK(get("/device", {{"user_code", typed}}).body().find("Command line") !=
            std::string::npos);
  CAF_CHECK_EQUAL(status(get("/device", {{"user_code", code() + "B"}})), 404u);
  CAF_CHECK_EQUAL(status(get("/device", {{"user_code", code().substr(0, 8)}})), 404u);
}

CAF_TEST(guessing user codes is slowed down) {
  signed_in_page();
  for (int i = 0; i < 5; ++i)
    CAF_CHECK_EQUAL(status(get("/device", {{"user_code", "BBBB-BBBB"}})), 404u);
  auto response = get("/device", {{"user_code", code()}});
  CAF_CHECK_EQUAL(status(response), 429u);
  CAF_CHECK_EQUAL(std::string{response[rt::http_field::retry_after]}, "1");
  clock.advance(seconds{1});
  CAF_CHECK_EQUAL(status(get("/device", {{"user_code", code()}})), 200u);
}

CAF_TEST(a decision without the form of the page does not count) {
  signed_in_page();
  CAF_CHECK_EQUAL(status(post("/device", {{"decision", "allow"}})), 403u);
  CAF_CHECK_EQUAL(error(poll()), "authorization_pending");
}

CAF_TEST(a decision in another browser does not count) {
  auto shown = signed_in_page();
  auto session = cookies.at("__Host-postern-sso");
  cookies.clear();
  cookies["__Host-postern-sso"] = session;
  CAF_CHECK_EQUAL(status(decide(shown, "allow")), 403u);
  CAF_CHECK_EQUAL(error(poll()), "authorization_pending");
}

CAF_TEST(a decision counts only for the user whom the page named) {
  auto shown = signed_in_page();
  sign_in(get("/authorize", wiki_request({{"prompt", "login"}})), "bob", "battery staple");
  CAF_CHECK_EQUAL(status(decide(shown, "allow")), 403u);
  CAF_CHECK_EQUAL(error(poll()), "authorization_pending");
}

CAF_TEST(neither allow nor deny is no decision) {
  CAF_CHECK_EQUAL(status(decide(signed_in_page(), "perhaps")), 400u);
  CAF_CHECK_EQUAL(error(poll()), "authorization_pending");
}

CAF_TEST(a decision is taken once) {
  auto shown = signed_in_page();
  CAF_CHECK_EQUAL(status(decide(shown, "deny")), 200u);
  CAF_CHECK_EQUAL(status(decide(shown, "allow")), 410u);
  CAF_CHECK_EQUAL(error(poll()), "access_denied");
}

CAF_TEST(one address cannot use up all device sign ins) {
  for (int i = 1; i < 50; ++i)
    CAF_CHECK(start().contains("device_code"));
  CAF_CHECK_EQUAL(error(post("/device_authorization", {{"client_id", "tool"}})),
                  "temporarily_unavailable");
  address = "203.0.113.99";
  CAF_CHECK(start().contains("device_code"));
  address = "203.0.113.7";
  clock.advance(seconds{1'200});
  CAF_CHECK(start().contains("device_code"));
}

CAF_TEST(an account disabled after its decision gets no token) {
  decide(signed_in_page(), "allow");
  sts->set_users({});
  CAF_CHECK_EQUAL(error(poll()), "invalid_grant");
}

CAF_TEST_FIXTURE_SCOPE_END()
