#define CAF_SUITE postgres_listener
#include "runtime/postgres_listener.hpp"

#include "runtime/store.hpp"
#include "tests/unit/runtime/postgres_server.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace rt = postern::runtime;
namespace pg = postern::runtime::postgres;
using postern::test::shared_postgres_server;
using postern::test::temp_directory;
using namespace std::chrono_literals;

namespace {

sockaddr_un address_in(const std::string& directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = directory + "/.s.PGSQL.5432";
  std::copy_n(path.data(), std::min(path.size(), sizeof address.sun_path - 1), address.sun_path);
  return address;
}

/// Between one client and the server, on a socket in a directory of its own. What the server
/// answers to LISTEN stays here until a notification is behind it, and goes on with it in one
/// piece.
class holding_relay {
 public:
  explicit holding_relay(const std::string& server_directory)
      : server_(address_in(server_directory)),
        door_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto mine = address_in(directory());
    CAF_REQUIRE_EQUAL(::bind(door_, reinterpret_cast<const sockaddr*>(&mine), sizeof mine), 0);
    CAF_REQUIRE_EQUAL(::listen(door_, 1), 0);
    thread_ = std::thread{[this] { run(); }};
  }
  ~holding_relay() {
    ::shutdown(door_, SHUT_RDWR);
    thread_.join();
    ::close(door_);
  }
  holding_relay(const holding_relay&) = delete;
  holding_relay& operator=(const holding_relay&) = delete;

  std::string directory() const { return directory_ / ""; }
  /// The server has answered LISTEN, and the client does not know yet.
  bool holds() const { return holds_; }

 private:
  void run() {
    const int client = ::accept(door_, nullptr, nullptr);
    if (client < 0) return;
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&server_), sizeof server_) == 0)
      while (pass(client, server)) {
      }
    ::close(server);
    ::close(client);
  }

  /// False once either side has ended.
  bool pass(int client, int server) {
    std::array<pollfd, 2> ready{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
    ::poll(ready.data(), ready.size(), -1);
    std::array<char, 8 * 1024> room{};
    const bool asks = ready[0].revents != 0;
    const auto n = ::recv(asks ? client : server, room.data(), room.size(), 0);
    if (n <= 0) return false;
    const std::string_view piece{room.data(), static_cast<size_t>(n)};
    if (asks) {
      listens_ = listens_ || piece.find("LISTEN") != piece.npos;
      return ::send(server, piece.data(), piece.size(), MSG_NOSIGNAL) == n;
    }
    held_ += piece;
    if (listens_ && held_.find(pg::news_channel) == held_.npos) {
      // Ready for the next statement: so this one is in force.
      holds_ = held_.find(std::string_view{"LISTEN\0Z", 8}) != held_.npos;
      return true;
    }
    const auto all = static_cast<ssize_t>(held_.size());
    const bool sent = ::send(client, held_.data(), held_.size(), MSG_NOSIGNAL) == all;
    held_.clear();
    return sent;
  }

  temp_directory directory_;
  const sockaddr_un server_;
  const int door_;
  bool listens_ = false;
  std::string held_;
  std::atomic<bool> holds_{false};
  std::thread thread_;
};

template <class Condition>
bool within(std::chrono::milliseconds time, Condition holds) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

}  // namespace

CAF_TEST(news that come in one piece with an answer are told at once) {
  const auto database = shared_postgres_server().new_database();
  const std::string before = "host=";
  CAF_REQUIRE(database.starts_with(before));
  const auto space = database.find(' ');
  holding_relay relay{database.substr(before.size(), space - before.size())};

  auto store = rt::open_postgres_store(database);
  CAF_REQUIRE(store.has_value());
  std::atomic<bool> heard{false};
  const auto watchers = std::make_shared<rt::store_watchers>();
  const auto watch = watchers->add([&](const std::vector<rt::store_news>& news) {
    heard = heard || std::ranges::any_of(news, [](const auto& one) { return one.key == "x"; });
  });
  const pg::listener listener{before + relay.directory() + database.substr(space), watchers};
  CAF_REQUIRE(within(4s, [&] { return relay.holds(); }));
  CAF_CHECK(!heard);
  CAF_REQUIRE(
      (*store)->commit({{rt::store_change::action::put, "kind", "x", "1", {}}}).has_value());
  // It asks the server by itself every 5 s.
  CAF_CHECK(within(3s, [&] { return heard.load(); }));
}
