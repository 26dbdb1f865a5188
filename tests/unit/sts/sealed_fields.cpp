#define CAF_SUITE sealed_fields
#include "sts/sealed_fields.hpp"

#include <caf/test/unit_test.hpp>

#include <limits>

using namespace postern::sts;
namespace rt = postern::runtime;

namespace {

struct fixture {
  rt::seeded_random_source random{7};
  rt::key_ring ring{{rt::make_sealing_key(random)}, random};

  static std::optional<int64_t> number(const std::string& text) {
    return number_of({{"n", text}}, "n");
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(sealed_fields_tests, fixture)

CAF_TEST(fields come back as they were whatever they hold) {
  const fields content{{"a&b", "c=d"},
                       {"blank", " + %"},
                       {"bytes", std::string("\0\xff\n", 3)},
                       {"empty", ""},
                       {"nested", "x=1&y=%20"}};
  auto opened = open_fields(ring, seal_fields(ring, content, "test"), "test");
  CAF_REQUIRE(opened.has_value());
  CAF_CHECK(*opened == content);
}

CAF_TEST(no fields at all are something else than nothing) {
  auto opened = open_fields(ring, seal_fields(ring, {}, "test"), "test");
  CAF_REQUIRE(opened.has_value());
  CAF_CHECK(opened->empty());
  CAF_CHECK(!open_fields(ring, "", "test"));
}

CAF_TEST(a sealed text needs no quoting in a cookie or an attribute) {
  const auto sealed = seal_fields(ring, {{"user", "ada-lovelace\"; <>"}}, "test");
  CAF_CHECK_EQUAL(sealed.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                           "0123456789-_."),
                  std::string::npos);
  CAF_CHECK_EQUAL(sealed.find("lovelace"), std::string::npos);
}

CAF_TEST(another purpose or another ring opens nothing) {
  const auto sealed = seal_fields(ring, {{"user", "ada"}}, "cookie");
  CAF_CHECK(open_fields(ring, sealed, "cookie").has_value());
  CAF_CHECK(!open_fields(ring, sealed, "code"));
  const rt::key_ring other{{rt::make_sealing_key(random)}, random};
  CAF_CHECK(!open_fields(other, sealed, "cookie"));
}

CAF_TEST(what was sealed but is no fields is nothing) {
  CAF_CHECK(!open_fields(ring, ring.seal("a=%zz", "test"), "test"));
}

CAF_TEST(numbers are whole and fit) {
  CAF_CHECK(number("0") == 0);
  CAF_CHECK(number("-1") == -1);
  CAF_CHECK(number("1700000000") == 1'700'000'000);
  CAF_CHECK(number("9223372036854775807") == std::numeric_limits<int64_t>::max());
  CAF_CHECK(number("-9223372036854775808") == std::numeric_limits<int64_t>::min());
  for (auto text : {"", "9223372036854775808", "-9223372036854775809", "+1", " 1", "1 ", "1.5",
                    "0x10", "1e3", "-", "soon"})
    CAF_CHECK(!number(text));
  CAF_CHECK(!number_of({}, "n"));
}

CAF_TEST_FIXTURE_SCOPE_END()
