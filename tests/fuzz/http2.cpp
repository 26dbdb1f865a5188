// Feeds arbitrary frames to an HTTP/2 session in the roles that tunnel.cpp does not play: the
// client's (the node at a tunnel, the connector at an origin), and the server's towards strangers
// (the edge). The first byte chooses.

#include "runtime/http2_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace rt = postern::runtime;

namespace {

/// Checks that callbacks come in order and that no more arrives than was sent.
class checked_stream final : public rt::http2_stream {
 public:
  checked_stream(rt::http2_session*& session, bool server, size_t most)
      : session_(session), server_(server), most_(most) {}
  ~checked_stream() override { rt::ensure(closed_, "every stream sees its end"); }

  void on_head(const rt::field_list& fields, bool ended) override {
    expect(stage::fresh, ended ? stage::last_head : stage::open);
    check(fields);
    if (!server_) return;
    session_->submit_response(*this, {{":status", "200"}}, false);
    session_->write(*this, "answer");
    if (ended) session_->finish(*this, {});
  }
  void on_interim(const rt::field_list& fields) override {
    rt::ensure(!server_ && stage_ == stage::fresh, "interim heads come before the final one");
    check(fields);
  }
  void on_head_too_large(const rt::field_list& kept) override {
    // At any time: trailers may be too large as well.
    rt::ensure(server_ && !closed_, "only strangers are bounded");
    check(kept);
    if (stage_ == stage::fresh) stage_ = stage::open;
    session_->abort(*this, NGHTTP2_ENHANCE_YOUR_CALM);
  }
  void on_content(std::string_view piece) override {
    rt::ensure(stage_ == stage::open && !closed_, "content comes between head and end");
    taken_ += piece.size();
    rt::ensure(taken_ <= most_, "nothing is made up");
    session_->consumed(*this, piece.size());
  }
  void on_trailers(const rt::field_list& fields) override {
    rt::ensure(stage_ == stage::open, "trailers follow a head");
    for (const auto& f : fields)
      rt::ensure(!f.name.starts_with(':'), "trailers have no pseudo-fields");
  }
  void on_end() override {
    rt::ensure(stage_ == stage::open || stage_ == stage::last_head, "an end follows a head");
    stage_ = stage::ended;
    if (server_) session_->finish(*this, {});
  }
  void on_closed(uint32_t) override {
    rt::ensure(!closed_, "a stream ends once");
    closed_ = true;
  }

 private:
  enum class stage : uint8_t { fresh, open, last_head, ended };
  void expect(stage before, stage after) {
    rt::ensure(stage_ == before && !closed_, "callbacks come in order");
    stage_ = after;
  }
  void check(const rt::field_list& fields) const {
    rt::ensure(!rt::field_value(fields, server_ ? ":method" : ":status").empty(),
               "a head says what it is");
    for (const auto& f : fields)
      for (const auto text : {f.name, f.value})
        rt::ensure(text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos,
                   "a field stays on its line");
  }

  rt::http2_session*& session_;
  const bool server_;
  const size_t most_;
  stage stage_ = stage::fresh;
  size_t taken_ = 0;
  bool closed_ = false;
};

class owner final : public rt::http2_owner {
 public:
  owner(bool server, size_t most) : server_(server), most_(most) {}

  rt::http2_stream* on_request_stream() override { return make(); }
  void on_going_away() override { session->go_away(); }

  checked_stream* make() {
    streams_.push_back(std::make_unique<checked_stream>(session, server_, most_));
    return streams_.back().get();
  }
  /// The session knows this one no longer, or never did.
  void forget_last(uint32_t code) { streams_.back()->on_closed(code); }

  rt::http2_session* session = nullptr;

 private:
  const bool server_;
  const size_t most_;
  std::vector<std::unique_ptr<checked_stream>> streams_;
};

void ask(owner& me) {
  const std::array<rt::field_list, 3> requests{
      {{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}},
       {{":method", "POST"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}},
       {{":method", "HEAD"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}}};
  for (const auto& fields : requests) {
    const bool has_content = fields[0].value == "POST";
    auto* stream = me.make();
    if (!me.session->submit_request(*stream, fields, !has_content)) {
      me.forget_last(NGHTTP2_REFUSED_STREAM);
      continue;
    }
    if (!has_content) continue;
    me.session->write(*stream, "content");
    me.session->finish(*stream, {{"x-trailer", "1"}});
  }
}

void run_session(const uint8_t* data, size_t size) {
  const bool server = (data[0] & 1) != 0;
  int ends[2];
  rt::ensure(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
  // Inputs begin behind the preface, so that not each has to find it.
  constexpr std::string_view preface{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33};
  const auto opening = server ? preface : preface.substr(24);
  rt::ensure(
      ::send(ends[1], opening.data(), opening.size(), 0) == static_cast<ssize_t>(opening.size()),
      "no room");
  for (size_t sent = 1; sent < size;) {
    const auto n = ::send(ends[1], data + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  ::shutdown(ends[1], SHUT_WR);

  rt::shard home{0};
  owner me{server, size};
  {
    rt::tcp_socket socket{home.get_executor(), boost::asio::ip::tcp::v4(), ends[0]};
    rt::http2_session session{
        home,
        rt::transport{std::move(socket), nullptr},
        me,
        {.server = server, .max_streams = 10, .extended_connect = server, .untrusted = server}};
    me.session = &session;
    if (!server) ask(me);
    boost::asio::co_spawn(
        home.get_executor(),
        [&]() -> rt::awaitable<void> { static_cast<void>(co_await session.run()); },
        boost::asio::detached);
    home.io().run();
    rt::ensure(session.open_streams() == 0, "no stream outlives its session");
  }
  ::close(ends[1]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0) run_session(data, size);
  return 0;
}
