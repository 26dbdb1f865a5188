#pragma once
// Sends one request to an origin: head, content in its framing, end. Writes at once what the socket
// takes, queues the rest. Used by origin_exchange; the queue's bound is the tunnel's stream window.

#include "connector/origin_fields.hpp"
#include "connector/origin_response.hpp"
#include "runtime/byte_queue.hpp"
#include "runtime/transport.hpp"
#include "runtime/waiting_content.hpp"

#include <string>
#include <string_view>

namespace postern::connector {

/// Who is told about what has left later.
class sender_events {
 public:
  /// `content` bytes of content that were queued have gone; 0: something else has.
  virtual void on_origin_took(size_t content) = 0;

 protected:
  ~sender_events() = default;
};

/// Lives on one shard. begin() makes it ready for an exchange, on a connection that stays where it
/// is until stop().
class origin_sender {
 public:
  origin_sender(runtime::shard& home, sender_events& events) : home_(home), events_(events) {}

  void begin(runtime::transport& connection, content_framing framing);
  /// Forgets the connection; nothing is written and no event comes afterwards.
  void stop() noexcept;

  void send_head(std::string_view head);
  /// Returns how many bytes of content have left, this piece's and earlier ones'; the rest is told
  /// by on_origin_took().
  size_t send_content(std::string_view piece);
  /// No content follows. Trailers go on where the framing has room for them (chunked).
  void send_end(const trailer_list& trailers);

  /// Whether everything up to the end has been handed to the operating system.
  bool is_complete() const noexcept { return ended_ && pending_.empty() && !failed_; }
  bool is_idle() const noexcept { return pending_.empty(); }
  /// The origin takes no more; what it has to say about that may still be read.
  bool has_failed() const noexcept { return failed_; }
  bool has_sent_content() const noexcept { return content_sent_; }
  /// The end was given, whether or not it has left.
  bool has_ended() const noexcept { return ended_; }

 private:
  void send(std::string_view bytes);
  void pump();
  void wait(runtime::io_status what);
  void end_sending();

  runtime::shard& home_;
  sender_events& events_;
  runtime::transport* connection_ = nullptr;
  runtime::byte_queue pending_;
  runtime::waiting_content pending_content_;  // in pending_, not yet told to anybody
  uint64_t generation_ = 0;  // of begin() and stop(): handlers of an earlier one do nothing
  content_framing framing_ = content_framing::none;
  bool waiting_ = false;
  bool ended_ = false;
  bool failed_ = false;
  bool content_sent_ = false;
};

}  // namespace postern::connector
