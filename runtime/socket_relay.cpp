#include "runtime/socket_relay.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

namespace postern::runtime {

namespace {

// A TLS record's worth.
constexpr size_t piece_bytes = 16 * 1024;

}  // namespace

descriptor::~descriptor() {
  if (handle_ >= 0) ::close(handle_);
}

result<std::pair<inner_socket, descriptor>> make_inner_pair(shard& home) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return error{error_category::unavailable, "no_descriptors", "service", std::strerror(errno)};
  return std::pair{inner_socket{home.get_executor(), asio::local::stream_protocol{}, ends[0]},
                   descriptor{ends[1]}};
}

void socket_relay::start() {
  const auto on = outer_.get_executor();
  const auto self = shared_from_this();
  asio::co_spawn(
      on, [self]() -> awaitable<void> { co_await self->carry_inwards(); }, asio::detached);
  asio::co_spawn(
      on, [self]() -> awaitable<void> { co_await self->carry_outwards(); }, asio::detached);
}

void socket_relay::end() noexcept {
  outer_.shutdown();
  boost::system::error_code ignored;
  inner_.close(ignored);
}

awaitable<void> socket_relay::carry_inwards() {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
  std::array<char, piece_bytes> piece;
  // Whoever ends the relay closes both ends, perhaps while this waits for the other one.
  while (outer_.is_open()) {
    const auto got = outer_.try_read(piece);
    if (got.status == io_status::want_read || got.status == io_status::want_write) {
      if (!co_await outer_.wait_for(got.status)) break;
      continue;
    }
    if (got.status != io_status::done) break;
    const auto [failure, written] = co_await asio::async_write(
        inner_, asio::buffer(piece.data(), got.bytes), asio::as_tuple(use_awaitable));
    if (failure) break;
  }
  end();
}

awaitable<void> socket_relay::carry_outwards() {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
  std::array<char, piece_bytes> piece;
  while (outer_.is_open()) {
    const auto [failure, got] =
        co_await inner_.async_read_some(asio::buffer(piece), asio::as_tuple(use_awaitable));
    if (failure || !co_await send({piece.data(), got})) break;
  }
  end();
}

awaitable<bool> socket_relay::send(std::span<const char> bytes) {
  while (!bytes.empty()) {
    if (!outer_.is_open()) co_return false;
    const auto sent = outer_.try_write(bytes);
    if (sent.status == io_status::done)
      bytes = bytes.subspan(sent.bytes);
    else if (sent.status != io_status::want_read && sent.status != io_status::want_write)
      co_return false;
    else if (!co_await outer_.wait_for(sent.status))
      co_return false;
  }
  co_return true;
}

}  // namespace postern::runtime
