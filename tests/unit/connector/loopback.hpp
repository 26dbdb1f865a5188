#pragma once
// Connected sockets on the loopback interface, for tests of what owns connections.

#include "runtime/transport.hpp"

#include <boost/asio/write.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace postern::test {

/// The origin's end of a connection.
struct origin_end {
  runtime::tcp_socket socket;
  std::string got;
  bool ended = false;

  /// Takes all that has arrived.
  void look() {
    char bytes[4'096];
    boost::system::error_code failed;
    socket.non_blocking(true);
    while (!failed)
      got.append(bytes, socket.read_some(boost::asio::buffer(bytes), failed));
    ended = ended || failed != boost::asio::error::would_block;
  }
  void say(std::string_view text) {
    boost::asio::write(socket, boost::asio::buffer(text.data(), text.size()));
  }
};

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
