#pragma once
// Both ends of an HTTP/2 connection in one thread, as node and connector hold a tunnel.

#include "runtime/http2_session.hpp"
#include "runtime/limits.hpp"
#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"

#include <caf/test/dsl.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::runtime::testing {

using namespace postern::test;

inline std::string text_of(const field_list& fields) {
  std::string text;
  for (const auto& f : fields)
    text += std::string{f.name} + "=" + std::string{f.value} + ";";
  return text;
}

/// Writes down what happens to a stream.
struct recorder final : http2_stream {
  void on_head(const field_list& fields, bool end) override {
    log += "head " + text_of(fields) + (end ? "end " : " ");
  }
  void on_interim(const field_list& fields) override { log += "interim " + text_of(fields) + " "; }
  void on_content(std::string_view piece) override { content += piece; }
  void on_trailers(const field_list& fields) override {
    log += "trailers " + text_of(fields) + " ";
  }
  void on_end() override { log += "end "; }
  void on_writable() override { ++writable; }
  void on_closed(uint32_t code) override { closed = code; }

  std::string log, content;
  int writable = 0;
  std::optional<uint32_t> closed;
};

/// One end: a session, its streams and what it was told.
struct endpoint final : http2_owner {
  http2_stream* on_request_stream() override {
    if (refuses) return nullptr;
    return accepted.emplace_back(std::make_unique<recorder>()).get();
  }
  void on_going_away() override { going_away = true; }
  void on_heard() override { ++heard; }
  void on_settings() override { settings = true; }
  void on_ping_answer() override { ++answers; }

  void open(shard& home, tcp_socket socket, const http2_options& options) {
    session.emplace(home, transport{std::move(socket), nullptr}, *this, options);
    start(home, [this]() -> awaitable<void> { ended = co_await session->run(); });
  }

  std::optional<http2_session> session;
  std::vector<std::unique_ptr<recorder>> accepted;
  std::optional<error> ended;
  bool refuses = false, going_away = false, settings = false;
  int answers = 0, heard = 0;
};

/// As in a tunnel: the node has accepted the connection and sends the requests, the connector has
/// dialled and answers.
struct http2_fixture {
  shard home{0};
  std::optional<loopback_pair> sockets{home};
  endpoint node, connector;
  std::vector<std::unique_ptr<recorder>> requests;  // streams outlive their session

  recorder& make_request() { return *requests.emplace_back(std::make_unique<recorder>()); }

  void open(http2_options for_node = {}, http2_options for_connector = {}) {
    for_connector.server = true;
    node.open(home, std::move(sockets->accepted), for_node);
    connector.open(home, std::move(sockets->dialled), for_connector);
    CAF_REQUIRE(run_until(home, [this] { return node.settings && connector.settings; }));
  }

  /// Everything that one side has sent before has arrived and been handled when this returns.
  void fence(endpoint& from) {
    const auto before = from.answers;
    from.session->ping();
    CAF_REQUIRE(run_until(home, [&] { return from.answers > before; }));
  }
  void fence() {
    fence(node);
    fence(connector);
    fence(node);
  }

  /// A request that has arrived at the connector; its other end is the last of connector.accepted.
  void request(recorder& stream, bool ended) {
    const field_list fields{
        {":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}};
    CAF_REQUIRE(node.session->submit_request(stream, fields, ended).has_value());
    fence(node);
    CAF_REQUIRE(!connector.accepted.empty());
  }
  recorder& served() { return *connector.accepted.back(); }

  /// Writes `size` bytes on a stream whose reader takes each piece but for the last `behind` bytes.
  void pass(recorder& asked, size_t size, size_t behind) {
    auto& reader = served();
    size_t consumed = reader.content.size();
    for (const auto end = consumed + size; reader.content.size() < end;) {
      node.session->write(asked, std::string(16 * 1024, 'x'));
      fence();
      const auto taken = std::max(reader.content.size(), consumed + behind) - behind - consumed;
      connector.session->consumed(reader, taken);
      consumed += taken;
      fence();
    }
    connector.session->consumed(reader, reader.content.size() - consumed);
    fence();
  }

  /// How many bytes the peer of a reader that takes nothing may send.
  size_t window_of(recorder& asked) {
    auto& reader = served();
    const auto before = reader.content.size();
    node.session->write(asked, std::string(2 * limits::largest_stream_window, 'x'));
    size_t got = 0;
    do {
      got = reader.content.size();
      fence();
    } while (reader.content.size() > got);
    return got - before;
  }

  bool both_ended() {
    return run_until(home, [this] {
      return (!node.session || node.ended) && (!connector.session || connector.ended);
    });
  }

  ~http2_fixture() {
    if (node.session) node.session->close();
    if (connector.session) connector.session->close();
    CAF_CHECK(both_ended());
  }
};

inline const field_list ok{{":status", "200"}};

/// Writes as long as there is room; returns the bytes.
inline size_t fill(http2_session& session, http2_stream& stream) {
  size_t written = 0;
  for (auto room = session.room(stream); room > 0; room = session.room(stream)) {
    session.write(stream, std::string(std::min<size_t>(room, 10'000), 'x'));
    written += std::min<size_t>(room, 10'000);
  }
  return written;
}

}  // namespace postern::runtime::testing
