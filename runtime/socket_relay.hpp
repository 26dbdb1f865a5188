#pragma once
// Carries bytes between a connection of ours and a socket inside this process, for a library that
// wants a socket of its own. Who uses it: cluster_link.

#include "runtime/transport.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <memory>
#include <utility>

namespace postern::runtime {

/// One end of a pair of connected sockets that have no name: nobody else can reach them.
using inner_socket = asio::basic_stream_socket<asio::local::stream_protocol, executor>;

/// Owns a file descriptor until it is released.
class descriptor {
 public:
  explicit descriptor(int handle = -1) noexcept : handle_(handle) {}
  descriptor(descriptor&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor();
  int release() noexcept { return std::exchange(handle_, -1); }

 private:
  int handle_;
};

/// Makes such a pair: ours on a shard, theirs as a bare descriptor. Errors: `unavailable`
/// "no_descriptors".
result<std::pair<inner_socket, descriptor>> make_inner_pair(shard& home);

/// Two directions with a fixed buffer each: who does not read holds up whoever writes. Lives on one
/// shard; kept alive by its own coroutines, which return when either end has ended or after end().
class socket_relay : public std::enable_shared_from_this<socket_relay> {
 public:
  /// `outer` is ready for use: TLS has shaken hands.
  socket_relay(transport outer, inner_socket inner)
      : outer_(std::move(outer)), inner_(std::move(inner)) {}

  /// Starts both directions; once.
  void start();
  /// Closes both ends; the outer one with close_notify.
  void end() noexcept;
  bool is_open() const noexcept { return outer_.is_open(); }

 private:
  awaitable<void> carry_inwards();
  awaitable<void> carry_outwards();
  awaitable<bool> send(std::span<const char> bytes);

  transport outer_;
  inner_socket inner_;
};

}  // namespace postern::runtime
