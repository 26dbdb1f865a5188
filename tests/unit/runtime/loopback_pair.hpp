#pragma once
// Both ends of one TCP connection on the loopback interface.

#include "runtime/shard.hpp"

namespace postern::test {

struct loopback_pair {
  explicit loopback_pair(runtime::shard& home)
      : dialled(home.get_executor()), accepted(home.get_executor()) {
    const boost::asio::ip::tcp::endpoint any{boost::asio::ip::address_v4::loopback(), 0};
    runtime::tcp_acceptor acceptor{home.get_executor(), any};
    dialled.connect(acceptor.local_endpoint());
    acceptor.accept(accepted);
  }

  runtime::tcp_socket dialled, accepted;
};

}  // namespace postern::test
