// The relay between an exchange and a tunnel on different shards: everything is copied and posted.
// Taken only while a connector has no tunnel on the user's shard.

#include "edge/edge_context.hpp"
#include "edge/exchange_stream.hpp"
#include "edge/tunnel.hpp"

namespace postern::edge {

namespace {

using owned_fields = std::vector<std::pair<std::string, std::string>>;

owned_fields own(const runtime::field_list& fields) {
  owned_fields out;
  out.reserve(fields.size());
  for (const auto& f : fields)
    out.emplace_back(f.name, f.value);
  return out;
}

runtime::field_list view(const owned_fields& fields) {
  runtime::field_list out;
  out.reserve(fields.size());
  for (const auto& [name, value] : fields)
    out.push_back({name, value});
  return out;
}

class relay;

/// On the user's shard.
class front final : public exchange_stream, public std::enable_shared_from_this<front> {
 public:
  front(edge_context& here, edge_context& there, uint64_t number, exchange_events& events)
      : here_(here), there_(there), number_(number), events_(&events) {}

  void hold() { self_ = shared_from_this(); }

  void submit(const runtime::field_list& fields, bool ended) override;
  size_t room() override { return credit_; }
  void write(std::string_view piece) override;
  void finish(owned_fields trailers) override;
  void consumed(size_t bytes) override;
  void reset(uint32_t code) override;
  void release() override;

  void grant(size_t bytes) {
    credit_ += bytes;
    if (events_) events_->on_request_room();
  }
  template <class F>
  void tell(F&& f) {
    if (events_) f(*events_);
  }
  void over(uint32_t code) {
    if (auto* events = std::exchange(events_, nullptr)) events->on_stream_closed(code);
  }
  edge_context& here() noexcept { return here_; }
  edge_context& there() noexcept { return there_; }

 private:
  edge_context& here_;
  edge_context& there_;
  uint64_t number_;
  exchange_events* events_;
  size_t credit_ = 0;
  std::shared_ptr<relay> relay_;
  std::shared_ptr<front> self_;
};

/// On the tunnel's shard.
class relay final : public exchange_events, public std::enable_shared_from_this<relay> {
 public:
  explicit relay(std::shared_ptr<front> to) : front_(std::move(to)) {}

  void open(uint64_t number, const owned_fields& fields, bool ended) {
    auto on = front_->there().tunnels->find(number);
    if (!on) return on_stream_closed(NGHTTP2_REFUSED_STREAM);
    self_ = shared_from_this();
    stream_ = open_local_stream(on, *this);
    stream_->submit(view(fields), ended);
    if (!ended) grant();
  }
  template <class F>
  void command(F&& f) {
    if (stream_) f(*stream_);
  }
  void write(std::string_view piece) {
    granted_ -= std::min(granted_, piece.size());
    if (stream_ == nullptr) return;
    stream_->write(piece);
    grant();
  }
  void let_go() {
    if (auto* stream = std::exchange(stream_, nullptr)) stream->release();
    self_.reset();
  }

  void on_response_head(const runtime::field_list& fields, bool ended) override {
    post([fields = own(fields), ended](front& f) {
      f.tell([&](auto& e) { e.on_response_head(view(fields), ended); });
    });
  }
  void on_response_interim(const runtime::field_list& fields) override {
    post([fields = own(fields)](front& f) {
      f.tell([&](auto& e) { e.on_response_interim(view(fields)); });
    });
  }
  void on_response_content(std::string_view piece) override {
    post([piece = std::string{piece}](front& f) {
      f.tell([&](auto& e) { e.on_response_content(piece); });
    });
  }
  void on_response_trailers(const runtime::field_list& fields) override {
    post([fields = own(fields)](front& f) {
      f.tell([&](auto& e) { e.on_response_trailers(view(fields)); });
    });
  }
  void on_response_end() override {
    post([](front& f) { f.tell([](auto& e) { e.on_response_end(); }); });
  }
  void on_request_room() override { grant(); }
  void on_connector_silent() override {
    post([](front& f) { f.tell([](auto& e) { e.on_connector_silent(); }); });
  }
  void on_connector_leaving() override {
    post([](front& f) { f.tell([](auto& e) { e.on_connector_leaving(); }); });
  }
  void on_stream_closed(uint32_t code) override {
    post([code](front& f) { f.over(code); });
  }

 private:
  template <class F>
  void post(F f) {
    front_->here().home.post([to = front_, f = std::move(f)]() mutable { f(*to); });
  }
  void grant() {
    if (stream_ == nullptr) return;
    const auto room = stream_->room();
    if (room <= granted_) return;
    const auto more = room - granted_;
    granted_ = room;
    post([more](front& f) { f.grant(more); });
  }

  std::shared_ptr<front> front_;
  exchange_stream* stream_ = nullptr;
  size_t granted_ = 0;  ///< bytes that the front may write and has not yet written
  std::shared_ptr<relay> self_;
};

void front::submit(const runtime::field_list& fields, bool ended) {
  relay_ = std::make_shared<relay>(shared_from_this());
  there_.home.post([r = relay_, number = number_, fields = own(fields), ended] {
    r->open(number, fields, ended);
  });
}

void front::write(std::string_view piece) {
  credit_ -= std::min(credit_, piece.size());
  there_.home.post([r = relay_, piece = std::string{piece}] { r->write(piece); });
}

void front::finish(owned_fields trailers) {
  there_.home.post([r = relay_, trailers = std::move(trailers)]() mutable {
    r->command([&](auto& s) { s.finish(std::move(trailers)); });
  });
}

void front::consumed(size_t bytes) {
  there_.home.post([r = relay_, bytes] { r->command([&](auto& s) { s.consumed(bytes); }); });
}

void front::reset(uint32_t code) {
  there_.home.post([r = relay_, code] { r->command([&](auto& s) { s.reset(code); }); });
}

void front::release() {
  events_ = nullptr;
  if (relay_) there_.home.post([r = std::move(relay_)] { r->let_go(); });
  self_.reset();
}

}  // namespace

exchange_stream* open_remote_stream(edge_context& here, edge_context& there, uint64_t number,
                                    exchange_events& events) {
  auto f = std::make_shared<front>(here, there, number, events);
  f->hold();
  return f.get();
}

}  // namespace postern::edge
