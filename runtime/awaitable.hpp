#pragma once
// The one coroutine type of the project: an Asio awaitable bound to a shard's io_context. Spawned
// coroutines end their own exceptions: nothing may leave `co_spawn`.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postern::runtime {

namespace asio = boost::asio;

using executor = asio::io_context::executor_type;
template <class T>
using awaitable = asio::awaitable<T, executor>;
inline constexpr asio::use_awaitable_t<executor> use_awaitable{};
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, executor>;
using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;

}  // namespace postern::runtime
