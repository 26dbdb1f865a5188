#include "runtime/transport.hpp"

#include <openssl/err.h>

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

namespace postern::runtime {

transport::transport(tcp_socket socket, ssl_ptr tls)
    : socket_(std::move(socket)), tls_(std::move(tls)) {
  boost::system::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
  if (tls_) use_tls(std::move(tls_));
}

void transport::use_tls(ssl_ptr tls) {
  tls_ = std::move(tls);
  const auto handle = static_cast<int>(socket_.native_handle());
  SSL_set0_rbio(tls_.get(), BIO_new_socket(handle, BIO_NOCLOSE));
  output_ = std::make_unique<tls_output>(tls_.get(), handle);
}

transport::~transport() = default;

transport& transport::operator=(transport&& other) noexcept {
  socket_ = std::move(other.socket_);
  // The old connection goes before what it writes to.
  tls_ = std::move(other.tls_);
  output_ = std::move(other.output_);
  return *this;
}

io_outcome transport::classify(int outcome) {
  if (outcome > 0) return {io_status::done, static_cast<size_t>(outcome)};
  // Not SSL_get_error(): it asks the thread's error queue, which others of the shard may have left
  // something in, and which would have to be emptied before every call.
  auto* tls = tls_.get();
  if (SSL_want_read(tls) && BIO_should_read(SSL_get_rbio(tls))) return {io_status::want_read, 0};
  if (SSL_want_write(tls) && BIO_should_write(SSL_get_wbio(tls))) return {io_status::want_write, 0};
  if ((SSL_get_shutdown(tls) & SSL_RECEIVED_SHUTDOWN) != 0) return {io_status::closed, 0};
  return {io_status::failed, 0};
}

io_outcome transport::try_read(std::span<char> into) {
  if (tls_) {
    return classify(SSL_read(tls_.get(), into.data(), static_cast<int>(into.size())));
  }
  const auto n = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
  if (n > 0) return {io_status::done, static_cast<size_t>(n)};
  if (n == 0) return {io_status::closed, 0};
  return {errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? io_status::want_read
                                                                    : io_status::failed,
          0};
}

io_outcome transport::try_write(std::span<const char> from) {
  if (tls_) {
    const auto outcome = output_->write(from);
    switch (outcome.result) {
      case tls_output::status::done:
        return {io_status::done, outcome.bytes};
      case tls_output::status::blocked:
        return {io_status::want_write, 0};
      case tls_output::status::want:
        return classify(0);
      case tls_output::status::failed:
        return {io_status::failed, 0};
    }
  }
  const auto n = ::send(socket_.native_handle(), from.data(), from.size(), MSG_NOSIGNAL);
  if (n >= 0) return {io_status::done, static_cast<size_t>(n)};
  return {errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? io_status::want_write
                                                                    : io_status::failed,
          0};
}

io_status transport::peek() {
  char byte = 0;
  if (tls_) {
    return classify(SSL_peek(tls_.get(), &byte, 1)).status;
  }
  const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK);
  if (n > 0) return io_status::done;
  if (n == 0) return io_status::closed;
  return errno == EAGAIN || errno == EWOULDBLOCK ? io_status::want_read : io_status::failed;
}

bool transport::peer_has_left() const noexcept {
  pollfd state{const_cast<tcp_socket&>(socket_).native_handle(), POLLRDHUP, 0};
  return ::poll(&state, 1, 0) > 0;
}

awaitable<bool> transport::wait_readable() {
  const auto [failure] =
      co_await socket_.async_wait(tcp_socket::wait_read, asio::as_tuple(use_awaitable));
  co_return !failure && is_open();
}

awaitable<bool> transport::wait_writable() {
  const auto [failure] =
      co_await socket_.async_wait(tcp_socket::wait_write, asio::as_tuple(use_awaitable));
  co_return !failure && is_open();
}

awaitable<bool> transport::wait_for(io_status what) {
  return what == io_status::want_write ? wait_writable() : wait_readable();
}

awaitable<result<void>> transport::handshake(coarse_timers& timers,
                                             std::chrono::milliseconds timeout) {
  if (!tls_) co_return result<void>{};
  coarse_timer deadline;
  bool late = false;
  struct context {
    transport* self;
    bool* late;
  } on_late{this, &late};
  timers.arm(
      deadline, timeout,
      [](void* raw) {
        auto& c = *static_cast<context*>(raw);
        *c.late = true;
        c.self->close();
      },
      &on_late);
  for (;;) {
    ERR_clear_error();
    const auto outcome = classify(SSL_do_handshake(tls_.get()));
    if (outcome.status == io_status::done) co_return result<void>{};
    if (outcome.status == io_status::closed || outcome.status == io_status::failed) {
      auto reason = tls_failure_text();
      if (const auto verdict = SSL_get_verify_result(tls_.get()); verdict != X509_V_OK)
        reason += std::string{" ("} + X509_verify_cert_error_string(verdict) + ")";
      co_return error{error_category::bad_gateway, "tls_handshake", "service", std::move(reason)};
    }
    if (!co_await wait_for(outcome.status))
      co_return error{error_category::timeout, late ? "tls_timeout" : "tls_handshake", "service",
                      "the connection ended"};
  }
}

void transport::shutdown() noexcept {
  if (!is_open()) return;
  if (tls_ && SSL_is_init_finished(tls_.get())) {
    SSL_shutdown(tls_.get());
  }
  close();
}

void transport::abort() noexcept {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
  close();
}

void transport::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (!tls_) return;
  BIO_set_fd(SSL_get_rbio(tls_.get()), -1, BIO_NOCLOSE);
  output_->forget_socket();
}

transport transport::move_to(shard& other) {
  boost::system::error_code ignored;
  const auto protocol = socket_.local_endpoint(ignored).protocol();
  const auto handle = socket_.release(ignored);
  return transport{tcp_socket{other.get_executor(), protocol, handle}, std::move(tls_)};
}

}  // namespace postern::runtime
