#pragma once
// A user that speaks HTTP/2 to one shard. Include it after CAF_SUITE.

#include "edge/http2_connection.hpp"
#include "tests/unit/edge/user_fixture.hpp"

namespace postern::edge::testing {

struct http2_fixture : user_fixture {
  ~http2_fixture() override {
    if (!user.session) return;
    user.session->close();
    CAF_CHECK(works_until([&] { return user.ended; }));
  }

  /// Connects; `name` is what TLS is asked for.
  void open(const std::string& name = "open.example") {
    prepare(name);
    start();
  }
  /// The same in two steps: what the node decides before the connection is served goes in between.
  void prepare(const std::string& name) {
    auto both = shake_hands(name, "h2");
    user.ended = false;
    user.session.emplace(home, std::move(both.user), user, user_options);
    test::start(home, [this]() -> runtime::awaitable<void> {
      co_await user.session->run();
      user.ended = true;
    });
    served = std::make_shared<http2_connection>(context, gate, own_hosts, std::move(both.node),
                                                "192.0.2.9");
  }

  /// Sends a request's head.
  test::noted_stream& send(std::string_view method, std::string_view host, std::string_view path,
                           bool ended, const runtime::field_list& more = {}) {
    runtime::field_list fields{
        {":method", method}, {":scheme", "https"}, {":authority", host}, {":path", path}};
    fields.insert(fields.end(), more.begin(), more.end());
    auto& one = *requests.emplace_back(std::make_unique<test::noted_stream>());
    CAF_REQUIRE(user.session->submit_request(one, fields, ended).has_value());
    return one;
  }
  test::noted_stream& get(std::string_view path = "/a") {
    return send("GET", "open.example", path, true);
  }
  test::noted_stream& post(const runtime::field_list& more = {}) {
    return send("POST", "open.example", "/a", false, more);
  }
  bool closes(const test::noted_stream& one) {
    return works_until([&] { return one.closed.has_value(); });
  }
  /// Waits until the stream is over; checks that it ended well, and that its head says so.
  void check_answered(const test::noted_stream& one, std::string_view status) {
    CAF_REQUIRE(closes(one));
    CAF_CHECK_EQUAL(*one.closed, uint32_t{NGHTTP2_NO_ERROR});
    CAF_CHECK_EQUAL(one.log.substr(0, 17), "head :status=" + std::string{status} + ";");
  }
  /// Runs what is ready, and what that makes ready.
  void settle() {
    for (int round = 0; round < 20; ++round) {
      sched.run();
      test::run_ready(home);
    }
  }

  runtime::http2_options user_options;
  test::http2_end user;
  std::vector<std::unique_ptr<test::noted_stream>> requests;
};

}  // namespace postern::edge::testing
