#define CAF_SUITE wording

#include "config/wording.hpp"

#include <caf/test/dsl.hpp>

#include <array>

using namespace postern::config;

namespace {

constexpr std::array<std::string_view, 3> keys{"internal_url", "external_url", "name"};

}  // namespace

CAF_TEST(the nearest key is suggested) {
  CAF_CHECK_EQUAL(nearest("interal_url", keys), "internal_url");
  CAF_CHECK_EQUAL(nearest("nam", keys), "name");
  CAF_CHECK_EQUAL(nearest("naem", keys), "name");
  CAF_CHECK_EQUAL(unknown_key("nam", keys), R"(unknown key "nam"; did you mean "name"?)");
}

CAF_TEST(a key like no other gets a list instead of a suggestion) {
  CAF_CHECK_EQUAL(nearest("colour", keys), "");
  CAF_CHECK_EQUAL(unknown_key("colour", keys),
                  R"(unknown key "colour"; known are internal_url, external_url, name)");
}

CAF_TEST(a very long key is not compared at all) {
  CAF_CHECK_EQUAL(nearest(std::string(10'000, 'n'), keys), "");
}

CAF_TEST(quotes are safe on a terminal) {
  CAF_CHECK_EQUAL(quote("a\x1b[2J\n"), R"("a\x1b[2J\x0a")");
  CAF_CHECK_EQUAL(quote(std::string(500, 'x')).size(), 125u);
}

CAF_TEST(an empty text is called nothing) {
  CAF_CHECK_EQUAL(expected("a name", ""), "expected a name, found nothing");
  CAF_CHECK_EQUAL(expected("a name", "?"), R"(expected a name, found "?")");
}

CAF_TEST(TOML text escapes quotes and control characters) {
  CAF_CHECK_EQUAL(toml_text("a\"b\\c\n"), R"("a\"b\\c\u000A")");
}
