#define CAF_SUITE random_source
#include "runtime/random_source.hpp"

#include <caf/test/unit_test.hpp>

#include <array>
#include <set>
#include <vector>

namespace rt = postern::runtime;

CAF_TEST(the same seed gives the same bytes) {
  rt::seeded_random_source a(7);
  rt::seeded_random_source b(7);
  rt::seeded_random_source c(8);
  const auto first = a.hex(21);
  CAF_CHECK_EQUAL(first, b.hex(21));
  CAF_CHECK_NOT_EQUAL(first, c.hex(21));
  CAF_CHECK_NOT_EQUAL(first, a.hex(21));
}

CAF_TEST(texts have the promised length and alphabet) {
  rt::system_random_source random;
  const auto hex = random.hex(16);
  CAF_CHECK_EQUAL(hex.size(), 32u);
  CAF_CHECK_EQUAL(hex.find_first_not_of("0123456789abcdef"), std::string::npos);
  const auto token = random.token(32);
  CAF_CHECK_EQUAL(token.size(), 43u);
  CAF_CHECK_EQUAL(
      token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
  CAF_CHECK_EQUAL(random.hex(0), "");
}

CAF_TEST(the system never repeats itself) {
  rt::system_random_source random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i)
    seen.insert(random.token(16));
  CAF_CHECK_EQUAL(seen.size(), 1000u);
}

CAF_TEST(numbers stay below the bound and reach all of it) {
  rt::seeded_random_source random(1);
  std::array<int, 6> counts{};
  for (int i = 0; i < 6000; ++i) {
    const auto number = random.below(6);
    CAF_REQUIRE(number < 6);
    ++counts[number];
  }
  for (const int count : counts)
    CAF_CHECK(count > 800 && count < 1200);
  CAF_CHECK_EQUAL(random.below(1), 0u);
}

CAF_TEST(numbers that would favour small results are drawn again) {
  // The bound is three quarters of the range, so that the first quarter of the numbers is
  // over-represented.
  struct scripted final : rt::random_source {
    std::vector<uint64_t> numbers;
    void fill(std::span<uint8_t> out) override {
      for (size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<uint8_t>(numbers.front() >> (8 * i));
      numbers.erase(numbers.begin());
    }
  };
  scripted random;
  const uint64_t quarter = uint64_t{1} << 62;
  random.numbers = {0, quarter - 1, quarter, 5};
  CAF_CHECK_EQUAL(random.below(3 * quarter), quarter);
  CAF_CHECK_EQUAL(random.numbers.size(), 1u);
}
