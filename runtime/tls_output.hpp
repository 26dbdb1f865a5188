#pragma once
// What a TLS connection sends: the records of one write are gathered and leave in one system call,
// where OpenSSL's socket BIO would make one call for each 16 KiB.

#include <openssl/ssl.h>

#include <cstdint>
#include <span>
#include <string>

namespace postern::runtime {

/// The sending half of one TLS connection over a non-blocking socket. Holds memory only while the
/// socket is full. Stays at its address (OpenSSL points to it); belongs to the shard of its
/// connection.
class tls_output {
 public:
  /// What write() did.
  enum class status : uint8_t {
    done,     ///< `bytes` of the caller's content have been handed to the operating system
    blocked,  ///< the socket is full: wait until it is writable
    failed,   ///< TLS or the socket failed
    want,     ///< TLS itself has to read or write first: ask OpenSSL which
  };
  struct outcome {
    status result = status::failed;
    size_t bytes = 0;
  };

  /// Becomes the write BIO of `connection`. `connection` must not outlive this object.
  tls_output(SSL* connection, int socket);
  tls_output(const tls_output&) = delete;
  tls_output& operator=(const tls_output&) = delete;

  /// Encrypts and sends as much of `content` as fits. What was not reported as done must be offered
  /// again, unchanged, by the next call: it may already be encrypted (the contract of SSL_write).
  outcome write(std::span<const char> content);

  /// The socket has been closed: everything fails from now on.
  void forget_socket() noexcept { socket_ = -1; }

 private:
  static const BIO_METHOD* method();
  static int on_write(BIO* bio, const char* data, size_t size, size_t* written);
  static long on_control(BIO* bio, int command, long number, void* pointer);

  int take(BIO* bio, const char* data, size_t size);
  /// Sends; returns how many bytes the socket took, -1 if it failed.
  ssize_t send(std::span<const char> bytes) const;
  /// Sends what waits: done, blocked or failed.
  status send_pending();
  /// Sends what was gathered; returns how much of the content has gone out whole.
  outcome send_gathered(size_t taken);

  SSL* connection_;
  int socket_;
  std::string pending_;        ///< records that the socket did not take
  size_t pending_offset_ = 0;  ///< what of them has been sent since
  size_t owed_ = 0;            ///< content in `pending_` that was not reported yet
  bool gathering_ = false;     ///< records go to the thread's buffer
};

}  // namespace postern::runtime
