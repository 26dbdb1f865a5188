#pragma once
// Connected sockets on the loopback interface, for tests of what owns connections.

#include "runtime/transport.hpp"

#include <string>
#include <utility>

namespace postern::test {

/// Two ends of one TCP connection: ours as a transport, the origin's as a socket.
class loopback {
 public:
  explicit loopback(runtime::shard& home)
      : home_(home), acceptor_(home.get_executor(), {address(), 0}) {}

  std::pair<runtime::transport, runtime::tcp_socket> connect() {
    runtime::tcp_socket ours{home_.get_executor()};
    ours.connect({address(), acceptor_.local_endpoint().port()});
    auto theirs = acceptor_.accept();
    return {runtime::transport{std::move(ours), nullptr}, std::move(theirs)};
  }

 private:
  static boost::asio::ip::address address() { return boost::asio::ip::address_v4::loopback(); }

  runtime::shard& home_;
  runtime::tcp_acceptor acceptor_;
};

}  // namespace postern::test
