#define CAF_SUITE sign_in_endpoint
#include "sts/sign_in_endpoint.hpp"

#include "sts/limits.hpp"
#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;
using std::chrono::seconds;

namespace {

struct fixture : provider_fixture {
  rt::http_response shown = get("/authorize", wiki_request());

  std::string notice(const rt::http_response& response) {
    std::smatch found;
    static const std::regex alert{"role=\"alert\"[^>]*>([^<]*)<"};
    return std::regex_search(response.body(), found, alert) ? found[1].str() : "";
  }

  bool has_session() {
    return !redirected(get("/authorize", wiki_request({{"prompt", "none"}})))["code"].empty();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(sign_in_endpoint_tests, fixture)

CAF_TEST(the page names the application and is strict about its surroundings) {
  CAF_CHECK(shown.body().find("The &lt;Wiki&gt;") != std::string::npos);
  CAF_CHECK(shown.body().find("<script") == std::string::npos);
  auto policy = std::string{shown["Content-Security-Policy"]};
  CAF_CHECK(policy.find("default-src 'none'") != std::string::npos);
  CAF_CHECK(policy.ends_with("form-action 'self' https:"));
  CAF_CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
  CAF_CHECK(policy.find("unsafe") == std::string::npos);
  CAF_CHECK_EQUAL(std::string{shown["X-Frame-Options"]}, "DENY");
  CAF_CHECK_EQUAL(std::string{shown["X-Content-Type-Options"]}, "nosniff");
  CAF_CHECK_EQUAL(std::string{shown["Referrer-Policy"]}, "no-referrer");
  CAF_CHECK_EQUAL(std::string{shown[rt::http_field::cache_control]}, "no-store");
  CAF_CHECK(shown.find("Access-Control-Allow-Origin") == shown.end());
}

CAF_TEST(the hash in the policy is the one of the style in the page) {
  auto begin = shown.body().find("<style>") + 7;
  auto style = shown.body().substr(begin, shown.body().find("</style>") - begin);
  auto expected = "style-src 'sha256-" + rt::to_base64(rt::sha256(style)) + "'";
  CAF_CHECK(std::string{shown["Content-Security-Policy"]}.find(expected) != std::string::npos);
  CAF_CHECK(shown.body().find("style=") == std::string::npos);
}

CAF_TEST(every input has a label) {
  for (auto id : {"name", "password"}) {
    CAF_CHECK(shown.body().find("<label for=\"" + std::string{id} + "\">") != std::string::npos);
    CAF_CHECK(shown.body().find("<input id=\"" + std::string{id} + "\"") != std::string::npos);
  }
}

CAF_TEST(cookies carry the Host prefix and its properties) {
  auto response = sign_in(shown);
  size_t seen = 0;
  for (const auto& answer : {shown, response}) {
    auto range = answer.equal_range(rt::http_field::set_cookie);
    for (auto field = range.first; field != range.second; ++field, ++seen) {
      auto line = std::string{field->value()};
      CAF_CHECK(line.starts_with("__Host-"));
      CAF_CHECK(line.find("; Path=/; Secure; HttpOnly; SameSite=Lax") != std::string::npos);
      CAF_CHECK(line.find("Domain") == std::string::npos);
    }
  }
  CAF_CHECK_EQUAL(seen, 2u);
  CAF_CHECK(cookies.at("__Host-postern-sso").find("ada") == std::string::npos);
}

CAF_TEST(a form without the hidden field is refused) {
  auto response = post("/sign-in", {{"name", "ada"}, {"password", "correct horse"}});
  CAF_CHECK_EQUAL(status(response), 403u);
  CAF_CHECK(!has_session());
}

CAF_TEST(a forged hidden field is refused) {
  auto form = form_of(shown);
  form[form.size() / 2] = form[form.size() / 2] == 'A' ? 'B' : 'A';
  auto response =
      post("/sign-in", {{"form", form}, {"name", "ada"}, {"password", "correct horse"}});
  CAF_CHECK_EQUAL(status(response), 403u);
  CAF_CHECK(!has_session());
}

CAF_TEST(a form from another browser is shown again and does nothing) {
  cookies.clear();
  auto response = sign_in(shown);
  CAF_CHECK_EQUAL(status(response), 403u);
  CAF_CHECK_EQUAL(location(response), "");
  CAF_CHECK(!cookies.contains("__Host-postern-sso"));
  CAF_CHECK(!form_of(response).empty());
  CAF_CHECK(!redirected(sign_in(response))["code"].empty());
}

CAF_TEST(a form that stood open too long is shown again) {
  clock.advance(std::chrono::minutes{30});
  auto response = sign_in(shown);
  CAF_CHECK_EQUAL(status(response), 403u);
  CAF_CHECK(!redirected(sign_in(response))["code"].empty());
}

CAF_TEST(a form of another kind does not sign in) {
  auto other = get("/end_session");
  CAF_CHECK(!form_of(other).empty());
  auto response = sign_in(other);
  CAF_CHECK_EQUAL(status(response), 403u);
}

CAF_TEST(ten tabs opened at the same moment all succeed) {
  std::vector<rt::http_response> tabs;
  std::map<std::string, std::string> collected;
  for (int i = 0; i < 10; ++i) {
    cookies.clear();
    tabs.push_back(get("/authorize", wiki_request({{"state", "tab" + std::to_string(i)}})));
    collected.insert(cookies.begin(), cookies.end());
  }
  cookies = collected;
  CAF_CHECK_EQUAL(cookies.size(), 10u);
  for (int i = 0; i < 10; ++i)
    CAF_CHECK(redirected(sign_in(tabs[i]))["state"] == "tab" + std::to_string(i));
}

CAF_TEST(tabs opened one after the other share a form cookie) {
  auto before = cookies;
  get("/authorize", wiki_request());
  CAF_CHECK(cookies == before);
}

CAF_TEST(too many form cookies are cleared) {
  for (int i = 10; i < 40; ++i)
    cookies["__Host-postern-form-000000" + std::to_string(i)] = std::string(22, 'x');
  get("/authorize", wiki_request());
  CAF_CHECK_EQUAL(cookies.size(), 20u);
}

CAF_TEST(a wrong password is answered with the form and says how to go on) {
  auto response = sign_in(shown, "ada", "wrong");
  CAF_CHECK_EQUAL(status(response), 403u);
  CAF_CHECK(notice(response).find("administrator") != std::string::npos);
  CAF_CHECK(response.body().find("value=\"ada\"") != std::string::npos);
  CAF_CHECK(response.body().find("wrong\"") == std::string::npos);
  CAF_CHECK(!has_session());
  CAF_CHECK(!redirected(sign_in(response))["code"].empty());
}

CAF_TEST(unknown disabled and wrong read the same) {
  auto wrong = notice(sign_in(shown, "ada", "wrong"));
  CAF_CHECK(!wrong.empty());
  CAF_CHECK_EQUAL(notice(sign_in(shown, "nobody", "wrong")), wrong);
  CAF_CHECK_EQUAL(notice(sign_in(shown, "eve", "correct horse")), wrong);
  CAF_CHECK(!has_session());
}

CAF_TEST(an empty name or password is asked for without counting) {
  for (int i = 0; i < 10; ++i) {
    CAF_CHECK_EQUAL(status(sign_in(shown, "ada", "")), 400u);
    CAF_CHECK_EQUAL(status(sign_in(shown, "", "x")), 400u);
  }
  CAF_CHECK(!redirected(sign_in(shown))["code"].empty());
}

CAF_TEST(a name cannot break out of the page) {
  auto response = sign_in(shown, "\"><script>alert(1)</script>", "x");
  CAF_CHECK(response.body().find("<script") == std::string::npos);
}

CAF_TEST(five failures lock the name even for the right password) {
  for (int i = 0; i < 5; ++i) {
    address = "198.51.100." + std::to_string(i);
    CAF_CHECK_EQUAL(status(sign_in(shown, "ada", "wrong")), 403u);
  }
  address = "203.0.113.99";
  auto response = sign_in(shown);
  CAF_CHECK_EQUAL(status(response), 429u);
  CAF_CHECK_EQUAL(std::string{response[rt::http_field::retry_after]}, "1");
  CAF_CHECK(notice(response).find("Wait 1 second") != std::string::npos);
  clock.advance(seconds{1});
  CAF_CHECK(!redirected(sign_in(shown))["code"].empty());
}

CAF_TEST(many failures from one address lock it for every name) {
  for (unsigned i = 0; i < limits::failures_of_address; ++i)
    CAF_CHECK_EQUAL(status(sign_in(shown, "user" + std::to_string(i), "wrong")), 403u);
  CAF_CHECK_EQUAL(status(sign_in(shown)), 429u);
  address = "203.0.113.99";
  CAF_CHECK(!redirected(sign_in(shown))["code"].empty());
}

CAF_TEST(an unknown name is locked like a known one) {
  for (int i = 0; i < 5; ++i) {
    address = "198.51.100." + std::to_string(i);
    sign_in(shown, "nobody", "wrong");
  }
  address = "203.0.113.99";
  CAF_CHECK_EQUAL(status(sign_in(shown, "nobody", "wrong")), 429u);
}

CAF_TEST(the observer learns what happened but no unknown name) {
  sign_in(shown, "my secret", "x");
  sign_in(shown, "ada", "x");
  sign_in(shown);
  CAF_REQUIRE_EQUAL(events.size(), 3u);
  CAF_CHECK_EQUAL(events[0].what, "sign_in_failed");
  CAF_CHECK_EQUAL(events[0].user, "");
  CAF_CHECK_EQUAL(events[1].user, "ada");
  CAF_CHECK_EQUAL(events[2].what, "signed_in");
  CAF_CHECK_EQUAL(events[2].client_id, "wiki");
  CAF_CHECK_EQUAL(events[2].address, "203.0.113.7");
}

CAF_TEST(a new sign in ends the session before it) {
  sign_in(shown);
  auto old = cookies;
  sign_in(get("/authorize", wiki_request({{"prompt", "login"}})), "bob", "battery staple");
  CAF_CHECK(has_session());
  cookies = old;
  CAF_CHECK(!has_session());
}

CAF_TEST_FIXTURE_SCOPE_END()
