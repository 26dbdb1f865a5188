// What an exchange costs on the tunnel's HTTP/2: a head there, a head and a KiB back, both ends and
// the socket between them included, without TLS.

#include "runtime/http2_session.hpp"
#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"

#include <benchmark/benchmark.h>
#include <memory>
#include <vector>

using namespace postern::runtime;
using namespace postern::test;

namespace {

const field_list request{{":method", "GET"},
                         {":scheme", "http"},
                         {":authority", "10.0.0.5"},
                         {":path", "/wiki/page?id=7"},
                         {"postern-application", "wiki"},
                         {"postern-request-id", "0123456789abcdef0123456789abcdef"},
                         {"x-postern-user", "bob"}};
const std::string content(1'024, 'x');

/// The node's end of an exchange.
struct asking final : http2_stream {
  void on_head(const field_list&, bool) override {}
  void on_content(std::string_view piece) override {
    session->consumed(*this, piece.size());
    taken += piece.size();
  }
  void on_end() override {}
  void on_closed(uint32_t) override { ++*closed; }

  http2_session* session = nullptr;
  size_t taken = 0;
  size_t* closed = nullptr;
};

/// The connector's end.
struct answering final : http2_stream {
  void on_head(const field_list&, bool) override {
    session->submit_response(*this, {{":status", "200"}, {"content-type", "text/html"}}, false);
    session->write(*this, content);
    session->finish(*this);
  }
  void on_content(std::string_view) override {}
  void on_end() override {}
  void on_closed(uint32_t) override { free->push_back(this); }

  http2_session* session = nullptr;
  std::vector<answering*>* free = nullptr;
};

struct endpoint final : http2_owner {
  http2_stream* on_request_stream() override {
    if (free.empty()) {
      all.push_back(std::make_unique<answering>());
      all.back()->session = session.get();
      all.back()->free = &free;
      free.push_back(all.back().get());
    }
    auto* next = free.back();
    free.pop_back();
    return next;
  }
  void on_settings() override { settings = true; }

  void open(shard& home, tcp_socket socket, const http2_options& options) {
    session = std::make_unique<http2_session>(home, transport{std::move(socket), nullptr}, *this,
                                              options);
    start(home, [this]() -> awaitable<void> {
      static_cast<void>(co_await session->run());
      ended = true;
    });
  }

  std::unique_ptr<http2_session> session;
  std::vector<std::unique_ptr<answering>> all;
  std::vector<answering*> free;
  bool settings = false, ended = false;
};

void tunnel_exchange(benchmark::State& state) {
  shard home{0};
  loopback_pair sockets{home};
  endpoint node, connector;
  node.open(home, std::move(sockets.accepted), {});
  connector.open(home, std::move(sockets.dialled), {.server = true});
  const auto at_once = static_cast<size_t>(state.range(0));
  size_t closed = 0;
  std::vector<asking> streams(at_once);
  if (!run_until(home, [&] { return node.settings && connector.settings; }))
    return state.SkipWithError("no session");
  for (auto _ : state) {
    closed = 0;
    for (auto& s : streams) {
      s.session = node.session.get();
      s.closed = &closed;
      if (!node.session->submit_request(s, request, true)) state.SkipWithError("no stream");
    }
    if (!run_until(home, [&] { return closed == at_once; })) {
      state.SkipWithError("an exchange did not end");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  node.session->close();
  connector.session->close();
  run_until(home, [&] { return node.ended && connector.ended; });
}

}  // namespace

BENCHMARK(tunnel_exchange)->ArgName("at once")->Arg(1)->Arg(64);
