#pragma once
// The user's half of an exchange, whatever the user speaks: an HTTP/1.1 connection, or one stream
// of an HTTP/2 connection.

#include "runtime/http_fields.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::edge {

/// What the exchange tells the user's side. All on the user's shard; nothing here blocks.
class user_stream {
 public:
  /// An interim response (1xx).
  virtual void send_interim(unsigned status, const runtime::field_list& fields) = 0;
  /// The head, without hop-by-hop fields; the stream chooses the framing. `ended`: there is no
  /// content.
  virtual void send_head(unsigned status, const runtime::field_list& fields, bool ended) = 0;
  /// The user's connection becomes a byte stream (WebSocket); `fields` go into the 101 response.
  virtual void send_upgrade(const runtime::field_list& fields) = 0;
  /// Content; exchange::on_sent() tells what has left.
  virtual void send_content(std::string_view piece) = 0;
  /// The content is complete.
  virtual void send_end(const runtime::field_list& trailers) = 0;
  /// The content will not be complete: end it so that nobody takes it for whole.
  virtual void send_abort() = 0;
  /// The exchange may take content now, or has ended: look again.
  virtual void wake() = 0;

 protected:
  ~user_stream() = default;
};

}  // namespace postern::edge
