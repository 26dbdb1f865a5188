#include "runtime/https_client.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/url/parse.hpp>

namespace postern::runtime {

namespace {

namespace http = boost::beast::http;

error fetch_error(bool late, const std::string& host, const boost::system::error_code& failure) {
  if (late)
    return {error_category::timeout, "fetch_timeout", "service", host + " did not answer in time"};
  return {error_category::bad_gateway, "fetch_failed", "service", host + ": " + failure.message()};
}

}  // namespace

result<url_parts> split_url(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(url);
  // "host:x/" is parsed as a host with the path "x/".
  if (!parsed ||
      (parsed->scheme_id() != boost::urls::scheme::https &&
       parsed->scheme_id() != boost::urls::scheme::http) ||
      parsed->host().empty() ||
      (!parsed->encoded_path().empty() && !parsed->encoded_path().starts_with('/')))
    return error{error_category::invalid_input, "url_malformed", "service", std::string{url}};
  url_parts parts;
  parts.tls = parsed->scheme_id() == boost::urls::scheme::https;
  parts.host = parsed->host_address();
  const uint16_t standard = parts.tls ? 443 : 80;
  // "host:" has an empty port; one that is out of range comes as 0.
  parts.port = parsed->port().empty() ? standard : parsed->port_number();
  if (parts.port == 0)
    return error{error_category::invalid_input, "url_malformed", "service", std::string{url}};
  parts.authority = std::string{parsed->encoded_host()};
  if (parts.port != standard) parts.authority += ":" + std::to_string(parts.port);
  parts.target = std::string{parsed->encoded_path()};
  if (parts.target.empty()) parts.target = "/";
  if (parsed->has_query()) parts.target += "?" + std::string{parsed->encoded_query()};
  return parts;
}

awaitable<result<http_response>> fetch(shard& home, std::string url, http_request request,
                                       fetch_options options) {
  auto parts = split_url(url);
  if (!parts) co_return parts.error();
  const auto started = std::chrono::steady_clock::now();
  // Named: GCC 12 copies an aggregate that is made within a co_await expression byte by byte.
  dial_target target{parts->host, parts->port, parts->tls ? options.tls : nullptr,
                     {},          {},          options.proxy};
  auto connection = co_await dial(home, std::move(target), options.timeout);
  if (!connection) co_return connection.error();

  struct context {
    transport* connection = nullptr;
    bool late = false;
  } late{&*connection};
  coarse_timer deadline;
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started);
  home.timers().arm(
      deadline, std::max(options.timeout - spent, std::chrono::milliseconds{1}),
      [](void* raw) {
        auto& c = *static_cast<context*>(raw);
        c.late = true;
        c.connection->close();
      },
      &late);

  request.version(11);
  request.target(parts->target);
  request.set(http::field::host, parts->authority);
  request.set(http::field::connection, "close");
  if (request.find(http::field::user_agent) == request.end())
    request.set(http::field::user_agent, "Postern/" POSTERN_VERSION);
  request.prepare_payload();
  auto [write_failure, sent] =
      co_await http::async_write(*connection, request, asio::as_tuple(use_awaitable));
  static_cast<void>(sent);
  if (write_failure) co_return fetch_error(late.late, parts->host, write_failure);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(options.content_limit);
  auto [read_failure, got] =
      co_await http::async_read(*connection, buffer, parser, asio::as_tuple(use_awaitable));
  static_cast<void>(got);
  if (read_failure) co_return fetch_error(late.late, parts->host, read_failure);
  connection->shutdown();
  co_return parser.release();
}

}  // namespace postern::runtime
