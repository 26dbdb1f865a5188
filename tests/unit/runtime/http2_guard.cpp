#define CAF_SUITE http2_guard
#include "runtime/http2_guard.hpp"

#include <caf/test/dsl.hpp>

#include <string>

using postern::runtime::http2_guard;
using namespace std::chrono_literals;

namespace {

enum type : char { data, headers, priority, reset, settings, push, ping, goaway, window, more };

std::string frame(char type, size_t length, char flags = 0) {
  std::string text(9 + length, 'x');
  text[0] = static_cast<char>(length >> 16);
  text[1] = static_cast<char>(length >> 8);
  text[2] = static_cast<char>(length);
  text[3] = type;
  text[4] = flags;
  return text;
}

struct fixture {
  http2_guard::time_point now{};
  http2_guard guard{now};

  fixture() { CAF_REQUIRE(receive(std::string(24, 'p'))); }

  bool receive(const std::string& bytes) { return guard.on_received(bytes, now); }

  /// How many of them pass in a burst, at most `most`.
  int burst(const std::string& one, int most) {
    for (int n = 0; n < most; ++n)
      if (!receive(one)) return n;
    return most;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http2_guard_tests, fixture)

CAF_TEST(floods of frames without a use end after a thousand) {
  for (const auto& one : {frame(priority, 5), frame(settings, 0), frame(ping, 8), frame(reset, 4),
                          frame(data, 0), frame(more, 10), frame(77, 3)}) {
    guard = http2_guard{now};
    CAF_REQUIRE(receive(std::string(24, 'p')));
    CAF_CHECK_EQUAL(burst(one, 5'000), 1'000);
    CAF_CHECK(!receive(frame(headers, 20)));
  }
}

CAF_TEST(requests and content cost nothing) {
  CAF_CHECK_EQUAL(burst(frame(headers, 50), 100'000), 100'000);
  CAF_CHECK_EQUAL(burst(frame(data, 1), 100'000), 100'000);
  CAF_CHECK_EQUAL(burst(frame(data, 0, 1), 100'000), 100'000);
}

CAF_TEST(a client that reads may open its windows as often as it gets content) {
  for (int i = 0; i < 100'000; ++i) {
    guard.on_content_sent();
    CAF_REQUIRE(receive(frame(window, 4)));
    CAF_REQUIRE(receive(frame(window, 4)));
  }
  CAF_CHECK_LESS(burst(frame(window, 4), 50'000), 10'001);
}

CAF_TEST(time forgives) {
  CAF_CHECK_EQUAL(burst(frame(ping, 8), 900), 900);
  for (int second = 0; second < 100; ++second) {
    now += 1s;
    CAF_REQUIRE_EQUAL(burst(frame(ping, 8), 30), 30);
  }
  now += 24h;
  CAF_CHECK_EQUAL(burst(frame(ping, 8), 5'000), 1'000);
}

CAF_TEST(streams that the peer makes us reset are dear) {
  int resets = 0;
  while (guard.on_reset_sent())
    ++resets;
  CAF_CHECK_EQUAL(resets, 200);
}

CAF_TEST(frames are found in pieces of any size) {
  std::string all;
  for (int i = 0; i < 1'500; ++i)
    all += frame(ping, 8) + frame(data, 100) + frame(headers, 13);
  size_t taken = 0;
  for (size_t at = 0, step = 1; at < all.size(); at += step, step = step % 23 + 1) {
    if (!receive(all.substr(at, step))) break;
    taken = at + step;
  }
  const auto round = frame(ping, 8).size() + frame(data, 100).size() + frame(headers, 13).size();
  CAF_CHECK_EQUAL(taken / round, 1'000u);
}

CAF_TEST_FIXTURE_SCOPE_END()
