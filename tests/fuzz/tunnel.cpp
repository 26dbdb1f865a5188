// Feeds arbitrary bytes to a connector's end of a tunnel: HTTP/2 in the server's role over a real
// socket, to the reader of the configuration that a connector pulls, and to the node's reader of a
// connector's hello.

#include "actors/connector_configuration.hpp"
#include "actors/tunnel_hello.hpp"
#include "runtime/http2_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace rt = postern::runtime;
namespace actors = postern::actors;

namespace {

/// A stream that answers at once, takes all content, and checks that callbacks come in order.
class echo_stream final : public rt::http2_stream {
 public:
  explicit echo_stream(rt::http2_session*& session) : session_(session) {}
  ~echo_stream() override { rt::ensure(closed_, "every stream sees its end"); }

  void on_head(const rt::field_list& fields, bool) override {
    expect(stage::fresh, stage::open);
    if (!rt::field_value(fields, "x-request-id").empty())
      return session_->reset(*this, NGHTTP2_REFUSED_STREAM);
    session_->submit_interim(*this, {{":status", "103"}});
    session_->submit_response(*this, {{":status", "200"}}, false);
    session_->open_window(*this, 1'000);
  }
  void on_content(std::string_view piece) override {
    rt::ensure(stage_ == stage::open && !closed_, "content comes between head and end");
    taken_ += piece.size();
    session_->write(*this, piece);
    session_->consumed(*this, piece.size());
  }
  void on_trailers(const rt::field_list&) override {
    rt::ensure(stage_ == stage::open, "trailers follow a head");
  }
  void on_end() override {
    expect(stage::open, stage::ended);
    session_->finish(*this, {{"x-taken", std::to_string(taken_)}});
  }
  void on_writable() override {}
  void on_closed(uint32_t) override {
    rt::ensure(!closed_, "a stream ends once");
    closed_ = true;
  }

 private:
  enum class stage : uint8_t { fresh, open, ended };
  void expect(stage before, stage after) {
    rt::ensure(stage_ == before && !closed_, "callbacks come in order");
    stage_ = after;
  }

  rt::http2_session*& session_;
  stage stage_ = stage::fresh;
  size_t taken_ = 0;
  bool closed_ = false;
};

class owner final : public rt::http2_owner {
 public:
  rt::http2_stream* on_request_stream() override {
    streams_.push_back(std::make_unique<echo_stream>(session));
    return streams_.back().get();
  }
  void on_going_away() override { session->go_away(); }

  rt::http2_session* session = nullptr;

 private:
  std::vector<std::unique_ptr<echo_stream>> streams_;
};

void run_session(const uint8_t* data, size_t size) {
  int ends[2];
  rt::ensure(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
  // Half of the inputs begin behind the preface, so that not each has to find it.
  if (size > 0 && data[0] % 2 == 0) {
    constexpr std::string_view preface{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33};
    rt::ensure(::send(ends[1], preface.data(), preface.size(), 0) == 33, "no room");
  }
  size_t sent = size > 0 ? 1 : 0;
  while (sent < size) {
    const auto n = ::send(ends[1], data + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  ::shutdown(ends[1], SHUT_WR);

  rt::shard home{0};
  owner me;
  {
    rt::tcp_socket socket{home.get_executor(), boost::asio::ip::tcp::v4(), ends[0]};
    rt::http2_session session{
        home,
        rt::transport{std::move(socket), nullptr},
        me,
        {.server = true, .initial_window = 0, .max_streams = 10, .extended_connect = true}};
    me.session = &session;
    boost::asio::co_spawn(
        home.get_executor(),
        [&]() -> rt::awaitable<void> { static_cast<void>(co_await session.run()); },
        boost::asio::detached);
    home.io().run();
    rt::ensure(session.open_streams() == 0, "no stream outlives its session");
  }
  ::close(ends[1]);
}

void read_configuration(std::string_view text) {
  const auto read = actors::decode_connector_configuration(text);
  if (!read) return;
  const auto again =
      actors::decode_connector_configuration(actors::encode_connector_configuration(*read));
  rt::ensure(again.has_value(), "what was read can be written and read again");
  rt::ensure(again->version == read->version && again->applications == read->applications &&
                 again->connector == read->connector && again->tunnels == read->tunnels,
             "nothing is lost on the way");
}

void read_hello(std::string_view text) {
  const auto heard = actors::decode_tunnel_hello(text);
  if (!heard) return;
  rt::ensure(!heard->instance.empty() && heard->capacity > 0 &&
                 heard->capacity <= actors::largest_hello_capacity,
             "what is taken over is within its bounds");
  const auto again = actors::decode_tunnel_hello(actors::encode_tunnel_hello(*heard));
  rt::ensure(again && *again == *heard, "nothing is lost on the way");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  run_session(data, size);
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  read_configuration(text);
  read_hello(text);
  return 0;
}
