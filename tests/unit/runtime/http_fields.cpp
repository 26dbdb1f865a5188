#define CAF_SUITE http_fields
#include "runtime/http_fields.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::runtime;

CAF_TEST(names are compared without regard to the case of letters only) {
  CAF_CHECK(iequals("Content-Length", "cONTENT-lENGTH"));
  CAF_CHECK(iequals("", ""));
  CAF_CHECK(!iequals("a", "ab"));
  CAF_CHECK(!iequals("@", "`"));  // one bit apart, as 'A' and 'a' are, but no letters
  CAF_CHECK(!iequals("[", "{"));
  CAF_CHECK(!iequals("-", "\r"));
  CAF_CHECK(!iequals("\xc4", "\xe4"));
}

CAF_TEST(the first field of a name is found) {
  const field_list fields{{"A", "1"}, {"b", "2"}, {"a", "3"}};
  CAF_REQUIRE(find_field(fields, "a") != nullptr);
  CAF_CHECK_EQUAL(find_field(fields, "a")->value, "1");
  CAF_CHECK_EQUAL(field_value(fields, "B"), "2");
  CAF_CHECK(find_field(fields, "c") == nullptr);
  CAF_CHECK_EQUAL(field_value(fields, "c"), "");
}

CAF_TEST(a list holds whole tokens in any case) {
  for (const auto* list : {"close", "Close", "keep-alive, close", "a,\tCLOSE ,b", ",,close,"})
    CAF_CHECK(list_contains(list, "close"));
  for (const auto* list : {"", ",", "closed", "not close", "clos,e", "keep-alive"})
    CAF_CHECK(!list_contains(list, "close"));
}

CAF_TEST(spaces and tabs go at both ends only) {
  CAF_CHECK_EQUAL(trim(" \t a b\t "), "a b");
  CAF_CHECK_EQUAL(trim(" \t"), "");
  CAF_CHECK_EQUAL(trim("\r\na"), "\r\na");
}
