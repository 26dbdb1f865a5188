#include "edge/listener.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <linux/filter.h>

namespace postern::edge {

namespace asio = boost::asio;
using runtime::error;
using runtime::error_category;

namespace {

error listen_failed(const std::string& address, uint16_t port, const std::string& why) {
  return {error_category::unavailable, "listen_failed", "service",
          address + ":" + std::to_string(port) + ": " + why};
}

}  // namespace

runtime::result<void> check_unused(const std::string& address, uint16_t port) {
  boost::system::error_code failure;
  const auto ip = asio::ip::make_address(address, failure);
  if (failure) return error{error_category::invalid_input, "listen_address", "service", address};
  const asio::ip::tcp::endpoint endpoint{ip, port};
  asio::io_context unused;
  asio::ip::tcp::acceptor probe{unused};
  probe.open(endpoint.protocol(), failure);
  // Connections of an earlier node that rest in TIME_WAIT do not count.
  if (!failure) probe.set_option(asio::socket_base::reuse_address{true}, failure);
  if (!failure) probe.bind(endpoint, failure);
  if (failure) return listen_failed(address, port, failure.message());
  return {};
}

runtime::result<runtime::tcp_acceptor> open_listener(runtime::shard& home,
                                                     const std::string& address, uint16_t port) {
  boost::system::error_code failure;
  const auto ip = asio::ip::make_address(address, failure);
  if (failure) return error{error_category::invalid_input, "listen_address", "service", address};
  runtime::tcp_acceptor acceptor{home.get_executor()};
  const asio::ip::tcp::endpoint endpoint{ip, port};
  acceptor.open(endpoint.protocol(), failure);
  if (!failure) acceptor.set_option(asio::socket_base::reuse_address{true}, failure);
  // Every shard listens on its own: the kernel spreads connections, no thread hands them on.
  const int on = 1;
  ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (!failure) acceptor.bind(endpoint, failure);
  if (!failure) acceptor.listen(4096, failure);
  if (failure) return listen_failed(address, port, failure.message());
  return acceptor;
}

void refuse_new_connections(runtime::tcp_acceptor& acceptor) noexcept {
  // The flags of a TCP segment stand in its 14th byte (RFC 9293, section 3.1); SYN is 0x02.
  constexpr uint32_t flags_at = 13, syn = 0x02, whole = 0xffffffff;
  std::array<sock_filter, 4> program{{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_at),
                                      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, syn, 0, 1),
                                      BPF_STMT(BPF_RET | BPF_K, 0),
                                      BPF_STMT(BPF_RET | BPF_K, whole)}};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  // Where that is not allowed, connections under way at the end may be lost: no reason to stay.
  ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

}  // namespace postern::edge
