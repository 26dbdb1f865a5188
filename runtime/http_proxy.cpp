#include "runtime/http_proxy.hpp"

#include "runtime/encoding.hpp"
#include "runtime/http1_parser.hpp"
#include "runtime/http_fields.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/url/parse.hpp>

#include <algorithm>
#include <charconv>

namespace postern::runtime {

namespace {

// What proxies say to CONNECT, with pages for people that follow a refusal left unread.
constexpr size_t longest_answer = 16 * 1024;

error proxy_error(const char* cause, const http_proxy& proxy, std::string_view what) {
  return {error_category::bad_gateway, cause, "proxy",
          "the proxy " + proxy.shown() + " " + std::string{what}};
}

std::string_view without_brackets(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

/// "10.0.0.0/8" and an address in it.
bool in_network(std::string_view network, const asio::ip::address& address) {
  boost::system::error_code wrong;
  if (address.is_v4()) {
    const auto net = asio::ip::make_network_v4(std::string{network}, wrong);
    return !wrong && net.canonical() ==
                         asio::ip::network_v4{address.to_v4(), net.prefix_length()}.canonical();
  }
  const auto net = asio::ip::make_network_v6(std::string{network}, wrong);
  return !wrong &&
         net.canonical() == asio::ip::network_v6{address.to_v6(), net.prefix_length()}.canonical();
}

/// Takes ":port" off an exception; false if it is for another port.
bool fits_port(std::string_view& exception, uint16_t port) {
  const auto colon = exception.rfind(':');
  const bool address = exception.find(':') != colon && !exception.ends_with(']') &&
                       exception.find(']') == std::string_view::npos;
  if (colon == std::string_view::npos || address || exception.ends_with(']')) return true;
  const auto digits = exception.substr(colon + 1);
  uint16_t wanted = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), wanted);
  exception = exception.substr(0, colon);
  return failed == std::errc{} && end == digits.data() + digits.size() && wanted == port;
}

bool fits(std::string_view exception, std::string_view host, uint16_t port) {
  if (exception == "*") return true;
  if (!fits_port(exception, port)) return false;
  exception = without_brackets(exception);
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(std::string{host}, not_an_address);
  if (!not_an_address) {
    if (exception.find('/') != std::string_view::npos) return in_network(exception, address);
    const auto other = asio::ip::make_address(std::string{exception}, not_an_address);
    return !not_an_address && other == address;
  }
  if (exception.starts_with('.')) exception.remove_prefix(1);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (exception.empty() || host.size() < exception.size()) return false;
  const auto tail = host.substr(host.size() - exception.size());
  return iequals(tail, exception) &&
         (tail.size() == host.size() || host[host.size() - tail.size() - 1] == '.');
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find_first_of(", ");
    if (const auto one = trim(text.substr(0, end)); !one.empty()) out.emplace_back(one);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return out;
}

/// The first of two spellings that says something.
std::string_view variable(const std::function<const char*(const char*)>& get, const char* lower,
                          const char* upper) {
  for (const auto* name : {lower, upper})
    if (const auto* value = get(name); value != nullptr && *value != '\0') return value;
  return {};
}

std::string connect_request(const http_proxy& proxy, const std::string& host, uint16_t port) {
  const auto authority =
      (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  auto request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority +
                 "\r\nUser-Agent: Postern/" POSTERN_VERSION "\r\n";
  if (!proxy.credentials.empty())
    request += "Proxy-Authorization: Basic " + to_base64(proxy.credentials) + "\r\n";
  return request + "\r\n";
}

}  // namespace

std::string http_proxy::shown() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
         std::to_string(port);
}

