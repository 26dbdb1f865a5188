#define CAF_SUITE unique_function
#include "runtime/unique_function.hpp"

#include <caf/test/unit_test.hpp>

#include <array>
#include <memory>
#include <string>

using postern::runtime::unique_function;

namespace {

/// Knows how many of its kind are alive.
struct counted {
  explicit counted(int& n) : alive(&n) { ++*alive; }
  counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
  counted(const counted&) = delete;
  ~counted() { --*alive; }
  int* alive;
};

}  // namespace

CAF_TEST(an empty function says so) {
  unique_function<void()> f, g{nullptr};
  CAF_CHECK(!f);
  CAF_CHECK(!g);
}

CAF_TEST(arguments go in and results come out) {
  unique_function<std::string(std::string, int&)> f = [](std::string text, int& n) {
    return text + std::to_string(++n);
  };
  int n = 6;
  CAF_CHECK_EQUAL(f("a", n), "a7");
  CAF_CHECK_EQUAL(n, 7);
}

CAF_TEST(what cannot be copied is held and passed on) {
  unique_function<int(std::unique_ptr<int>)> f =
      [kept = std::make_unique<int>(40)](std::unique_ptr<int> more) { return *kept + *more; };
  auto moved = std::move(f);
  CAF_CHECK(!f);  // NOLINT(bugprone-use-after-move): that is what is asked
  CAF_CHECK_EQUAL(moved(std::make_unique<int>(2)), 42);
}

CAF_TEST(small and large callables live exactly as long as their function) {
  int small = 0, large = 0;
  {
    unique_function<void()> a = [c = counted{small}] {};
    unique_function<void()> b = [c = counted{large}, room = std::array<char, 100>{}] {
      static_cast<void>(room);
    };
    CAF_CHECK_EQUAL(small, 1);
    CAF_CHECK_EQUAL(large, 1);
    auto c = std::move(a);
    auto d = std::move(b);
    CAF_CHECK_EQUAL(small, 1);
    CAF_CHECK_EQUAL(large, 1);
    c = std::move(d);  // lets go of the small one, takes the large one
    CAF_CHECK_EQUAL(small, 0);
    CAF_CHECK_EQUAL(large, 1);
    c = nullptr;
    CAF_CHECK_EQUAL(large, 0);
    CAF_CHECK(!c);
  }
  CAF_CHECK_EQUAL(small, 0);
  CAF_CHECK_EQUAL(large, 0);
}

CAF_TEST(moving onto itself changes nothing) {
  unique_function<int()> f = [p = std::make_unique<int>(3)] { return *p; };
  auto& same = f;
  f = std::move(same);
  CAF_REQUIRE(static_cast<bool>(f));
  CAF_CHECK_EQUAL(f(), 3);
}
