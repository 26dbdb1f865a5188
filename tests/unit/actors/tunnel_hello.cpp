#define CAF_SUITE tunnel_hello
#include "actors/tunnel_hello.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::actors;

namespace {

std::string cause(const std::string& text) {
  const auto h = decode_tunnel_hello(text);
  return h ? "" : h.error().detail;
}

std::string with(const std::string& members) {
  return R"({"wire_version":1,"instance":"i-1",)" + members + "}";
}

uint32_t capacity(const std::string& value) {
  return decode_tunnel_hello(with("\"capacity\":" + value))->capacity;
}

}  // namespace

CAF_TEST(a hello arrives as it was said) {
  const tunnel_hello said{.instance = "i-1", .capacity = 1'000, .version = "1.2.3"};
  const auto heard = decode_tunnel_hello(encode_tunnel_hello(said));
  CAF_REQUIRE(heard.has_value());
  CAF_CHECK(*heard == said);
}

CAF_TEST(what is no hello is refused) {
  for (const auto* text :
       {"", "hello", "[]", "1", "null", "{}", R"({"instance":"i-1"})",
        R"({"wire_version":2,"instance":"i-1"})", R"({"wire_version":"1","instance":"i-1"})",
        R"({"wire_version":1})", R"({"wire_version":1,"instance":7})",
        R"({"wire_version":1,"instance":"two\nlines"})"})
    CAF_CHECK_NOT_EQUAL(cause(text), "");
  CAF_CHECK_NOT_EQUAL(cause(R"({"wire_version":1,"instance":")" + std::string(129, 'x') + "\"}"),
                      "");
  CAF_CHECK_NOT_EQUAL(cause(with("\"more\":\"" + std::string(5'000, 'x') + '"')), "");
}

CAF_TEST(what a connector of version 0.1.0 said is read) {
  const auto heard = decode_tunnel_hello(
      R"({"wire_version":1,"version":"0.1.0","instance":"d41d8cd98f00b204","capacity":1000})");
  CAF_REQUIRE(heard.has_value());
  const tunnel_hello expected{
      .instance = "d41d8cd98f00b204", .capacity = 1'000, .version = "0.1.0"};
  CAF_CHECK(*heard == expected);
}

CAF_TEST(members of a later version are passed over) {
  CAF_CHECK_EQUAL(cause(with(R"("colour":"blue")")), "");
}

CAF_TEST(a capacity is held within its bounds) {
  CAF_CHECK_EQUAL(capacity("250"), 250u);
  CAF_CHECK_EQUAL(capacity("0"), 1u);
  CAF_CHECK_EQUAL(capacity("-5"), 1u);
  CAF_CHECK_EQUAL(capacity("9000000000"), largest_hello_capacity);
  CAF_CHECK_EQUAL(capacity("\"many\""), 1u);
  CAF_CHECK_EQUAL(capacity("18446744073709551615"), 1u);
}
