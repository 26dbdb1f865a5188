#define CAF_SUITE json_access

#include "control/json_access.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::control;

namespace {

struct fixture {
  boost::json::object o = boost::json::parse(R"({
    "text":"a b","empty":"","yes":true,"no":false,"small":-7,"zero":0,"large":18446744073709551615,
    "whole":3.0,"half":1.5,"nothing":null,"list":["a",1,true],"none":[],
    "inner":{"name":"x"},"digits":"5","moment":1800000000,"early":-1,"beyond":9223372036854775807,
    "rfc":"2026-01-31T12:00:00Z"})")
                              .as_object();
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(json_access_tests, fixture)

CAF_TEST(members of every kind read as text) {
  CAF_CHECK_EQUAL(text_of(o, "text"), "a b");
  CAF_CHECK_EQUAL(text_of(o, "small"), "-7");
  CAF_CHECK_EQUAL(text_of(o, "large"), "18446744073709551615");
  CAF_CHECK_EQUAL(text_of(o, "yes"), "yes");
  CAF_CHECK_EQUAL(text_of(o, "no"), "no");
  CAF_CHECK_EQUAL(text_of(o, "list"), "a, 1, yes");
}

CAF_TEST(what has no text is empty) {
  for (auto key : {"absent", "empty", "nothing", "none", "inner", "", "Text"})
    CAF_CHECK_EQUAL(text_of(o, key), "");
}

CAF_TEST(numbers are whole or none) {
  CAF_CHECK_EQUAL(number_of(o, "small"), -7);
  CAF_CHECK_EQUAL(number_of(o, "zero", 9), 0);
  CAF_CHECK_EQUAL(number_of(o, "whole"), 3);
  CAF_CHECK_EQUAL(number_of(o, "absent"), 0);
  for (auto key : {"absent", "half", "large", "digits", "yes", "nothing", "list"})
    CAF_CHECK_EQUAL(number_of(o, key, -2), -2);
}

CAF_TEST(only true is true) {
  CAF_CHECK(is_true(o, "yes"));
  for (auto key : {"no", "absent", "text", "small", "nothing", "list", "inner"})
    CAF_CHECK(!is_true(o, key));
}

CAF_TEST(times are shown in one form whether they come as text or as seconds) {
  CAF_CHECK_EQUAL(time_of(o, "rfc"), "2026-01-31T12:00:00Z");
  CAF_CHECK_EQUAL(time_of(o, "moment"), "2027-01-15T08:00:00Z");
}

CAF_TEST(numbers that are no time are empty) {
  for (auto key : {"zero", "early", "half", "large", "beyond", "absent", "nothing", "inner"})
    CAF_CHECK_EQUAL(time_of(o, key), "");
}

CAF_TEST(a member that is no object has no members) {
  CAF_CHECK_EQUAL(text_of(object_of(o, "inner"), "name"), "x");
  for (auto key : {"absent", "nothing", "text", "list", "small"})
    CAF_CHECK(object_of(o, key).empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
