#pragma once
// The tunnel's half of an exchange as the user's half sees it: on this shard it is the HTTP/2
// stream itself, else a relay that hands everything across shards.

#include "actors/messages.hpp"
#include "runtime/http2_session.hpp"

namespace postern::edge {

struct edge_context;
class tunnel;

/// What the tunnel's half tells the exchange, on the exchange's shard. Views end with the call.
class exchange_events {
 public:
  virtual void on_response_head(const runtime::field_list& fields, bool ended) = 0;
  virtual void on_response_interim(const runtime::field_list& fields) = 0;
  virtual void on_response_content(std::string_view piece) = 0;
  virtual void on_response_trailers(const runtime::field_list& fields) = 0;
  virtual void on_response_end() = 0;
  /// There is room() for content of the request.
  virtual void on_request_room() = 0;
  /// Nothing has been heard of the connector for a while; it may still come back.
  virtual void on_connector_silent() = 0;
  /// The connector leaves; what runs may finish.
  virtual void on_connector_leaving() = 0;
  /// The stream is over; `code` as of http2_stream::on_closed(). Last call.
  virtual void on_stream_closed(uint32_t code) = 0;

 protected:
  ~exchange_events() = default;
};

/// Commands of the exchange. Owned by itself: let go with release(), after which no event follows.
class exchange_stream {
 public:
  virtual void submit(const runtime::field_list& fields, bool ended) = 0;
  /// Bytes that may be written now; if 0, on_request_room() follows.
  virtual size_t room() = 0;
  virtual void write(std::string_view piece) = 0;
  virtual void finish(std::vector<std::pair<std::string, std::string>> trailers) = 0;
  /// Response content has left towards the user.
  virtual void consumed(size_t bytes) = 0;
  virtual void reset(uint32_t code) = 0;
  /// The exchange goes; the stream is reset if it still runs, and ends itself.
  virtual void release() = 0;

 protected:
  virtual ~exchange_stream() = default;
};

/// A stream on a tunnel of this shard.
exchange_stream* open_local_stream(const std::shared_ptr<tunnel>& on, exchange_events& events);

/// A stream on a tunnel of another shard, found there by its number; unknown numbers end with
/// REFUSED_STREAM.
exchange_stream* open_remote_stream(edge_context& here, edge_context& there, uint64_t number,
                                    exchange_events& events);

}  // namespace postern::edge
