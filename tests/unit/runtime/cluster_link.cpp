#define CAF_SUITE cluster_link
// Links between nodes: real sockets and TLS, two actor systems with a shard of their own each.
#include "runtime/cluster_link.hpp"

#include "runtime/shard_scheduler.hpp"
#include "runtime/wall_clock.hpp"
#include "runtime/x509.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <future>

namespace rt = postern::runtime;
namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto patient = 20s;

/// An authority and the members that it makes.
class authority {
 public:
  authority(const postern::test::temp_directory& folder, std::string name)
      : folder_(folder),
        name_(std::move(name)),
        pem_(rt::self_sign(key_, profile("authority", rt::certificate_profile::usage::authority))
                 .value()) {}

  /// The files of a member that is only good for one side of a connection.
  rt::cluster_files member(const std::string& name, rt::certificate_profile::usage use) const {
    const auto key = rt::private_key::generate();
    const auto path = name_ + "-" + name;
    return {folder_.write(path + ".pem", rt::sign_key(key, profile(name, use), key_, pem_).value()),
            folder_.write(path + ".key", key.pem()), folder_.write(path + "-ca.pem", pem_)};
  }

 private:
  static rt::certificate_profile profile(const std::string& name,
                                         rt::certificate_profile::usage use) {
    const auto now = rt::system_wall_clock{}.now();
    rt::certificate_profile p;
    p.serial_hex = "01";
    p.common_name = name;
    p.not_before = now - 1h;
    p.not_after = now + 1h;
    p.use = use;
    return p;
  }

  const postern::test::temp_directory& folder_;
  std::string name_;
  rt::private_key key_ = rt::private_key::generate();
  std::string pem_;
};

struct configuration : rt::shard_system_config {
  explicit configuration(rt::shard_pool& shards) : shard_system_config(shards) {
    rt::load_cluster_link(*this);
  }
};

caf::behavior echo(caf::event_based_actor*) {
  return {[](const std::string& text) { return text + "!"; }};
}

/// One node: what a process has of it.
class node {
  template <class F>
  auto on_shard(F f) {
    return asio::co_spawn(shards_.at(0).get_executor(), std::move(f), asio::use_future).get();
  }

 public:
  explicit node(rt::cluster_files files) {
    shards_.start();
    config_ = std::make_unique<configuration>(shards_);
    system_ = std::make_unique<caf::actor_system>(*config_);
    port_ = std::make_unique<rt::actor_port>(*system_, shards_.at(0));
    link_ = std::make_unique<rt::cluster_link>(*system_, shards_.at(0), std::move(files));
    echo_ = system_->spawn(echo);
  }

  ~node() {
    leave();
    on_shard([this]() -> rt::awaitable<bool> {
      port_.reset();
      co_return true;
    });
    caf::anon_send_exit(echo_, caf::exit_reason::user_shutdown);
    echo_ = nullptr;
    system_.reset();
    shards_.stop();
  }

  uint16_t open() { return link_->publish(echo_, {"127.0.0.1", 0}).value(); }

  rt::result<caf::strong_actor_ptr> connect(uint16_t port) {
    return on_shard([this, port]() -> rt::awaitable<rt::result<caf::strong_actor_ptr>> {
      const postern::config::endpoint there{"127.0.0.1", port};
      co_return co_await link_->connect(*port_, there, 10s);
    });
  }

  /// Empty if there is no answer.
  std::string ask(const caf::strong_actor_ptr& remote, const std::string& text) {
    caf::scoped_actor self{*system_};
    std::string said;
    self->request(caf::actor_cast<caf::actor>(remote), patient, text)
        .receive([&](std::string& answer) { said = std::move(answer); }, [](caf::error&) {});
    return said;
  }

  /// Ready once the link to that actor has ended.
  std::shared_future<void> watch(const caf::strong_actor_ptr& remote) {
    auto ended = std::make_shared<std::promise<void>>();
    std::promise<void> watching;
    system_->spawn([&, remote, ended](caf::event_based_actor* self) -> caf::behavior {
      self->monitor(caf::actor_cast<caf::actor>(remote));
      self->set_down_handler([self, ended](caf::down_msg&) {
        ended->set_value();
        self->quit();
      });
      watchers_.push_back(caf::actor{self});
      watching.set_value();
      return {[](caf::unit_t) {}};
    });
    watching.get_future().wait();
    return ended->get_future().share();
  }

  void leave() {
    for (auto& one : watchers_)
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    watchers_.clear();
    on_shard([this]() -> rt::awaitable<bool> {
      link_.reset();
      co_return true;
    });
  }

 private:
  rt::shard_pool shards_{1};
  std::unique_ptr<configuration> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<rt::actor_port> port_;
  std::unique_ptr<rt::cluster_link> link_;
  caf::actor echo_;
  std::vector<caf::actor> watchers_;
};

#ifdef __SANITIZE_THREAD__
// The sanitizer's time for what CAF hands from thread to thread grows with the square of its size.
constexpr size_t larger_than_buffers = 20'000;
#else
constexpr size_t larger_than_buffers = 2'000'000;  // all on the way together
#endif

bool is_over(const std::shared_future<void>& link, std::chrono::milliseconds within) {
  return link.wait_for(within) == std::future_status::ready;
}

