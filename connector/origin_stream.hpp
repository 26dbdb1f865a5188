#pragma once
// One exchange's stream on an HTTP/2 connection to its origin.

#include "connector/http2_origin.hpp"
#include "connector/origin_response.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::connector {

/// What the stream tells its exchange. Views end with the call.
class origin_stream_events {
 public:
  virtual void on_origin_interim(const runtime::field_list& fields) = 0;
  virtual void on_origin_head(const runtime::field_list& fields, bool ended) = 0;
  virtual void on_origin_content(std::string_view piece) = 0;
  virtual void on_origin_trailers(const runtime::field_list& fields) = 0;
  virtual void on_origin_end() = 0;
  /// `bytes` of the request's content have gone on: as many more may come.
  virtual void on_origin_took(size_t bytes) = 0;
  /// The stream is over before on_origin_end(); `code` as of http2_stream::on_closed(). Last call.
  virtual void on_origin_closed(uint32_t code) = 0;

 protected:
  ~origin_stream_events() = default;
};

/// Owns itself: let go with release(), after which no event follows. One shard.
class origin_stream final : private runtime::http2_stream {
 public:
  /// Sends the request's head on a connection; null if that takes no more.
  static origin_stream* open(std::shared_ptr<http2_origin> on, origin_stream_events& events,
                             const runtime::field_list& fields, bool ended);

  /// Content of the request. What the connection cannot take yet is held here, as much as the
  /// caller gives before on_origin_took() allows more.
  void send_content(std::string_view piece);
  /// No content follows.
  void send_end(trailer_list trailers);
  /// Content of the response has gone on.
  void consumed(size_t bytes) { session().consumed(*this, bytes); }

  /// Whether all content that was given has left.
  bool is_idle() const noexcept { return held_ == 0; }
  bool has_sent_content() const noexcept { return content_sent_; }
  /// Nothing has arrived on the connection since the stream began.
  bool is_silent() const noexcept { return on_->heard() == heard_before_; }

  /// The exchange goes; the stream is reset if it still runs, or holds content that the origin does
  /// not take. `retire`: the connection is not to be trusted with another one.
  void release(bool retire = false);

 private:
  origin_stream(std::shared_ptr<http2_origin> on, origin_stream_events& events)
      : on_(std::move(on)), events_(&events), heard_before_(on_->heard()) {}
  ~origin_stream() override = default;

  void on_head(const runtime::field_list& fields, bool ended) override;
  void on_interim(const runtime::field_list& fields) override;
  void on_content(std::string_view piece) override;
  void on_trailers(const runtime::field_list& fields) override;
  void on_end() override;
  void on_writable() override;
  void on_closed(uint32_t code) override;

  runtime::http2_session& session() noexcept { return on_->session(); }

  std::shared_ptr<http2_origin> on_;
  origin_stream_events* events_;
  uint64_t heard_before_;
  size_t held_ = 0;  // content that was given and not yet told to have gone on
  bool content_sent_ = false;
  bool request_ended_ = false;
  bool response_ended_ = false;
};

}  // namespace postern::connector
