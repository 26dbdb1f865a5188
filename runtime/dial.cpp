#include "runtime/dial.hpp"

#include "runtime/limits.hpp"
#include "runtime/name_resolver.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <algorithm>

namespace postern::runtime {

namespace {

using asio::ip::tcp;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Attempts to connect to one of several addresses, a little after each other (RFC 8305): the
/// first that succeeds is the connection. Shared with the handlers of its sockets.
class attempt final : public std::enable_shared_from_this<attempt> {
 public:
  attempt(shard& home, milliseconds timeout)
      : changed_(home), home_(home), end_(clock::now() + timeout) {
    home.timers().arm(
        deadline_, timeout,
        [](void* raw) {
          auto& self = *static_cast<attempt*>(raw);
          self.late_ = true;
          self.changed_.wake();
        },
        this);
  }

  /// The addresses of a name; false: failure() says why.
  awaitable<bool> resolve(const std::string& host, uint16_t port);
  /// One connection to them.
  awaitable<std::optional<tcp_socket>> connect();

  bool is_late() const noexcept { return late_; }
  const std::string& failure() const noexcept { return failure_; }
  /// What is left of the time.
  milliseconds left() const {
    const auto rest = std::chrono::duration_cast<milliseconds>(end_ - clock::now());
    return std::max(rest, milliseconds{1});
  }

 private:
  void start_next();
  void arm_next();

