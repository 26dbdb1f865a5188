#define CAF_SUITE responses
#include "sts/responses.hpp"

#include "sts/limits.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/unit_test.hpp>

#include <vector>

using namespace postern::sts;
namespace rt = postern::runtime;

namespace {

std::string field(const rt::http_response& response, rt::http_field name) {
  return std::string{response[name]};
}

boost::json::object content(const rt::http_response& response) {
  return boost::json::parse(response.body()).as_object();
}

unsigned status_of(const char* code) {
  return oauth_failure({code, ""}).result_int();
}

}  // namespace

CAF_TEST(an error to a program has the status of its kind) {
  CAF_CHECK_EQUAL(status_of("invalid_grant"), 400u);
  CAF_CHECK_EQUAL(status_of("invalid_client"), 401u);
  CAF_CHECK_EQUAL(status_of("temporarily_unavailable"), 503u);
  CAF_CHECK_EQUAL(status_of("server_error"), 500u);
}

CAF_TEST(a challenge comes with 401 and with nothing else) {
  CAF_CHECK_EQUAL(field(oauth_failure({"invalid_client", ""}), rt::http_field::www_authenticate),
                  "Basic realm=\"postern\"");
  CAF_CHECK_EQUAL(oauth_failure({"invalid_grant", ""}).count(rt::http_field::www_authenticate), 0u);
}

CAF_TEST(an error says what it knows) {
  const auto whole = oauth_failure({"invalid_grant", "the code was used before"});
  CAF_CHECK(content(whole) ==
            (boost::json::object{{"error", "invalid_grant"},
                                 {"error_description", "the code was used before"}}));
  CAF_CHECK_EQUAL(field(whole, rt::http_field::content_type), "application/json");
  CAF_CHECK(content(oauth_failure({"slow_down", ""})) ==
            (boost::json::object{{"error", "slow_down"}}));
}

CAF_TEST(only what is for everybody may be stored) {
  for (const auto& response :
       {json(rt::http_status::ok, {}), oauth_failure({"invalid_grant", ""}),
        redirect("https://wiki.example/"), page(rt::http_status::ok, "t", "<p>x</p>")})
    CAF_CHECK_EQUAL(field(response, rt::http_field::cache_control), "no-store");
  const auto open = public_json("{}");
  CAF_CHECK_EQUAL(field(open, rt::http_field::cache_control),
                  "public, max-age=" + std::to_string(limits::metadata_max_age.count()));
  CAF_CHECK_EQUAL(open.count(rt::http_field::pragma), 0u);
}

CAF_TEST(a redirect makes a browser come with GET) {
  const auto response = redirect("https://wiki.example/cb?code=1");
  CAF_CHECK_EQUAL(response.result_int(), 303u);
  CAF_CHECK_EQUAL(field(response, rt::http_field::location), "https://wiki.example/cb?code=1");
  CAF_CHECK_EQUAL(response.body(), "");
}

CAF_TEST(a refusal shows its cause and its request and sends no form anywhere) {
  incoming in;
  in.request_id = "r<1>";
  const auto response =
      refusal_page(rt::http_status::not_found, "<title>", "<text>", "<cause>", in);
  CAF_CHECK_EQUAL(response.result_int(), 404u);
  for (auto piece : {"<h1>&lt;title&gt;</h1>", "<p>&lt;text&gt;</p>", "<dd>&lt;cause&gt;</dd>",
                     "<dd>r&lt;1&gt;</dd>"})
    CAF_CHECK(response.body().find(piece) != std::string::npos);
  const std::string policy{response["Content-Security-Policy"]};
  CAF_CHECK(policy.find("form-action 'none'") != std::string::npos);
}

CAF_TEST(a refusal without a request id does not speak of one) {
  const auto response = refusal_page(rt::http_status::not_found, "t", "x", "cause", {});
  CAF_CHECK(response.body().find("<dt>Cause</dt>") != std::string::npos);
  CAF_CHECK(response.body().find("<dt>Request</dt>") == std::string::npos);
}

CAF_TEST(a method that is not allowed is answered with those that are) {
  const auto response = method_not_allowed("GET, POST", {});
  CAF_CHECK_EQUAL(response.result_int(), 405u);
  CAF_CHECK_EQUAL(field(response, rt::http_field::allow), "GET, POST");
}

CAF_TEST(cookies add up and say how long they last) {
  rt::http_response response;
  add_cookie(response, "__Host-a", "1", -1);
  add_cookie(response, "__Host-b", "2", 60);
  add_cookie(response, "__Host-c", "", 0);
  std::vector<std::string> lines;
  auto range = response.equal_range(rt::http_field::set_cookie);
  for (auto line = range.first; line != range.second; ++line)
    lines.emplace_back(line->value());
  const std::string properties = "; Path=/; Secure; HttpOnly; SameSite=Lax";
  CAF_CHECK(lines ==
            (std::vector{"__Host-a=1" + properties, "__Host-b=2" + properties + "; Max-Age=60",
                         "__Host-c=" + properties + "; Max-Age=0"}));
}

CAF_TEST(parameters go behind whatever query there is) {
  const fields one{{"code", "a&b"}};
  CAF_CHECK_EQUAL(with_parameters("https://a/cb", one), "https://a/cb?code=a%26b");
  CAF_CHECK_EQUAL(with_parameters("https://a/cb?", one), "https://a/cb?code=a%26b");
  CAF_CHECK_EQUAL(with_parameters("https://a/cb?x=1", one), "https://a/cb?x=1&code=a%26b");
  CAF_CHECK_EQUAL(with_parameters("https://a/cb?x=1&", one), "https://a/cb?x=1&code=a%26b");
  CAF_CHECK_EQUAL(with_parameters("https://a/cb", {}), "https://a/cb");
  CAF_CHECK_EQUAL(with_parameters("/device", {{"b", "2"}, {"a", "1"}}), "/device?a=1&b=2");
}