result<http_proxy> parse_proxy(std::string_view text) {
  const error wrong{error_category::invalid_input, "proxy_malformed", "proxy",
                    "expected http://HOST:PORT for the proxy"};
  const auto url = text.find("://") == std::string_view::npos ? "http://" + std::string{text}
                                                              : std::string{text};
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->scheme_id() != boost::urls::scheme::http || parsed->host().empty() ||
      (!parsed->encoded_path().empty() && parsed->encoded_path() != "/") || parsed->has_query())
    return wrong;
  http_proxy proxy;
  proxy.host = parsed->host_address();
  proxy.port = 80;
  if (parsed->has_port()) {
    // Boost takes the lower bits of a number that is too large.
    const std::string digits = parsed->port();
    const auto [end, failed] =
        std::from_chars(digits.data(), digits.data() + digits.size(), proxy.port);
    if (failed != std::errc{} || proxy.port == 0) return wrong;
  }
  if (parsed->has_userinfo()) proxy.credentials = parsed->user() + ":" + parsed->password();
  return proxy;
}

proxy_settings::proxy_settings(http_proxy proxy, std::vector<std::string> exceptions)
    : proxy_(std::make_shared<const http_proxy>(std::move(proxy))),
      exceptions_(std::move(exceptions)) {}

result<std::shared_ptr<const proxy_settings>> proxy_settings::from_environment(
    const std::function<const char*(const char*)>& get, const std::vector<std::string>& more) {
  auto url = variable(get, "https_proxy", "HTTPS_PROXY");
  if (url.empty()) url = variable(get, "all_proxy", "ALL_PROXY");
  if (url.empty()) return std::shared_ptr<const proxy_settings>{};
  auto proxy = parse_proxy(url);
  if (!proxy) return proxy.error();
  auto exceptions = split_list(variable(get, "no_proxy", "NO_PROXY"));
  exceptions.insert(exceptions.end(), more.begin(), more.end());
  return std::make_shared<const proxy_settings>(std::move(*proxy), std::move(exceptions));
}

std::shared_ptr<const http_proxy> proxy_settings::proxy_for(std::string_view host,
                                                            uint16_t port) const {
  const bool direct = std::ranges::any_of(
      exceptions_, [&](const auto& exception) { return fits(exception, host, port); });
  return direct ? nullptr : proxy_;
}

awaitable<result<void>> ask_proxy(transport& connection, const http_proxy& proxy, std::string host,
                                  uint16_t port) {
  const auto request = connect_request(proxy, host, port);
  std::string_view unsent = request;
  while (!unsent.empty()) {
    const auto sent = connection.try_write({unsent.data(), unsent.size()});
    if (sent.status == io_status::done)
      unsent.remove_prefix(sent.bytes);
    else if (sent.status == io_status::closed || sent.status == io_status::failed ||
             !co_await connection.wait_for(sent.status))
      co_return proxy_error("proxy_closed", proxy, "ended the connection");
  }
  std::string answer(longest_answer, '\0');
  size_t size = 0;
  size_t end = std::string_view::npos;
  while (end == std::string_view::npos) {
    const auto got = connection.try_read({answer.data() + size, answer.size() - size});
    if (got.status == io_status::done) {
      const auto before = size;
      size += got.bytes;
      end = find_head_end({answer.data(), size}, before);
      if (end == std::string_view::npos && size == answer.size())
        co_return proxy_error("proxy_malformed", proxy, "sends a head without an end");
    } else if (got.status == io_status::closed || got.status == io_status::failed ||
               !co_await connection.wait_for(got.status)) {
      co_return proxy_error("proxy_closed", proxy, "ended the connection");
    }
  }
  http1_response_parser parser;
  parser.expect_no_content();
  if (!parser.parse_head({answer.data(), end}))
    co_return proxy_error("proxy_malformed", proxy, "answers something that is no HTTP");
  const auto status = parser.status();
  if (status == 407)
    co_return proxy_error("proxy_authentication", proxy,
                          proxy.credentials.empty() ? "asks for credentials (status 407)"
                                                    : "refuses the credentials (status 407)");
  if (status < 200 || status > 299)
    co_return proxy_error("proxy_refused", proxy,
                          "refuses " + host + ":" + std::to_string(port) + " (status " +
                              std::to_string(status) + ")");
  // TLS servers do not speak first: these bytes would be somebody else's.
  if (end != size) co_return proxy_error("proxy_malformed", proxy, "sends more than its answer");
  co_return result<void>{};
}

}  // namespace postern::runtime
