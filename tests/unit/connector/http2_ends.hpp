#pragma once
// The other end of an HTTP/2 connection, for tests of what speaks it.

#include "runtime/http2_session.hpp"
#include "tests/unit/runtime/event_loop.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::test {

inline std::string text_of(const runtime::field_list& fields) {
  std::string text;
  for (const auto& f : fields)
    text.append(f.name).append("=").append(f.value).append(";");
  return text;
}

/// Writes down what happens to a stream.
struct noted_stream final : runtime::http2_stream {
  void on_head(const runtime::field_list& fields, bool ended) override {
    log += "head " + text_of(fields) + (ended ? "ended " : " ");
  }
  void on_interim(const runtime::field_list& fields) override {
    log += "interim " + text_of(fields) + " ";
  }
  void on_content(std::string_view piece) override { content += piece; }
  void on_trailers(const runtime::field_list& fields) override {
    log += "trailers " + text_of(fields) + " ";
  }
  void on_end() override { log += "end "; }
  void on_closed(uint32_t code) override { closed = code; }

  std::string log, content;
  std::optional<uint32_t> closed;
};

/// Must have ended before it is destroyed.
struct http2_end final : runtime::http2_owner {
  runtime::http2_stream* on_request_stream() override {
    return streams.emplace_back(std::make_unique<noted_stream>()).get();
  }
  void on_ping_answer() override { ++answers; }

  void open(runtime::shard& home, runtime::tcp_socket socket,
            const runtime::http2_options& options) {
    session.emplace(home, runtime::transport{std::move(socket), nullptr}, *this, options);
    start(home, [this]() -> runtime::awaitable<void> {
      co_await session->run();
      ended = true;
    });
  }

  std::vector<std::unique_ptr<noted_stream>> streams;
  std::optional<runtime::http2_session> session;
  int answers = 0;
  bool ended = false;
};

}  // namespace postern::test
