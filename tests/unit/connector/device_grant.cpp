#define CAF_SUITE device_grant

#include "connector/device_grant.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::connector;
using kind = poll_verdict::kind;

CAF_TEST(a token ends the waiting) {
  const auto verdict = read_poll(200, R"({"access_token":"secret","token_type":"Bearer"})");
  CAF_CHECK(verdict.what == kind::token);
  CAF_CHECK_EQUAL(verdict.access_token, "secret");
}

CAF_TEST(nobody has signed in yet) {
  CAF_CHECK(read_poll(400, R"({"error":"authorization_pending"})").what == kind::wait);
  CAF_CHECK(read_poll(400, R"({"error":"slow_down"})").what == kind::slow_down);
}

CAF_TEST(a refusal ends the waiting) {
  for (const auto* code : {"access_denied", "expired_token"}) {
    const auto verdict = read_poll(400, std::string{R"({"error":")"} + code + "\"}");
    CAF_CHECK(verdict.what == kind::failed);
    CAF_CHECK_EQUAL(verdict.failure.cause, code);
    CAF_CHECK_EQUAL(verdict.failure.source, "sts");
  }
}

CAF_TEST(what is no answer ends the waiting) {
  for (const auto* content :
       {"", "{", "[]", "{}", R"({"access_token":1})", R"({"access_token":""})", R"({"error":5})"}) {
    CAF_CHECK(read_poll(200, content).what == kind::failed);
    CAF_CHECK(read_poll(502, content).what == kind::failed);
    CAF_CHECK_EQUAL(read_poll(502, content).failure.cause, "sts_malformed");
  }
}
