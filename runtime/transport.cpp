#include "runtime/transport.hpp"

#include <openssl/err.h>

#include <cerrno>
#include <sys/socket.h>

namespace postern::runtime {

transport::transport(tcp_socket socket, ssl_ptr tls)
    : socket_(std::move(socket)), tls_(std::move(tls)) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
  if (tls_) SSL_set_fd(tls_.get(), static_cast<int>(socket_.native_handle()));
}

transport::~transport() = default;

io_outcome transport::classify(int outcome) {
  if (outcome > 0) return {io_status::done, static_cast<size_t>(outcome)};
  switch (SSL_get_error(tls_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
      return {io_status::want_read, 0};
    case SSL_ERROR_WANT_WRITE:
      return {io_status::want_write, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {io_status::closed, 0};
    default:
      return {io_status::failed, 0};
  }
}

io_outcome transport::try_read(std::span<char> into) {
  if (tls_) {
    ERR_clear_error();
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
    ERR_clear_error();
    return classify(SSL_write(tls_.get(), from.data(), static_cast<int>(from.size())));
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
    ERR_clear_error();
    return classify(SSL_peek(tls_.get(), &byte, 1)).status;
  }
  const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK);
  if (n > 0) return io_status::done;
  if (n == 0) return io_status::closed;
  return errno == EAGAIN || errno == EWOULDBLOCK ? io_status::want_read : io_status::failed;
}

awaitable<bool> transport::wait_readable() {
  const auto [failure] =
      co_await socket_.async_wait(tcp_socket::wait_read, asio::as_tuple(use_awaitable));
  co_return !failure;
}

awaitable<bool> transport::wait_writable() {
  const auto [failure] =
      co_await socket_.async_wait(tcp_socket::wait_write, asio::as_tuple(use_awaitable));
  co_return !failure;
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
    ERR_clear_error();
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
}

transport transport::move_to(shard& other) {
  boost::system::error_code ignored;
  const auto protocol = socket_.local_endpoint(ignored).protocol();
  const auto handle = socket_.release(ignored);
  return transport{tcp_socket{other.get_executor(), protocol, handle}, std::move(tls_)};
}

}  // namespace postern::runtime
