#include "runtime/random_source.hpp"

#include "runtime/encoding.hpp"
#include "runtime/error.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

namespace postern::runtime {

std::string random_source::hex(size_t bytes) {
  std::vector<uint8_t> buffer(bytes);
  fill(buffer);
  return to_hex(buffer);
}

std::string random_source::token(size_t bytes) {
  std::vector<uint8_t> buffer(bytes);
  fill(buffer);
  return to_base64url({reinterpret_cast<const char*>(buffer.data()), buffer.size()});
}

uint64_t random_source::below(uint64_t bound) {
  ensure(bound != 0, "a random number below 0 was asked for");
  // Numbers under the threshold would make the small results likelier than the others.
  const uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    std::array<uint8_t, sizeof(uint64_t)> bytes{};
    fill(bytes);
    uint64_t number = 0;
    std::memcpy(&number, bytes.data(), bytes.size());
    if (number >= threshold) return number % bound;
  }
}

namespace {

/// What one call of OpenSSL yields serves many identifiers: a call costs more than a kilobyte does.
/// Bytes are overwritten when they are handed out, so that what was a secret is not kept here.
struct random_stock {
  std::array<uint8_t, 2048> bytes{};
  size_t left = 0;

  void take(std::span<uint8_t> out) {
    if (left < out.size()) {
      ensure(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1,
             "no randomness to be had");
      left = bytes.size();
    }
    left -= out.size();
    std::copy_n(bytes.data() + left, out.size(), out.begin());
    OPENSSL_cleanse(bytes.data() + left, out.size());
  }
};

constexpr size_t most_from_stock = 64;

}  // namespace

void system_random_source::fill(std::span<uint8_t> out) {
  if (out.size() <= most_from_stock) {
    static thread_local random_stock stock;
    stock.take(out);
    return;
  }
  constexpr size_t most = std::numeric_limits<int>::max();
  while (!out.empty()) {
    const size_t size = std::min(out.size(), most);
    ensure(RAND_bytes(out.data(), static_cast<int>(size)) == 1, "no randomness to be had");
    out = out.subspan(size);
  }
}

void seeded_random_source::fill(std::span<uint8_t> out) {
  while (!out.empty()) {
    const uint64_t number = engine_();
    const size_t size = std::min(out.size(), sizeof(number));
    // Byte by byte, so that a seed means the same on every machine.
    for (size_t i = 0; i < size; ++i)
      out[i] = static_cast<uint8_t>(number >> (8 * i));
    out = out.subspan(size);
  }
}

}  // namespace postern::runtime
