#define CAF_SUITE endpoint

#include "config/endpoint.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;

CAF_TEST(an address with a port is read and written as it was) {
  for (const auto* text : {"192.0.2.1:443", "[2001:db8::1]:8443", "127.0.0.1:65535"}) {
    const auto read = parse_endpoint(text);
    CAF_REQUIRE(read.has_value());
    CAF_CHECK_EQUAL(to_string(*read), text);
  }
  const auto six = parse_endpoint("[::1]:1").value();
  CAF_CHECK_EQUAL(six.address, "::1");
}

CAF_TEST(names and halves are refused) {
  for (const auto* text :
       {"", ":", "443", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:x", "192.0.2.1:443 ",
        "192.0.2.1:65536", "example.com:443", "::1:443", "[192.0.2.1]:443", "2001:db8::1"})
    CAF_CHECK(!parse_endpoint(text));
}
