#pragma once
// Randomness as a seam: identifiers, nonces, serial numbers, jitter. Simulation passes a seeded
// one.

#include <cstdint>
#include <random>
#include <span>
#include <string>

namespace postern::runtime {

/// Fills buffers with random bytes. Implementations are safe to call from any thread unless they
/// say otherwise.
class random_source {
 public:
  virtual ~random_source() = default;

  /// Fills `out` completely.
  virtual void fill(std::span<uint8_t> out) = 0;

  /// `bytes` random bytes as lower-case hexadecimal, two characters a byte.
  std::string hex(size_t bytes);

  /// `bytes` random bytes as base64url without padding (RFC 4648, section 5).
  std::string token(size_t bytes);

  /// A whole number in [0, bound); bound must not be 0.
  uint64_t below(uint64_t bound);
};

/// The operating system's generator through OpenSSL; ends the process if it fails (RFC 4086).
class system_random_source final : public random_source {
 public:
  void fill(std::span<uint8_t> out) override;
};

/// Repeatable numbers for tests and simulation; not safe for secrets, one thread only.
class seeded_random_source final : public random_source {
 public:
  explicit seeded_random_source(uint64_t seed) : engine_(seed) {}
  void fill(std::span<uint8_t> out) override;

 private:
  std::mt19937_64 engine_;
};

}  // namespace postern::runtime