  wait_point changed_;
  shard& home_;
  coarse_timer deadline_, next_;
  clock::time_point end_;
  std::string name_;  // that was asked for; empty: none
  std::vector<tcp::endpoint> addresses_;
  std::vector<std::unique_ptr<tcp_socket>> sockets_;  // one for each address that was begun with
  std::optional<size_t> winner_;
  std::string failure_;
  size_t running_ = 0;
  bool due_ = true;  // the next address may be tried
  bool over_ = false;
  bool late_ = false;
};

bool is_loopback_name(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost");
}

awaitable<bool> attempt::resolve(const std::string& host, uint16_t port) {
  boost::system::error_code not_an_address;
  address_list found;
  if (is_loopback_name(host)) {
    found = {asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
  } else if (auto address = asio::ip::make_address(host, not_an_address); !not_an_address) {
    found = {address};
  } else {
    auto& names = name_resolver::of(home_);
    const auto lookup = names.ask(host);
    while (!lookup->done && !late_) {
      lookup->waiting.push_back(&changed_);
      co_await changed_.wait();
      std::erase(lookup->waiting, &changed_);
    }
    if (!lookup->done || lookup->answer.addresses.empty()) {
      failure_ = lookup->done ? lookup->answer.failure : "no answer in time";
      co_return false;
    }
    name_ = host;
    found = order_for_trying(lookup->answer.addresses, names.preferred(host));
  }
  for (const auto& address : found)
    addresses_.emplace_back(address, port);
  co_return true;
}

awaitable<std::optional<tcp_socket>> attempt::connect() {
  failure_ = "no connection in time";
  sockets_.reserve(addresses_.size());
  while (!late_ && !winner_) {
    const bool more = sockets_.size() < addresses_.size();
    if (more && (due_ || running_ == 0))
      start_next();
    else if (running_ == 0)
      break;
    else
      co_await changed_.wait();
  }
  over_ = true;
  deadline_.disarm();
  next_.disarm();
  if (!winner_) {
    for (auto& one : sockets_)
      one->close();
    co_return std::nullopt;
  }
  if (!name_.empty()) name_resolver::of(home_).prefer(name_, addresses_[*winner_].address());
  std::optional<tcp_socket> connection{std::move(*sockets_[*winner_])};
  boost::system::error_code ignored;
  for (auto& one : sockets_)
    one->close(ignored);
  co_return connection;
}

void attempt::start_next() {
  const auto index = sockets_.size();
  sockets_.push_back(std::make_unique<tcp_socket>(home_.get_executor()));
  ++running_;
  sockets_[index]->async_connect(
      addresses_[index], [self = shared_from_this(), index](const boost::system::error_code& why) {
        if (self->over_) return;
        --self->running_;
        if (why)
          self->failure_ = why.message();
        else if (!self->winner_)
          self->winner_ = index;
        self->changed_.wake();
      });
  arm_next();
}

void attempt::arm_next() {
  due_ = false;
  home_.timers().arm(
      next_, limits::connection_attempt_delay,
      [](void* raw) {
        auto& self = *static_cast<attempt*>(raw);
        self.due_ = true;
        self.changed_.wake();
      },
      this);
}

/// Causes and source by what was dialled: the target itself, or the proxy before it.
struct wording {
  const char* unresolved;
  const char* refused;
  const char* late;
  const char* source;
};
constexpr wording of_target{"name_unresolved", "connection_refused", "connect_timeout", "origin"};
constexpr wording of_proxy{"proxy_unresolved", "proxy_unreachable", "proxy_timeout", "proxy"};

awaitable<result<tcp_socket>> open_socket(attempt& how, const std::string& host, uint16_t port,
                                          const wording& words, std::string shown) {
  if (words.source != of_target.source) shown = "the proxy " + shown;
  const bool resolved = co_await how.resolve(host, port);
  if (resolved) {
    auto socket = co_await how.connect();
    if (socket) co_return std::move(*socket);
  }
  shown += ": " + how.failure();
  if (how.is_late())
    co_return error{error_category::timeout, words.late, words.source, std::move(shown)};
  co_return error{error_category::bad_gateway, resolved ? words.refused : words.unresolved,
                  words.source, std::move(shown)};
}

/// CONNECT, for no longer than `timeout`.
awaitable<result<void>> pass_proxy(shard& home, transport& connection, const dial_target& target,
                                   milliseconds timeout) {
  struct guard {
    transport* connection;
    bool late = false;
    coarse_timer timer{};
  } g{&connection};
  home.timers().arm(
      g.timer, timeout,
      [](void* raw) {
        auto& late = *static_cast<guard*>(raw);
        late.late = true;
        late.connection->close();
      },
      &g);
  auto asked =
      co_await ask_proxy(connection, *target.proxy,
                         target.address.empty() ? target.host : target.address, target.port);
  if (!asked && g.late)
    co_return error{error_category::timeout, of_proxy.late, of_proxy.source,
                    "the proxy " + target.proxy->shown() + " did not answer in time"};
  co_return asked;
}

}  // namespace

awaitable<result<transport>> dial(shard& home, dial_target target, milliseconds timeout) {
  const auto how = std::make_shared<attempt>(home, timeout);
  const auto* proxy = target.proxy.get();
  const auto& host = proxy ? proxy->host : target.address.empty() ? target.host : target.address;
  auto shown = proxy ? proxy->shown() : target.host + ":" + std::to_string(target.port);
  auto socket = co_await open_socket(*how, host, proxy ? proxy->port : target.port,
                                     proxy ? of_proxy : of_target, std::move(shown));
  if (!socket) co_return socket.error();
  transport connection{std::move(*socket), nullptr};
  if (proxy) {
    auto asked = co_await pass_proxy(home, connection, target, how->left());
    if (!asked) co_return asked.error();
  }
  if (!target.tls) co_return connection;
  connection.use_tls(
      target.tls->make_connection(target.server_name.empty() ? target.host : target.server_name));
  auto shaken = co_await connection.handshake(home.timers(), how->left());
  if (!shaken) {
    auto why = shaken.error();
    why.source = "origin";
    if (why.cause == "tls_timeout") why.cause = "connect_timeout";
    if (SSL_get_verify_result(connection.tls()) != X509_V_OK) why.cause = "tls_certificate";
    co_return why;
  }
  co_return connection;
}

}  // namespace postern::runtime
