#define CAF_SUITE waiting_content

#include "runtime/waiting_content.hpp"

#include <caf/test/dsl.hpp>

using postern::runtime::waiting_content;

CAF_TEST(all has gone once nothing is left) {
  waiting_content content;
  CAF_CHECK_EQUAL(content.take_gone(0), 0u);
  content.add(10);
  content.add(5);
  CAF_CHECK_EQUAL(content.take_gone(0), 15u);
  CAF_CHECK_EQUAL(content.take_gone(0), 0u);
}

CAF_TEST(framing that has gone is not told as content) {
  waiting_content content;
  content.add(10);
  CAF_CHECK_EQUAL(content.take_gone(15), 0u);
  CAF_CHECK_EQUAL(content.take_gone(11), 0u);
  CAF_CHECK_EQUAL(content.take_gone(4), 6u);
  CAF_CHECK_EQUAL(content.take_gone(0), 4u);
}

CAF_TEST(however much goes what waits stays bounded) {
  waiting_content content;
  size_t queued = 0;
  size_t told = 0;
  size_t given = 0;
  for (int round = 0; round < 10'000; ++round) {
    for (; given - told < 1'000; given += 10) {  // ten of content in five of framing
      content.add(10);
      queued += 15;
    }
    queued -= 100;
    told += content.take_gone(queued);
    CAF_REQUIRE(queued <= 1'515);
  }
}

CAF_TEST(what is forgotten is not told) {
  waiting_content content;
  content.add(10);
  content.clear();
  CAF_CHECK_EQUAL(content.take_gone(0), 0u);
}
