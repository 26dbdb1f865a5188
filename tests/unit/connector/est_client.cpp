#define CAF_SUITE est_client
// What needs a service that answers over TLS is tested by tests/end_to_end.

#include "connector/est_client.hpp"

#include "runtime/encoding.hpp"
#include "tests/unit/runtime/event_loop.hpp"

#include <caf/test/dsl.hpp>

#include <optional>

using namespace postern::connector;
using namespace postern::runtime;

CAF_TEST(an enrolment token goes as the password of a user that all tokens share) {
  const auto field = token_credentials("s3cret:+/=");
  CAF_REQUIRE(field.starts_with("Basic "));
  const auto plain = from_base64(field.substr(6));
  CAF_REQUIRE(plain.has_value());
  CAF_CHECK_EQUAL(*plain, "enrolment:s3cret:+/=");
}

CAF_TEST(an access token goes as it is) {
  CAF_CHECK_EQUAL(bearer_credentials("e30.e30.x-_"), "Bearer e30.e30.x-_");
}

CAF_TEST(without a certificate of before nothing is asked for in its name) {
  shard home{0};
  const auto link = service_link::make("https://connect.localhost:1", "", std::nullopt);
  CAF_REQUIRE(link.has_value());
  std::optional<result<identity>> got;
  postern::test::start(home, [&]() -> awaitable<void> {
    identity none;
    got.emplace(co_await simple_reenroll(home, **link, std::move(none)));
  });
  CAF_REQUIRE(postern::test::run_until(home, [&] { return got.has_value(); }));
  CAF_REQUIRE(!*got);
  // It is the certificate that is wrong, and not the way to a service that is not there.
  CAF_CHECK_NOT_EQUAL(got->error().cause, "connection_refused");
}
