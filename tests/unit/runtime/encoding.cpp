#define CAF_SUITE encoding
#include "runtime/encoding.hpp"

#include <caf/test/unit_test.hpp>

#include <vector>

namespace rt = postern::runtime;
using namespace std::string_literals;

namespace {

struct vector64 {
  std::string bytes;
  std::string base64;
  std::string base64url;
};

// RFC 4648, section 10, and the two characters in which the alphabets differ.
const std::vector<vector64> vectors = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\x00"s, "+/8A", "-_8A"},
};

}  // namespace

CAF_TEST(base64 follows the vectors of RFC 4648) {
  for (const auto& v : vectors) {
    CAF_CHECK_EQUAL(rt::to_base64(v.bytes), v.base64);
    CAF_CHECK_EQUAL(rt::to_base64url(v.bytes), v.base64url);
    CAF_CHECK(rt::from_base64(v.base64) == v.bytes);
    CAF_CHECK(rt::from_base64url(v.base64url) == v.bytes);
  }
}

CAF_TEST(white space is skipped in base64 only) {
  CAF_CHECK(rt::from_base64("Zm9v\r\nYm\tE =\n") == "fooba");
  CAF_CHECK(!rt::from_base64url("Zm9v\nYmFy"));
}

CAF_TEST(malformed base64 is refused) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "====", "Zh==", "Zm9=", "Z*==", "-_8A", "Zg==Zg=="})
    CAF_CHECK(!rt::from_base64(text));
  for (const char* text : {"Z", "Zh", "Zm9", "Zg==", "+/8A", "Zm9vY"})
    CAF_CHECK(!rt::from_base64url(text));
}

CAF_TEST(hexadecimal is lower case with two digits a byte) {
  const std::vector<uint8_t> bytes{0x00, 0x0f, 0xa0, 0xff};
  CAF_CHECK_EQUAL(rt::to_hex(bytes), "000fa0ff");
}

CAF_TEST(sha256 follows the vector of FIPS 180) {
  const auto digest = rt::sha256("abc");
  CAF_CHECK_EQUAL(rt::to_hex({reinterpret_cast<const uint8_t*>(digest.data()), digest.size()}),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

CAF_TEST(the constant time compare tells equal from different) {
  CAF_CHECK(rt::equal_in_constant_time("", ""));
  CAF_CHECK(rt::equal_in_constant_time("same", "same"));
  CAF_CHECK(!rt::equal_in_constant_time("same", "sama"));
  CAF_CHECK(!rt::equal_in_constant_time("same", "same "));
}

CAF_TEST(percent encoding keeps unreserved characters only) {
  CAF_CHECK_EQUAL(rt::percent_encode("aZ09-._~"), "aZ09-._~");
  CAF_CHECK_EQUAL(rt::percent_encode("a b/?&=+%\xc3\xa4"), "a%20b%2F%3F%26%3D%2B%25%C3%A4");
}

CAF_TEST(form values are decoded or refused) {
  CAF_CHECK(rt::form_decode("a+b%20c%2Bd%c3%A4") == "a b c+d\xc3\xa4");
  for (const char* text : {"%", "%4", "%zz", "a%2", "%-1"})
    CAF_CHECK(!rt::form_decode(text));
}

CAF_TEST(a form is read with the first value of a repeated name) {
  const auto fields = rt::parse_form("a=1&b=x%3Dy&a=2&flag&=empty&&e=");
  CAF_REQUIRE(fields.has_value());
  const std::map<std::string, std::string> expected{
      {"a", "1"}, {"b", "x=y"}, {"flag", ""}, {"", "empty"}, {"e", ""}};
  CAF_CHECK(*fields == expected);
  CAF_CHECK(!rt::parse_form("a=1&b=%4"));
  CAF_CHECK(!rt::parse_form("%zz=1"));
  CAF_CHECK(rt::parse_form("")->empty());
}

CAF_TEST(a form survives the way there and back) {
  const std::map<std::string, std::string> fields{{"redirect uri", "https://a/?b=c&d"},
                                                  {"state", "+%"}};
  CAF_CHECK_EQUAL(rt::make_form(fields),
                  "redirect%20uri=https%3A%2F%2Fa%2F%3Fb%3Dc%26d&state=%2B%25");
  CAF_CHECK(rt::parse_form(rt::make_form(fields)) == fields);
}

CAF_TEST(text for HTML cannot leave its place) {
  CAF_CHECK_EQUAL(rt::html_escape("<a href=\"x\" b='y'>&amp;"),
                  "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
}
