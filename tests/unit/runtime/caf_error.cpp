#define CAF_SUITE caf_error
#include "runtime/caf_error.hpp"

#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>
#include <caf/test/unit_test.hpp>

using namespace postern::runtime;

CAF_TEST(our errors come back from actors as they went) {
  for (const auto category : {error_category::invalid_input, error_category::forbidden,
                              error_category::overloaded, error_category::internal}) {
    const error e{category, "some_cause", "sts", "for the log"};
    CAF_CHECK(from_caf(to_caf(e)) == e);
  }
  CAF_CHECK(static_cast<bool>(to_caf(error{error_category::timeout, "late", {}, {}})));
}

CAF_TEST(errors that the actor system makes get a category and a cause) {
  const auto late = from_caf(caf::make_error(caf::sec::request_timeout));
  CAF_CHECK(late.category == error_category::timeout);
  CAF_CHECK_EQUAL(late.cause, "actor_timeout");
  for (const auto& gone : {caf::make_error(caf::sec::request_receiver_down),
                           caf::make_error(caf::exit_reason::user_shutdown),
                           caf::make_error(caf::exit_reason::kill)}) {
    CAF_CHECK(from_caf(gone).category == error_category::unavailable);
    CAF_CHECK_EQUAL(from_caf(gone).cause, "actor_down");
  }
  const auto odd = from_caf(caf::make_error(caf::sec::runtime_error, "why"));
  CAF_CHECK(odd.category == error_category::internal);
  CAF_CHECK_EQUAL(odd.cause, "actor_error");
  CAF_CHECK(odd.detail.find("why") != std::string::npos);
}

CAF_TEST(an error of ours without its texts keeps its category) {
  auto bare = to_caf(error{error_category::forbidden, "x", {}, {}});
  bare.context() = caf::message{};
  CAF_CHECK(from_caf(bare).category == error_category::forbidden);
  CAF_CHECK_EQUAL(from_caf(bare).cause, "unknown");
}
