#pragma once
// A user that speaks HTTP/1.1 in bytes to one shard. Include it after CAF_SUITE.

#include "edge/http1_connection.hpp"
#include "tests/unit/edge/user_fixture.hpp"

#include <array>

namespace postern::edge::testing {

struct http1_fixture : user_fixture {
  /// Connects; `name` is what TLS is asked for.
  void open(const std::string& name = "open.example") {
    prepare(name);
    start();
  }
  /// The same in two steps: what the node decides before the connection is served goes in between.
  void prepare(const std::string& name) {
    auto both = shake_hands(name, "http/1.1");
    user.emplace(std::move(both.user));
    got.clear();
    unsent.clear();
    end = runtime::io_status::done;
    served = std::make_shared<http1_connection>(context, gate, own_hosts, std::move(both.node),
                                                "192.0.2.9");
  }

  /// Sends, as fast as the node takes it.
  void say(std::string_view text) {
    unsent += text;
    look();
  }
  /// Sends a request to the application; returns it as it has arrived at the connector.
  test::noted_stream& ask(std::string_view line = "GET /a HTTP/1.1",
                          std::string_view more_fields = "") {
    say(std::string{line} + "\r\nHost: open.example\r\n" + std::string{more_fields} + "\r\n");
    return arrival(++asked);
  }
  /// The user's connection is gone, without a word.
  void vanish() { user.reset(); }
  /// Writes and reads what goes without waiting. A user who does not read takes nothing.
  void look() {
    if (!user) return;
    while (!unsent.empty()) {
      const auto outcome = user->try_write(unsent);
      if (outcome.status != runtime::io_status::done) break;
      unsent.erase(0, outcome.bytes);
    }
    std::array<char, 16 * 1024> bytes{};
    while (reads && end == runtime::io_status::done) {
      const auto outcome = user->try_read(bytes);
      if (outcome.status == runtime::io_status::done)
        got.append(bytes.data(), outcome.bytes);
      else if (outcome.status == runtime::io_status::want_read)
        return;
      else
        end = outcome.status;
    }
  }
  template <class Condition>
  bool user_until(Condition done) {
    return works_until([&] {
      look();
      return done();
    });
  }
  /// Waits until the user has got something that ends so.
  bool gets(std::string_view end_of_it) {
    return user_until([&] { return got.ends_with(end_of_it); });
  }
  /// Whether the connection ends as one whose responses are whole: with close_notify.
  bool ends_cleanly() {
    CAF_REQUIRE(user_until([&] { return end != runtime::io_status::done; }));
    return end == runtime::io_status::closed;
  }
  /// Runs what is ready, and what that makes ready.
  void settle() {
    for (int round = 0; round < 20; ++round) {
      sched.run();
      test::run_ready(home);
      look();
    }
  }
  /// The status of each response that has a length or none, in order of their coming.
  std::vector<std::string> statuses() const {
    std::vector<std::string> all;
    for (auto at = got.find("HTTP/1.1 "); at != got.npos; at = got.find("HTTP/1.1 ", at + 1))
      all.push_back(got.substr(at + 9, 3));
    return all;
  }

  std::optional<runtime::transport> user;
  std::string got, unsent;
  size_t asked = 0;
  bool reads = true;
  runtime::io_status end =
      runtime::io_status::done;  ///< how the connection ended; done: it has not
};

}  // namespace postern::edge::testing