/// A plain connection, for whoever does not play by the rules.
struct knock {
  explicit knock(uint16_t port) : socket(io) {
    socket.connect({asio::ip::address_v4::loopback(), port});
  }
  /// Whether the other side has ended the connection without a byte that is no TLS alert.
  bool is_refused() {
    std::array<unsigned char, 4096> piece{};
    boost::system::error_code failure;
    size_t size = 0;
    while (!failure) {
      size = socket.read_some(asio::buffer(piece), failure);
      constexpr unsigned char alert = 21;
      if (!failure && (size == 0 || piece[0] != alert)) return false;
    }
    return true;
  }
  asio::io_context io;
  asio::ip::tcp::socket socket;
};

/// A TLS client without a certificate that takes any: what it gets to read from the application.
std::string read_without_certificate(uint16_t port) {
  knock one{port};
  rt::ssl_context_ptr tls{SSL_CTX_new(TLS_client_method())};
  rt::ssl_ptr connection{SSL_new(tls.get())};
  SSL_set_fd(connection.get(), one.socket.native_handle());
  SSL_connect(connection.get());
  std::array<char, 4096> piece{};
  const int got = SSL_read(connection.get(), piece.data(), static_cast<int>(piece.size()));
  ERR_clear_error();
  return got > 0 ? std::string{piece.data(), static_cast<size_t>(got)} : "";
}

struct fixture {
  using use = rt::certificate_profile::usage;
  postern::test::temp_directory folder;
  authority ours{folder, "ours"};
  authority theirs{folder, "theirs"};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cluster_link_tests, fixture)

CAF_TEST(a member reaches the actor that another one offers) {
  node b{ours.member("b", use::server)};
  const auto port = b.open();
  node a{ours.member("a", use::client)};
  const auto found = a.connect(port);
  CAF_REQUIRE(found);
  CAF_CHECK_EQUAL(a.ask(*found, "here"), "here!");
  const std::string large(larger_than_buffers, 'x');
  CAF_CHECK_EQUAL(a.ask(*found, large), large + "!");
}

CAF_TEST(a link that has ended is known on the other side) {
  node b{ours.member("b", use::server)};
  const auto port = b.open();
  node a{ours.member("a", use::client)};
  const auto found = a.connect(port);
  CAF_REQUIRE(found);
  const auto link = a.watch(*found);
  CAF_CHECK_EQUAL(a.ask(*found, "here"), "here!");
  b.leave();
  CAF_CHECK(is_over(link, patient));
}

CAF_TEST(a member that asks twice gets the same actor and the first link stays) {
  node b{ours.member("b", use::server)};
  const auto port = b.open();
  node a{ours.member("a", use::client)};
  const auto first = a.connect(port);
  CAF_REQUIRE(first);
  const auto link = a.watch(*first);
  const auto second = a.connect(port);
  CAF_REQUIRE(second);
  CAF_CHECK(*first == *second);
  CAF_CHECK_EQUAL(a.ask(*first, "here"), "here!");
  CAF_CHECK(!is_over(link, 0ms));
}

CAF_TEST(whoever is no member is refused and ends no link of members) {
  node b{ours.member("b", use::server)};
  const auto port = b.open();
  node a{ours.member("a", use::client)};
  const auto found = a.connect(port);
  CAF_REQUIRE(found);
  const auto link = a.watch(*found);
  node forged{theirs.member("b", use::client)};
  for (int turn = 0; turn < 20; ++turn) {
    CAF_CHECK(!forged.connect(port));
    CAF_CHECK_EQUAL(read_without_certificate(port), "");
    knock plain{port};
    plain.socket.write_some(asio::buffer("\0\0\0\0 no hello of TLS", 20));
    CAF_CHECK(plain.is_refused());
    CAF_CHECK_EQUAL(a.ask(*found, "still here"), "still here!");
  }
  CAF_CHECK(!is_over(link, 0ms));
}

CAF_TEST(a member lets nobody in who is no member when it dials) {
  node impostor{theirs.member("b", use::server)};
  const auto port = impostor.open();
  node a{ours.member("a", use::client)};
  const auto found = a.connect(port);
  CAF_REQUIRE(!found);
  CAF_CHECK_EQUAL(found.error().cause, "tls_handshake");
}

CAF_TEST(a node that accepts and says nothing holds up no other) {
  node b{ours.member("b", use::server)};
  const auto port = b.open();
  node a{ours.member("a", use::client)};
  asio::io_context io;
  asio::ip::tcp::acceptor silent{io, {asio::ip::address_v4::loopback(), 0}};
  auto waiting =
      std::async(std::launch::async, [&] { return a.connect(silent.local_endpoint().port()); });
  asio::ip::tcp::socket theirs_end{io};
  silent.accept(theirs_end);
  CAF_CHECK(a.connect(port));
  CAF_CHECK(waiting.wait_for(0ms) != std::future_status::ready);
  CAF_CHECK(!waiting.get());
}

CAF_TEST(files that are replaced count from the next connection on) {
  node b{ours.member("b", use::server)};
  const auto port = b.open();
  const auto files = theirs.member("a", use::client);
  node a{files};
  CAF_CHECK(!a.connect(port));
  const auto fresh = ours.member("a", use::client);
  for (const auto& [from, to] : {std::pair{fresh.certificate, files.certificate},
                                 {fresh.key, files.key},
                                 {fresh.authority, files.authority}})
    CAF_REQUIRE_EQUAL(std::rename(from.c_str(), to.c_str()), 0);
  CAF_CHECK(a.connect(port));
}

CAF_TEST_FIXTURE_SCOPE_END()
