#include "control/https_client.hpp"

#include "config/published.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

namespace postern::control {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

constexpr uint64_t largest_response = 16u << 20;
constexpr uint32_t largest_head = 64u << 10;

using tls_stream = asio::ssl::stream<beast::tcp_stream>;

/// One request on its way: asynchronous operations, for the sake of their deadlines, each waited
/// for at once.
class call {
 public:
  call(const config::web_url& where, std::chrono::milliseconds timeout)
      : where_(where), timeout_(timeout), deadline_(std::chrono::steady_clock::now() + timeout) {}

  outcome<runtime::http_response> perform(runtime::http_request& request, runtime::ssl_ptr tls);

 private:
  /// Starts an operation by start(handler) and returns how it ended.
  template <class Start>
  error_code wait(Start start) {
    auto ended = std::make_shared<std::optional<error_code>>();
    start([ended](const error_code& code, const auto&...) { *ended = code; });
    io_.restart();
    // The stream watches the deadline itself; a look-up of a name cannot be cancelled and is left
    // behind.
    while (!*ended && io_.run_one_until(deadline_ + std::chrono::seconds{1}) > 0) {
    }
    return ended->value_or(beast::error::timeout);
  }

  outcome<std::vector<tcp::endpoint>> find_addresses();
  failure failed(const std::string& what) const {
    return refusal(where_.authority() + ": " + what);
  }
  failure failed(const char* step, const error_code& code) const;
  failure handshake_failed(SSL* tls, const error_code& code) const;

  const config::web_url& where_;
  std::chrono::milliseconds timeout_;
  std::chrono::steady_clock::time_point deadline_;
  asio::io_context io_{1};
};

/// An IPv6 address without the brackets of the URL.
std::string dialled_host(const config::web_url& where) {
  return where.host.starts_with('[') ? where.host.substr(1, where.host.size() - 2) : where.host;
}

failure call::failed(const char* step, const error_code& code) const {
  if (code == beast::error::timeout) {
    return failed("no answer within " + config::format_duration(timeout_) + " (" + step + ")");
  }
  return failed(std::string{step} + ": " + code.message());
}

/// Names the certificate's fault, if that is why the handshake failed, in OpenSSL's words.
failure call::handshake_failed(SSL* tls, const error_code& code) const {
  auto verdict = SSL_get_verify_result(tls);
  if (verdict == X509_V_OK) return failed("TLS handshake", code);
  return failed(std::string{"certificate not accepted: "} + X509_verify_cert_error_string(verdict) +
                " (--ca FILE names an authority to trust)");
}

outcome<std::vector<tcp::endpoint>> call::find_addresses() {
  auto host = dialled_host(where_);
  std::vector<tcp::endpoint> out;
  if (host == "localhost" || host.ends_with(".localhost")) {
    out.emplace_back(asio::ip::address_v4::loopback(), where_.port);
    out.emplace_back(asio::ip::address_v6::loopback(), where_.port);
    return out;
  }
  tcp::resolver resolver{io_};
  auto found = std::make_shared<tcp::resolver::results_type>();
  auto code = wait([&](const auto& handler) {
    resolver.async_resolve(host, std::to_string(where_.port),
                           [handler, found](error_code e, auto results) {
                             *found = std::move(results);
                             handler(e);
                           });
  });
  if (code) return failed("name look-up", code);
  for (const auto& entry : *found)
    out.push_back(entry.endpoint());
  return out;
}

outcome<runtime::http_response> call::perform(runtime::http_request& request,
                                              runtime::ssl_ptr tls) {
  auto addresses = find_addresses();
  if (!addresses) return addresses.error();
  auto* native = tls.get();
  tls_stream stream{beast::tcp_stream{io_}, tls.release()};
  auto& connection = stream.next_layer();
  connection.expires_at(deadline_);
  if (auto code = wait([&](const auto& h) { connection.async_connect(*addresses, h); }))
    return failed("connect", code);
  if (auto code = wait([&](const auto& h) { stream.async_handshake(tls_stream::client, h); })) {
    return handshake_failed(native, code);
  }
  if (auto code = wait([&](const auto& h) { beast::http::async_write(stream, request, h); }))
    return failed("send", code);
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(largest_response);
  parser.header_limit(largest_head);
  beast::flat_buffer buffer;
  if (auto code =
          wait([&](const auto& h) { beast::http::async_read(stream, buffer, parser, h); })) {
    return failed("receive", code);
  }
  return parser.release();
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
  return call{where, timeout_}.perform(request, tls_->make_connection(dialled_host(where)));
}

}  // namespace postern::control
