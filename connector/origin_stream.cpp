#include "connector/origin_stream.hpp"

namespace postern::connector {

origin_stream* origin_stream::open(std::shared_ptr<http2_origin> on, origin_stream_events& events,
                                   const runtime::field_list& fields, bool ended) {
  auto* stream = new origin_stream{std::move(on), events};
  if (!stream->session().submit_request(*stream, fields, ended)) {
    delete stream;
    return nullptr;
  }
  stream->request_ended_ = ended;
  return stream;
}

void origin_stream::send_content(std::string_view piece) {
  content_sent_ = true;
  held_ += piece.size();
  session().write(*this, piece);
  on_writable();
}

void origin_stream::send_end(trailer_list trailers) {
  request_ended_ = true;
  session().finish(*this, std::move(trailers));
}

void origin_stream::release(bool retire) {
  events_ = nullptr;
  if (retire) on_->retire();
  if (!request_ended_ || !response_ended_)
    session().reset(*this, NGHTTP2_CANCEL);
  else if (session().queued(*this) > 0)
    // The origin may never open its window for the rest. What may go now goes first.
    session().abort(*this, NGHTTP2_CANCEL);
  // Otherwise it has ended both ways, and closes by itself within this turn.
}

void origin_stream::on_head(const runtime::field_list& fields, bool ended) {
  response_ended_ = ended;
  if (events_) events_->on_origin_head(fields, ended);
}

void origin_stream::on_interim(const runtime::field_list& fields) {
  if (events_) events_->on_origin_interim(fields);
}

void origin_stream::on_content(std::string_view piece) {
  if (events_) events_->on_origin_content(piece);
}

void origin_stream::on_trailers(const runtime::field_list& fields) {
  if (events_) events_->on_origin_trailers(fields);
}

void origin_stream::on_end() {
  response_ended_ = true;
  if (events_) events_->on_origin_end();
}

void origin_stream::on_writable() {
  // As long as the queue has room it may be filled; once it is full, on_writable() comes again when
  // some of it has left. So it never holds more than that and the tunnel's window.
  if (held_ == 0 || session().room(*this) == 0) return;
  const auto gone = std::exchange(held_, 0);
  if (events_) events_->on_origin_took(gone);
}

void origin_stream::on_closed(uint32_t code) {
  const auto on = on_;
  if (auto* events = std::exchange(events_, nullptr)) events->on_origin_closed(code);
  delete this;
  on->on_stream_closed();
}

}  // namespace postern::connector
