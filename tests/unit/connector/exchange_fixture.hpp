#pragma once
// Exchanges between a node and an origin, both of them played by the test. Origins are reached over
// connections that are there already: nothing is dialled.

#include "connector/origin_exchange.hpp"
#include "tests/unit/connector/http2_ends.hpp"
#include "tests/unit/connector/loopback.hpp"

#include <caf/test/dsl.hpp>

namespace postern::test {

/// The connector's end of a tunnel.
struct tunnel_end final : runtime::http2_owner, connector::exchange_host {
  explicit tunnel_end(connector::exchange_pool& all) : exchanges(all) {}
  runtime::http2_stream* on_request_stream() override { return &exchanges.acquire(*this); }
  runtime::http2_session& session() noexcept override { return *own; }
  bool lease_holds() const noexcept override { return lease; }
  void on_exchange_closed() override { ++closed; }

  connector::exchange_pool& exchanges;
  std::optional<runtime::http2_session> own;
  bool lease = true;
  int closed = 0;  ///< exchanges that are over
  bool ended = false;
};

struct exchange_fixture {
  runtime::shard home{0};
  loopback network{home};
  std::vector<std::unique_ptr<noted_stream>> requests;
  connector::exchange_context context{home};
  connector::exchange_pool exchanges{context};
  http2_end node;
  tunnel_end tunnel{exchanges};

  exchange_fixture() {
    actors::connector_configuration from;
    from.applications.resize(1);
    from.applications[0].name = "wiki";
    from.applications[0].internal_url = "http://wiki.corp/";
    context.origins = connector::origin_table::make(from, {}, {}, nullptr);
    auto ends = network.connect();
    node.open(home, std::move(ends.second), {});
    tunnel.own.emplace(home, std::move(ends.first), tunnel,
                       runtime::http2_options{.server = true, .initial_window = 0});
    start(home, [this]() -> runtime::awaitable<void> {
      co_await tunnel.own->run();
      tunnel.ended = true;
    });
  }
  ~exchange_fixture() {
    node.session->close();
    tunnel.own->close();
    CAF_CHECK(run_until(home, [this] { return node.ended && tunnel.ended; }));
    // Exchanges have to be back in their pool before it is closed.
    run_ready(home);
    exchanges.close();
    run_ready(home);
  }

  /// A connection that has rested since its last exchange.
  origin_end idle() {
    auto ends = network.connect();
    context.connections.put(context.origins->find("wiki")->id, std::move(ends.first));
    return {std::move(ends.second), {}};
  }

  noted_stream& send(const std::string& method, bool ended, const runtime::field_list& more = {},
                     const std::string& application = "wiki") {
    runtime::field_list fields{{":method", method},
                               {":scheme", "https"},
                               {":authority", "wiki.example"},
                               {":path", "/a?b"},
                               {"postern-application", application}};
    fields.insert(fields.end(), more.begin(), more.end());
    auto& one = *requests.emplace_back(std::make_unique<noted_stream>());
    CAF_REQUIRE(node.session->submit_request(one, fields, ended).has_value());
    return one;
  }

  bool closes(const noted_stream& one) {
    return run_until(home, [&] { return one.closed.has_value(); });
  }
  /// Waits until the origin has got something that ends so.
  bool gets(origin_end& at, std::string_view end) {
    return run_until(home, [&] {
      at.look();
      return at.got.ends_with(end);
    });
  }
  bool loses(origin_end& at) {
    return run_until(home, [&] {
      at.look();
      return at.ended;
    });
  }
};

}  // namespace postern::test
