#define CAF_SUITE provider
#include "sts/provider.hpp"

#include "sts/metadata.hpp"
#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

#include <thread>

using namespace postern::sts;
using namespace postern::sts::testing;

CAF_TEST_FIXTURE_SCOPE(provider_tests, provider_fixture)

CAF_TEST(discovery names every endpoint below the issuer) {
  for (auto path : {paths::discovery, paths::oauth_discovery}) {
    auto response = get(path);
    CAF_CHECK_EQUAL(status(response), 200u);
    CAF_CHECK_EQUAL(std::string{response[rt::http_field::content_type]}, "application/json");
    auto m = json_of(response);
    CAF_CHECK_EQUAL(text(m, "issuer"), issuer);
    for (auto name : {"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri",
                      "device_authorization_endpoint", "end_session_endpoint"}) {
      auto url = text(m, name);
      CAF_REQUIRE(url.starts_with(std::string{issuer} + "/"));
      auto there = get(url.substr(std::string{issuer}.size()));
      CAF_CHECK_NOT_EQUAL(status(there), 404u);
    }
    CAF_CHECK(m.at("authorization_response_iss_parameter_supported").as_bool());
    CAF_CHECK(m.at("code_challenge_methods_supported") ==
              boost::json::value(boost::json::array{"S256"}));
  }
}

CAF_TEST(the JWKS may be kept for minutes) {
  auto response = get("/jwks");
  CAF_CHECK_EQUAL(std::string{response[rt::http_field::cache_control]}, "public, max-age=300");
  CAF_CHECK_EQUAL(json_of(response).at("keys").as_array().size(), 1u);
}

CAF_TEST(an unknown path is a page) {
  for (auto path : {"/nothing", "/token/", "//authorize", "/TOKEN", ""}) {
    auto response = get(path);
    CAF_CHECK_EQUAL(status(response), 404u);
    CAF_CHECK(response.body().find("<html") != std::string::npos);
  }
}

CAF_TEST(other methods are refused with Allow) {
  auto allow = [&](rt::http_verb verb, const std::string& path) {
    auto response = send({verb, path, 11});
    CAF_CHECK_EQUAL(status(response), 405u);
    return std::string{response[rt::http_field::allow]};
  };
  CAF_CHECK_EQUAL(allow(rt::http_verb::get, "/token"), "POST");
  CAF_CHECK_EQUAL(allow(rt::http_verb::get, "/sign-in"), "POST");
  CAF_CHECK_EQUAL(allow(rt::http_verb::get, "/device_authorization"), "POST");
  CAF_CHECK_EQUAL(allow(rt::http_verb::post, "/jwks"), "GET, HEAD");
  CAF_CHECK_EQUAL(allow(rt::http_verb::put, "/authorize"), "GET, HEAD, POST");
  CAF_CHECK_EQUAL(allow(rt::http_verb::options, "/userinfo"), "GET, HEAD, POST");
  CAF_CHECK_EQUAL(allow(rt::http_verb::delete_, "/end_session"), "GET, HEAD, POST");
  CAF_CHECK_EQUAL(allow(rt::http_verb::unknown, "/device"), "GET, HEAD, POST");
  CAF_CHECK_EQUAL(allow(rt::http_verb::head, "/token"), "POST");
  CAF_CHECK_EQUAL(allow(rt::http_verb::head, "/sign-in"), "POST");
}

CAF_TEST(a head is answered wherever a get is) {
  const std::string request = "/authorize?" + rt::make_form(wiki_request({{"prompt", "none"}}));
  for (const auto& target : {std::string{paths::discovery}, std::string{paths::jwks},
                             std::string{"/"}, std::string{paths::userinfo}, request}) {
    const auto whole = get(target);
    const auto head = send({rt::http_verb::head, target, 11});
    CAF_CHECK_EQUAL(status(head), status(whole));
    CAF_CHECK_EQUAL(location(head), location(whole));
    CAF_CHECK_EQUAL(head.body(), whole.body());
  }
  for (auto path : {paths::device, paths::end_session})
    CAF_CHECK_EQUAL(status(send({rt::http_verb::head, path, 11})), 200u);
}

CAF_TEST(no answer permits another origin) {
  for (auto path : {"/jwks", "/userinfo", "/", paths::discovery}) {
    rt::http_request request{rt::http_verb::get, path, 11};
    request.set("Origin", "https://evil.example");
    auto response = send(request);
    CAF_CHECK_EQUAL(response.count("Access-Control-Allow-Origin"), 0u);
  }
}

CAF_TEST(too much content is refused) {
  auto request = post_request("/token", {});
  request.body() = "a=" + std::string(65'536, 'b');
  CAF_CHECK_EQUAL(error(send(request)), "invalid_request");
  CAF_CHECK_EQUAL(status(get("/authorize?a=" + std::string(16'384, 'b'))), 400u);
}

CAF_TEST(the start page tells who is signed in) {
  CAF_CHECK(get("/").body().find("ada") == std::string::npos);
  fresh_code();
  CAF_CHECK(get("/").body().find("ada") != std::string::npos);
}

CAF_TEST(a refusal shows the request id without trusting it) {
  rt::http_request request{rt::http_verb::get, "/nothing", 11};
  request.set("X-Request-Id", "r-<1>");
  CAF_CHECK(send(request).body().find("r-&lt;1&gt;") != std::string::npos);
}

CAF_TEST(the answer follows the version and the connection of the request) {
  rt::http_request request{rt::http_verb::get, "/jwks", 10};
  auto response = send(request);
  CAF_CHECK_EQUAL(response.version(), 10u);
  CAF_CHECK(!response.keep_alive());
  CAF_CHECK_EQUAL(std::string{response[rt::http_field::content_length]},
                  std::to_string(response.body().size()));
}

CAF_TEST(a rotation of the signing key keeps id tokens verifiable) {
  auto token = text(fresh_tokens(), "id_token");
  clock.advance(std::chrono::hours{24 * 29});
  get("/jwks");
  clock.advance(std::chrono::hours{24});
  auto later = text(fresh_tokens(), "id_token");
  CAF_CHECK_NOT_EQUAL(header_of(token).key_id, header_of(later).key_id);
  CAF_CHECK(!verified(token).empty());
  CAF_CHECK(!verified(later).empty());
}

CAF_TEST(requests on many threads do not disturb each other) {
  rt::system_random_source chance;
  auto ring = std::make_shared<const rt::key_ring>(sealing, chance);
  options quiet;
  quiet.issuer = issuer;
  provider shared{quiet, people(), *store, ring, clock, chance};
  shared.start().value();
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        shared.set_clients(applications());
        rt::http_request request{rt::http_verb::get,
                                 "/authorize?" + rt::make_form(wiki_request({{"prompt", "none"}})),
                                 11};
        auto answer = redirected(shared.handle(request, "203.0.113.7"));
        if (answer["error"] == "login_required") ++right;
      }
    });
  for (auto& t : threads)
    t.join();
  CAF_CHECK_EQUAL(right.load(), 800);
}

CAF_TEST_FIXTURE_SCOPE_END()
