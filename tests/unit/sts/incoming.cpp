#define CAF_SUITE incoming
#include "sts/incoming.hpp"

#include "sts/limits.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
namespace rt = postern::runtime;

namespace {

rt::http_request get_request(const std::string& target) {
  return {rt::http_verb::get, target, 11};
}

rt::http_request post_request(const std::string& body,
                              const std::string& type = "application/x-www-form-urlencoded") {
  rt::http_request request{rt::http_verb::post, "/token", 11};
  request.set(rt::http_field::content_type, type);
  request.body() = body;
  return request;
}

incoming read(const rt::http_request& request) {
  return read_incoming(request, "203.0.113.7");
}

}  // namespace

CAF_TEST(a request is taken apart) {
  auto request = get_request("/authorize?client_id=wiki&scope=openid+email&state=a%26b");
  request.set("X-Request-Id", "r-1");
  request.set(rt::http_field::authorization, "Bearer t");
  const auto in = read(request);
  CAF_CHECK_EQUAL(in.problem, "");
  CAF_CHECK_EQUAL(in.path, "/authorize");
  CAF_CHECK(in.query ==
            (fields{{"client_id", "wiki"}, {"scope", "openid email"}, {"state", "a&b"}}));
  CAF_CHECK_EQUAL(in.request_id, "r-1");
  CAF_CHECK_EQUAL(in.authorization, "Bearer t");
  CAF_CHECK_EQUAL(in.address, "203.0.113.7");
  CAF_CHECK(!in.is_post());
  CAF_CHECK(&in.parameters() == &in.query);
}

CAF_TEST(what is not there is empty) {
  const auto in = read(get_request("/jwks?"));
  CAF_CHECK_EQUAL(in.problem, "");
  CAF_CHECK_EQUAL(in.path, "/jwks");
  CAF_CHECK(in.query.empty());
  CAF_CHECK(in.cookies.empty());
  CAF_CHECK_EQUAL(in.authorization, "");
  CAF_CHECK_EQUAL(in.request_id, "");
}

CAF_TEST(a parameter without a value is as good as absent) {
  const auto in = read(get_request("/authorize?state=&nonce&a=1&&"));
  CAF_CHECK_EQUAL(in.problem, "");
  CAF_CHECK(in.query == (fields{{"a", "1"}}));
  CAF_CHECK_EQUAL(value_of(in.query, "state"), "");
  CAF_CHECK_EQUAL(value_of(in.query, "a"), "1");
}

CAF_TEST(a repeated parameter is a problem however it is written) {
  for (auto query : {"a=1&a=2", "a=1&a=1", "a=&a=1", "a&a=1", "a=1&%61=2", "b=1&a=1&c=1&a=1"}) {
    const auto in = read(get_request(std::string{"/authorize?"} + query));
    CAF_CHECK_EQUAL(in.problem, "a parameter is repeated");
    CAF_CHECK(in.query.empty());
    CAF_CHECK_EQUAL(in.path, "/authorize");
  }
}

CAF_TEST(malformed parameters are a problem) {
  for (auto query : {"a=%", "a=%4", "a=%zz", "%zz=a"})
    CAF_CHECK_EQUAL(read(get_request(std::string{"/authorize?"} + query)).problem,
                    "malformed parameters");
  CAF_CHECK_EQUAL(read(post_request("a=%zz")).problem, "malformed parameters");
}

CAF_TEST(a form counts by its media type) {
  for (auto type : {"application/x-www-form-urlencoded", "APPLICATION/X-www-form-urlencoded",
                    "application/x-www-form-urlencoded;charset=UTF-8",
                    " application/x-www-form-urlencoded ; charset=UTF-8"}) {
    const auto in = read(post_request("a=1", type));
    CAF_CHECK(in.form == (fields{{"a", "1"}}));
    CAF_CHECK(&in.parameters() == &in.form);
  }
  for (auto type : {"application/json", "application/x-www-form-urlencoded2", "",
                    "text/plain; application/x-www-form-urlencoded"}) {
    const auto in = read(post_request("a=1", type));
    CAF_CHECK(in.form.empty());
    CAF_CHECK_EQUAL(in.problem, "");
  }
}

CAF_TEST(a form counts in a POST only and apart from the query) {
  auto request = post_request("a=form");
  request.target("/token?a=query");
  auto in = read(request);
  CAF_CHECK_EQUAL(in.problem, "");
  CAF_CHECK_EQUAL(value_of(in.form, "a"), "form");
  CAF_CHECK_EQUAL(value_of(in.query, "a"), "query");
  request.method(rt::http_verb::put);
  in = read(request);
  CAF_CHECK(in.form.empty());
}

CAF_TEST(a bad query is the problem of a POST as well) {
  auto request = post_request("a=1");
  request.target("/token?b=1&b=2");
  const auto in = read(request);
  CAF_CHECK_EQUAL(in.problem, "a parameter is repeated");
  CAF_CHECK(in.form.empty());
}

CAF_TEST(sizes are bounded to the byte and beyond them nothing is read) {
  const std::string path = "/authorize?a=";
  CAF_CHECK_EQUAL(read(get_request(path + std::string(limits::target - path.size(), 'x'))).problem,
                  "");
  auto request = get_request(path + std::string(limits::target - path.size() + 1, 'x'));
  request.set(rt::http_field::cookie, "a=1");
  auto in = read(request);
  CAF_CHECK_EQUAL(in.problem, "too long");
  CAF_CHECK_EQUAL(in.path, "/authorize");
  CAF_CHECK(in.query.empty());
  CAF_CHECK(in.cookies.empty());
  CAF_CHECK_EQUAL(read(post_request("a=" + std::string(limits::content - 2, 'x'))).problem, "");
  in = read(post_request("a=" + std::string(limits::content - 1, 'x')));
  CAF_CHECK_EQUAL(in.problem, "too long");
  CAF_CHECK(in.form.empty());
}

CAF_TEST(cookies keep their order and may repeat) {
  auto request = get_request("/");
  request.insert(rt::http_field::cookie, "a=1;b=x=y ;  a=2");
  request.insert(rt::http_field::cookie, "c=");
  const auto in = read(request);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"a", "1"}, {"b", "x=y"}, {"a", "2"}, {"c", ""}};
  CAF_CHECK(in.cookies == expected);
}

CAF_TEST(cookies without a name are passed over) {
  auto request = get_request("/");
  request.set(rt::http_field::cookie, "; =x; flag;; a=1;");
  const auto in = read(request);
  CAF_CHECK(in.cookies == (std::vector<std::pair<std::string, std::string>>{{"a", "1"}}));
}
