#define CAF_SUITE websocket_key
#include "edge/websocket_key.hpp"

#include <caf/test/dsl.hpp>

using namespace postern;

CAF_TEST(the accept of a key is that of the RFC) {
  CAF_CHECK_EQUAL(edge::accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

CAF_TEST(keys are sixteen bytes in base64 and differ) {
  runtime::seeded_random_source random{1};
  const auto one = edge::new_websocket_key(random), other = edge::new_websocket_key(random);
  CAF_CHECK_EQUAL(one.size(), 24u);
  CAF_CHECK(one.ends_with("=="));
  CAF_CHECK(one != other);
}
