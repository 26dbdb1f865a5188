#define CAF_SUITE answers
#include "edge/answers.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern;
using namespace postern::edge;

namespace {

std::string joined(std::string_view path) {
  const auto segments = split_path(path);
  if (!segments) return "none";
  std::string out;
  for (const auto& s : *segments)
    out += "[" + s + "]";
  return out;
}

}  // namespace

CAF_TEST(a target is path and query) {
  CAF_CHECK_EQUAL(split_target("/a?b?c").path, "/a");
  CAF_CHECK_EQUAL(split_target("/a?b?c").query, "b?c");
  CAF_CHECK_EQUAL(split_target("/a").query, "");
}

CAF_TEST(parameters are decoded and repeated ones refused) {
  const auto read = read_parameters("a=1&b=%2F+x&&c");
  CAF_REQUIRE(read.has_value());
  CAF_CHECK_EQUAL(value_of(*read, "b"), "/ x");
  CAF_CHECK_EQUAL(value_of(*read, "c"), "");
  CAF_CHECK_EQUAL(value_of(*read, "d"), "");
  CAF_CHECK(!read_parameters("a=1&a=1"));
  CAF_CHECK(!read_parameters("a=%zz"));
  CAF_CHECK(read_parameters("")->empty());
}

CAF_TEST(path segments are decoded one by one) {
  CAF_CHECK_EQUAL(joined("/a/b%2Fc/+"), "[a][b/c][+]");
  CAF_CHECK_EQUAL(joined("/"), "[]");
  CAF_CHECK_EQUAL(joined("/a/"), "[a][]");
  for (const auto* path : {"", "a", "/%", "/%zz", "/a%00", "/a%0Ab"})
    CAF_CHECK_EQUAL(joined(path), "none");
}

CAF_TEST(credentials are those of the scheme asked for) {
  runtime::http_request request;
  CAF_CHECK_EQUAL(credentials_of(request, "Bearer"), "");
  request.set(runtime::http_field::authorization, "bearer  a.b.c ");
  CAF_CHECK_EQUAL(credentials_of(request, "Bearer"), "a.b.c");
  CAF_CHECK_EQUAL(credentials_of(request, "Basic"), "");
  for (const auto* field : {"Bearer", "Bearer ", "Bearerx a", "Bear er"}) {
    request.set(runtime::http_field::authorization, field);
    CAF_CHECK_EQUAL(credentials_of(request, "Bearer"), "");
  }
}

CAF_TEST(all cookie fields become one) {
  runtime::http_request request;
  request.insert(runtime::http_field::cookie, "a=1");
  request.insert(runtime::http_field::cookie, "b=2");
  CAF_CHECK_EQUAL(joined_cookies(request), "a=1; b=2");
}

CAF_TEST(a media type has no parameters) {
  runtime::http_request request;
  request.set(runtime::http_field::content_type, "application/json ; charset=utf-8");
  CAF_CHECK_EQUAL(media_type_of(request), "application/json");
}

CAF_TEST(times are utc) {
  CAF_CHECK_EQUAL(to_rfc3339(runtime::from_unix_seconds(0)), "1970-01-01T00:00:00Z");
  CAF_CHECK_EQUAL(to_rfc3339(runtime::from_unix_seconds(1'769'860'799)), "2026-01-31T11:59:59Z");
}
