#pragma once
// Whether an exchange whose connector was lost may go to another one. Who uses it: edge/exchange,
// one value per exchange; the simulation. Plain data: no time, no messages.

#include <cstdint>

namespace postern::actors {

/// Attempts of one exchange, the first included. A group whose connectors die one after the other
/// must not keep one exchange moving for ever.
inline constexpr unsigned most_attempts = 4;
/// Of these, how many an origin may have got something of. Only methods that may be repeated
/// (RFC 9110, section 9.2.2) get a second one.
inline constexpr unsigned most_started_attempts = 2;

/// What a node knows of the attempts of one exchange. The facts of an attempt only ever add up:
/// dispatched, handed over, started, response begun.
///
/// The fence: of a request that must not be repeated the connector gives the origin nothing that is
/// complete before the node has handed over its content, or its end if it has none. What has not
/// been handed over has therefore not happened, whatever has become of the connector.
class failover {
 public:
  /// `repeatable`: the method is idempotent, or it is the opening of a WebSocket.
  explicit failover(bool repeatable = false) noexcept : repeatable_(repeatable) {}

  /// A connection has been found for the next attempt.
  void begin_attempt() noexcept;
  /// The content's first byte, or the end of a request that has none, is on its way to the
  /// connector. `content`: bytes have been taken from the user, who cannot be asked for them again.
  void hand_over(bool content) noexcept;
  /// The connector has said that the origin is about to get its first byte.
  void origin_started() noexcept { started_ = true; }
  /// The user has got a head.
  void response_begun() noexcept { responding_ = true; }
  /// The connector has said that it has started nothing.
  void refused() noexcept;

  /// Whether the attempt, now that its connector is lost or silent, may be made elsewhere.
  bool may_move() const noexcept;

  unsigned attempts() const noexcept { return attempts_; }

 private:
  bool nothing_started() const noexcept;

  bool repeatable_;
  bool handed_over_ = false;    // in this attempt
  bool started_ = false;        // in this attempt
  bool refused_ = false;        // in this attempt
  bool content_taken_ = false;  // in any
  bool responding_ = false;     // in any
  uint8_t attempts_ = 0;
  uint8_t started_attempts_ = 0;
};

}  // namespace postern::actors
