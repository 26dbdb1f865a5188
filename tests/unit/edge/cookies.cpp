#define CAF_SUITE cookies
#include "edge/cookies.hpp"

#include "tests/unit/edge/samples.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::edge;
using namespace postern::edge::samples;

namespace {

std::string foreign(std::string_view header) {
  std::string out;
  append_foreign_cookies(out, header);
  return out;
}

}  // namespace

CAF_TEST(a cookie is found by its exact name) {
  CAF_CHECK_EQUAL(find_cookie("a=1; b=2;c=3", "b"), "2");
  CAF_CHECK_EQUAL(find_cookie("a=1; b=2;c=3", "c"), "3");
  CAF_CHECK_EQUAL(find_cookie("a=x=y", "a"), "x=y");
  CAF_CHECK_EQUAL(find_cookie("ab=1; b=2", "b"), "2");
  CAF_CHECK_EQUAL(find_cookie("a=1; a=2", "a"), "1");
  for (const auto* header : {"", ";", "=1", "B=1", "bb=1", " ; ;"})
    CAF_CHECK_EQUAL(find_cookie(header, "b"), "");
}

CAF_TEST(our own cookies are known with any prefix) {
  for (const auto* name :
       {"__Host-postern", "postern", "__Secure-postern-0123abcd", "postern-0123abcd",
        "__Host-postern-attempt-aB_-0123", "postern-attempt-aB_-0123"})
    CAF_CHECK(is_own_cookie(name));
}

CAF_TEST(cookies that only look like ours are those of the application) {
  for (const auto* name :
       {"", "Postern", "__host-postern", "posternx", "postern-", "postern-0123abc",
        "postern-0123abcX", "postern-0123abcde", "postern-attempt-", "postern-attempt-short",
        "postern-attempt-0123456.", "xpostern", "__Host-", "__Secure-__Host-postern"})
    CAF_CHECK(!is_own_cookie(name));
}

CAF_TEST(an origin sets no cookie of ours whatever it writes) {
  for (const auto* field :
       {"__Host-postern=x; Path=/", "__Host-postern=x", " __Host-postern =x",
        "\t__Host-postern\t=x", "postern-0123abcd=x", "=__Host-postern=x; Domain=example.com",
        " = postern=x", "==postern=x", "__Host-postern", "__Host-postern; Path=/"})
    CAF_CHECK_EQUAL(std::string{field} + (sets_own_cookie(field) ? "" : " passes"), field);
  for (const auto* field :
       {"a=__Host-postern=x", "=a=b", "own; Path=/", "", ";", "=", "posternx=1"})
    CAF_CHECK_EQUAL(std::string{field} + (sets_own_cookie(field) ? " is dropped" : ""), field);
}

CAF_TEST(only foreign cookies go on) {
  CAF_CHECK_EQUAL(foreign("a=1; __Host-postern=x; b=2"), "a=1; b=2");
  CAF_CHECK_EQUAL(foreign("a=1;__Host-postern=x;b=2"), "a=1; b=2");
  CAF_CHECK_EQUAL(foreign(";  __Host-postern=x;  a=1;  b=2"), "a=1; b=2");
  CAF_CHECK_EQUAL(foreign("__Host-postern-attempt-01234567=x"), "");
  CAF_CHECK_EQUAL(foreign(" __Host-postern =x; a=\"1 2\""), "a=\"1 2\"");
  CAF_CHECK_EQUAL(foreign("alone; a=b=c"), "alone; a=b=c");
  CAF_CHECK_EQUAL(foreign(""), "");
}

CAF_TEST(several fields become one) {
  std::string out;
  append_foreign_cookies(out, "a=1");
  append_foreign_cookies(out, "postern=x");
  append_foreign_cookies(out, "b=2");
  CAF_CHECK_EQUAL(out, "a=1; b=2");
}

CAF_TEST(a cookie has the strongest prefix that fits) {
  CAF_CHECK_EQUAL(own_cookie_name(wiki, "postern"), "__Host-postern");
  CAF_CHECK_EQUAL(own_cookie_name(reports, "postern"), "__Secure-postern");
  auto plain = wiki;
  plain.secure_cookie = false;
  CAF_CHECK_EQUAL(own_cookie_name(plain, "postern"), "postern");
}

CAF_TEST(attributes are those of the application) {
  CAF_CHECK_EQUAL(make_set_cookie(wiki, "n", "v", {}, true),
                  "n=v; Path=/; HttpOnly; Secure; SameSite=Lax");
  CAF_CHECK_EQUAL(make_set_cookie(reports, "n", "v", 60, false),
                  "n=v; Path=/deep/reports/; Max-Age=60; Secure; SameSite=Lax");
  auto plain = wiki;
  plain.secure_cookie = false;
  CAF_CHECK_EQUAL(make_set_cookie(plain, "n", "", 0, true),
                  "n=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
}
