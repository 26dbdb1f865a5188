#pragma once
// A TCP connection with or without TLS, non-blocking, OpenSSL straight on the socket: no buffer is
// held while it is idle. Hot paths call try_read and try_write; occasional ones use it as a Beast
// AsyncStream.

#include "runtime/coarse_timer.hpp"
#include "runtime/shard.hpp"
#include "runtime/tls_context.hpp"
#include "runtime/tls_output.hpp"

#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>

#include <span>

namespace postern::runtime {

enum class io_status : uint8_t {
  done,        ///< `bytes` were moved
  want_read,   ///< wait until readable, try again
  want_write,  ///< wait until writable, try again
  closed,      ///< the peer ended the connection (close_notify or end of file)
  failed,
};

struct io_outcome {
  io_status status = io_status::failed;
  size_t bytes = 0;
};

/// Owns socket and TLS state. Lives on one shard; move it to another with release_socket() and the
/// socket's handle.
class transport {
 public:
  using executor_type = executor;

  /// `tls` null: plain TCP.
  transport(tcp_socket socket, ssl_ptr tls);
  transport(transport&&) noexcept = default;
  transport& operator=(transport&& other) noexcept;
  ~transport();

  executor_type get_executor() noexcept { return socket_.get_executor(); }
  tcp_socket& socket() noexcept { return socket_; }
  SSL* tls() noexcept { return tls_.get(); }
  /// Goes on with TLS on a connection that was plain so far.
  void use_tls(ssl_ptr tls);
  bool is_open() const noexcept { return socket_.is_open(); }

  /// Reads what is there; never blocks.
  io_outcome try_read(std::span<char> into);
  /// Whether another try_read() may find bytes without a wait; asked right after one that read
  /// something. `short_of`: it read less than there was room for. False spares a system call that
  /// would find nothing; a wait sees at once what has come since.
  bool may_have_more(bool short_of) const noexcept {
    return tls_ ? SSL_has_pending(tls_.get()) == 1 : !short_of;
  }
  /// Writes what fits; never blocks.
  io_outcome try_write(std::span<const char> from);
  /// Whether the peer has ended the connection, without taking bytes; `want_read`: it is silent and
  /// alive.
  io_status peek();
  /// Whether the peer has ended the connection, even behind bytes that nobody has taken yet: a FIN
  /// or reset that has arrived. One that waits behind more bytes than the socket's buffer holds
  /// cannot be seen.
  bool peer_has_left() const noexcept;

  /// Waits for the socket; false if it failed or was closed meanwhile, however late.
  awaitable<bool> wait_readable();
  awaitable<bool> wait_writable();
  awaitable<bool> wait_for(io_status what);

  /// TLS handshake; nothing to do without TLS. Errors: "tls_handshake" with the reason,
  /// "tls_timeout".
  awaitable<result<void>> handshake(coarse_timers& timers, std::chrono::milliseconds timeout);

  /// Sends close_notify if that goes without waiting, then closes.
  void shutdown() noexcept;
  /// Closes with a reset: the peer cannot take what it got for complete.
  void abort() noexcept;
  /// Closes. Whatever is tried later reaches no socket: the number may be another's by then.
  void close() noexcept;

  /// The same connection on another shard; this object is empty afterwards. Precondition: nothing
  /// waits on it.
  transport move_to(shard& other);

  // -- Beast's AsyncReadStream and AsyncWriteStream
  // -----------------------------------------------------------------
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return start_some<true>(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return start_some<false>(buffers, std::forward<Token>(token));
  }

 private:
  io_outcome classify(int outcome);

  template <class Buffers>
  static asio::mutable_buffer first_of(const Buffers& buffers) {
    for (auto i = asio::buffer_sequence_begin(buffers); i != asio::buffer_sequence_end(buffers);
         ++i)
      if (const asio::mutable_buffer b = *i; b.size() != 0) return b;
    return {};
  }

  io_outcome read_into(asio::mutable_buffer b) {
    return try_read({static_cast<char*>(b.data()), b.size()});
  }

  /// One TLS record for many small buffers.
  template <class Buffers>
  io_outcome write_gathered(const Buffers& buffers) {
    char gathered[16 * 1024];
    const auto n = asio::buffer_copy(asio::buffer(gathered), buffers);
    return try_write({gathered, n});
  }

  template <bool Read, class Buffers, class Token>
  auto start_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(boost::system::error_code, size_t)>(
        [this, buffers, ready = size_t{0}, has_ready = false, waited = false](
            auto& self, boost::system::error_code failure = {}) mutable {
          if (failure || has_ready) return self.complete(failure, ready);
          io_outcome outcome{io_status::done, 0};
          if (asio::buffer_size(buffers) != 0) {
            if constexpr (Read)
              outcome = read_into(first_of(buffers));
            else
              outcome = write_gathered(buffers);
          }
          if (outcome.status == io_status::want_read || outcome.status == io_status::want_write) {
            waited = true;
            socket_.async_wait(outcome.status == io_status::want_read ? tcp_socket::wait_read
                                                                      : tcp_socket::wait_write,
                               std::move(self));
            return;
          }
          if (outcome.status == io_status::closed) failure = asio::error::eof;
          if (outcome.status == io_status::failed) failure = asio::error::connection_reset;
          if (waited) return self.complete(failure, outcome.bytes);
          // Completions never run inside the initiating call.
          ready = outcome.bytes;
          has_ready = true;
          asio::post(get_executor(),
                     [self = std::move(self), failure]() mutable { self(failure); });
        },
        token, socket_);
  }

  tcp_socket socket_;
  std::unique_ptr<tls_output> output_;  ///< with TLS only; outlives `tls_`, which points to it
  ssl_ptr tls_;
};

}  // namespace postern::runtime
