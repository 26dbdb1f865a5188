#define CAF_SUITE byte_queue
#include "runtime/byte_queue.hpp"

#include <caf/test/dsl.hpp>

#include <random>
#include <string>

using namespace postern::runtime;

namespace {

std::string text(const byte_queue& q) {
  return {q.bytes().data(), q.bytes().size()};
}

}  // namespace

CAF_TEST(bytes leave in the order in which they came) {
  byte_queue q;
  CAF_CHECK(q.empty());
  CAF_CHECK_EQUAL(q.capacity(), 0u);
  q.append("one ").append("two ") += "three";
  CAF_CHECK_EQUAL(text(q), "one two three");
  q.consume(4);
  CAF_CHECK_EQUAL(text(q), "two three");
  q.consume(9);
  CAF_CHECK(q.empty());
}

CAF_TEST(what was filled counts and the rest of the room does not) {
  byte_queue q;
  q.append("ab");
  std::memcpy(q.prepare(1'000), "cd", 2);
  q.commit(2);
  CAF_CHECK_EQUAL(text(q), "abcd");
}

CAF_TEST(memory stays until it is released) {
  byte_queue q;
  q.append(std::string(100'000, 'x'));
  q.clear();
  CAF_CHECK(q.empty());
  CAF_CHECK(q.capacity() >= 100'000u);
  q.release();
  CAF_CHECK_EQUAL(q.capacity(), 0u);
  q.append("again");
  CAF_CHECK_EQUAL(text(q), "again");
}

CAF_TEST(a queue that is never empty does not grow without bound) {
  byte_queue q;
  const std::string piece(1'000, 'x');
  q.append(piece);
  for (int i = 0; i < 10'000; ++i) {
    q.append(piece);
    q.consume(piece.size());
  }
  CAF_CHECK_EQUAL(q.size(), 1'000u);
  CAF_CHECK(q.capacity() <= 8'000u);
}

CAF_TEST(a queue holds no more than three times what waited) {
  const std::string piece(16, 'x');
  for (size_t waiting = 1'000; waiting < 4'000; waiting += 10) {
    byte_queue q;
    for (size_t sent = 0; sent < 10 * waiting; sent += piece.size()) {
      q.append(piece);
      if (q.size() > waiting) q.consume(piece.size());
    }
    CAF_REQUIRE(q.capacity() <= 3 * (waiting + piece.size()) + 2 * piece.size());
  }
}

CAF_TEST(it agrees with a plain queue whatever is done) {
  std::mt19937 random{7};
  byte_queue q;
  std::string model;
  for (int step = 0; step < 20'000; ++step) {
    const size_t n = random() % 700;
    switch (random() % 4) {
      case 0:
      case 1: {
        const std::string piece(n, static_cast<char>('a' + step % 26));
        q.append(piece);
        model += piece;
        break;
      }
      case 2: {
        auto* room = q.prepare(n);
        std::memset(room, 'P', n / 2);
        q.commit(n / 2);
        model.append(n / 2, 'P');
        break;
      }
      default: {
        const auto gone = std::min(model.size(), 2 * n);
        q.consume(gone);
        model.erase(0, gone);
      }
    }
    CAF_REQUIRE_EQUAL(q.size(), model.size());
    if (step % 50 == 0) CAF_REQUIRE_EQUAL(text(q), model);
  }
}
