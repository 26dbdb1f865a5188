#include "edge/exchange_stream.hpp"

#include "edge/tunnel.hpp"

namespace postern::edge {

namespace {

/// An HTTP/2 stream on this shard; deletes itself once it is closed and let go.
class local_stream final : public exchange_stream,
                           private runtime::http2_stream,
                           private tunnel_listener {
 public:
  local_stream(std::shared_ptr<tunnel> on, exchange_events& events)
      : tunnel_(std::move(on)), events_(&events) {}

  void submit(const runtime::field_list& fields, bool ended) override {
    if (!tunnel_->silent() && session().submit_request(*this, fields, ended)) {
      open_ = true;
      tunnel_->listen(*this);
      request_ended_ = ended;
      return;
    }
    if (auto* events = std::exchange(events_, nullptr))
      events->on_stream_closed(NGHTTP2_REFUSED_STREAM);
  }
  size_t room() override { return session().room(*this); }
  void write(std::string_view piece) override { session().write(*this, piece); }
  void finish(std::vector<std::pair<std::string, std::string>> trailers) override {
    request_ended_ = true;
    session().finish(*this, std::move(trailers));
  }
  void consumed(size_t bytes) override { session().consumed(*this, bytes); }
  void reset(uint32_t code) override { session().reset(*this, code); }
  void release() override {
    events_ = nullptr;
    if (!open_) {
      delete this;
      return;
    }
    tunnel_->unlisten(*this);
    // Ended both ways, it closes by itself within this turn.
    if (!request_ended_ || !response_ended_) session().reset(*this, NGHTTP2_CANCEL);
  }

 private:
  ~local_stream() override = default;
  runtime::http2_session& session() { return tunnel_->session(); }

  void on_head(const runtime::field_list& fields, bool ended) override {
    response_ended_ = ended;
    if (events_) events_->on_response_head(fields, ended);
  }
  void on_interim(const runtime::field_list& fields) override {
    if (events_) events_->on_response_interim(fields);
  }
  void on_content(std::string_view piece) override {
    if (events_) events_->on_response_content(piece);
  }
  void on_trailers(const runtime::field_list& fields) override {
    if (events_) events_->on_response_trailers(fields);
  }
  void on_end() override {
    response_ended_ = true;
    if (events_) events_->on_response_end();
  }
  void on_writable() override {
    if (events_) events_->on_request_room();
  }
  void on_silent() override {
    if (events_) events_->on_connector_silent();
  }
  void on_leaving() override {
    if (events_) events_->on_connector_leaving();
  }
  void on_closed(uint32_t code) override {
    open_ = false;
    tunnel_->unlisten(*this);
    auto* events = std::exchange(events_, nullptr);
    if (events == nullptr) {
      delete this;
      return;
    }
    events->on_stream_closed(code);
  }

  std::shared_ptr<tunnel> tunnel_;
  exchange_events* events_;
  bool open_ = false;
  bool request_ended_ = false;
  bool response_ended_ = false;
};

}  // namespace

exchange_stream* open_local_stream(const std::shared_ptr<tunnel>& on, exchange_events& events) {
  return new local_stream(on, events);
}

}  // namespace postern::edge
