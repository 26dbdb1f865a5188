#include "control/https_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <fstream>
#include <iterator>
#include <vector>

namespace postern::control {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

constexpr uint64_t largest_response = 16u << 20;
constexpr uint32_t largest_head = 64u << 10;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// One request on its way. Lives until the io_context has run dry.
struct call {
  const config::web_url& where;
  runtime::http_request& request;
  asio::io_context& io;
  runtime::ssl_ptr tls;
  std::chrono::seconds timeout;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::now() + timeout;
  outcome<runtime::http_response> result = refusal("");

  failure failed(const std::string& what) const { return refusal(where.authority() + ": " + what); }
  failure failed(const char* step, const error_code& code) const {
    if (code == beast::error::timeout) {
      return failed("no answer within " + std::to_string(timeout.count()) + " s (" + step + ")");
    }
    return failed(std::string{step} + ": " + code.message());
  }
  /// An IPv6 address without the brackets of the URL.
  std::string dialled_host() const {
    return where.host.starts_with('[') ? where.host.substr(1, where.host.size() - 2) : where.host;
  }
};

asio::awaitable<outcome<std::vector<tcp::endpoint>>> find_addresses(call& c) {
  auto host = c.dialled_host();
  std::vector<tcp::endpoint> out;
  if (host == "localhost" || host.ends_with(".localhost")) {
    out.emplace_back(asio::ip::address_v4::loopback(), c.where.port);
    out.emplace_back(asio::ip::address_v6::loopback(), c.where.port);
    co_return out;
  }
  tcp::resolver resolver{c.io};
  auto [code, found] =
      co_await resolver.async_resolve(host, std::to_string(c.where.port), as_result);
  if (code) co_return c.failed("name look-up", code);
  for (const auto& entry : found)
    out.push_back(entry.endpoint());
  co_return out;
}

/// The certificate's fault, if the handshake failed because of it, in OpenSSL's words.
failure handshake_failure(call& c, SSL* tls, const error_code& code) {
  auto verdict = SSL_get_verify_result(tls);
  if (verdict == X509_V_OK) return c.failed("TLS handshake", code);
  return c.failed(std::string{"certificate not accepted: "} +
                  X509_verify_cert_error_string(verdict) +
                  " (--ca FILE names an authority to trust)");
}

asio::awaitable<outcome<runtime::http_response>> perform(call& c) {
  auto addresses = co_await find_addresses(c);
  if (!addresses) co_return addresses.error();
  auto* tls = c.tls.get();
  asio::ssl::stream<beast::tcp_stream> stream{beast::tcp_stream{c.io}, c.tls.release()};
  auto& connection = stream.next_layer();
  connection.expires_at(c.deadline);
  if (auto [code, peer] = co_await connection.async_connect(*addresses, as_result); code) {
    co_return c.failed("connect", code);
  }
  if (auto [code] = co_await stream.async_handshake(asio::ssl::stream_base::client, as_result);
      code) {
    co_return handshake_failure(c, tls, code);
  }
  if (auto [code, sent] = co_await beast::http::async_write(stream, c.request, as_result); code) {
    co_return c.failed("send", code);
  }
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(largest_response);
  parser.header_limit(largest_head);
  beast::flat_buffer buffer;
  if (auto [code, got] = co_await beast::http::async_read(stream, buffer, parser, as_result);
      code) {
    co_return c.failed("receive", code);
  }
  co_return parser.release();
}

outcome<std::string> read_authorities(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in) return bad_input(path + ": expected a readable file");
  if (text.find("-----BEGIN CERTIFICATE-----") == text.npos)
    return bad_input(path + ": expected PEM certificates");
  return text;
}

}  // namespace

outcome<https_client> https_client::make(const https_options& options) {
  runtime::tls_client_options tls;
  tls.protocols = {"http/1.1"};
  if (!options.ca_file.empty()) {
    auto text = read_authorities(options.ca_file);
    if (!text) return text.error();
    tls.authorities_pem = std::move(*text);
  }
  auto context = runtime::tls_client_context::make(tls);
  if (!context) return bad_input(options.ca_file + ": " + runtime::to_string(context.error()));
  return https_client{std::move(*context), options.timeout};
}

outcome<runtime::http_response> https_client::send(const config::web_url& where,
                                                   runtime::http_request request) const {
  if (where.scheme != "https") return refusal(where.text() + ": expected an https URL");
  request.set(runtime::http_field::host, where.authority());
  request.set(runtime::http_field::connection, "close");
  request.prepare_payload();
  asio::io_context io{1};
  call c{where, request, io, nullptr, timeout_};
  c.tls = tls_->make_connection(c.dialled_host());
  asio::co_spawn(
      io, [&c]() -> asio::awaitable<void> { c.result = co_await perform(c); },
      [&c](std::exception_ptr thrown) {
        if (thrown) c.result = c.failed("the request could not be made");
      });
  c.result = c.failed("name look-up", beast::error::timeout);
  // The stream watches the deadline itself; a look-up of a name cannot be cancelled and is left
  // behind.
  io.run_until(c.deadline + std::chrono::seconds{1});
  return std::move(c.result);
}

}  // namespace postern::control
