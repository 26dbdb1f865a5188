#include "connector/service_link.hpp"

#include "config/endpoint.hpp"
#include "connector/limits.hpp"
#include "connector/tunnel.hpp"
#include "runtime/files.hpp"
#include "runtime/json_members.hpp"

#include <boost/json/parse.hpp>

#include <cstdlib>

namespace postern::connector {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::result;
using runtime::text_member;

namespace {

error_category category_of(unsigned status) {
  switch (status) {
    case 401:
      return error_category::unauthenticated;
    case 403:
      return error_category::forbidden;
    case 404:
      return error_category::not_found;
    case 409:
      return error_category::conflict;
    case 503:
      return error_category::unavailable;
    default:
      return status < 500 ? error_category::invalid_input : error_category::bad_gateway;
  }
}

/// Where something came to be refused is the service, whatever runtime::dial() calls the other end.
template <class T>
result<T> from_service(result<T> r) {
  if (r) return r;
  auto why = r.error();
  if (why.source != "proxy") why.source = "service";
  return why;
}

}  // namespace

result<std::shared_ptr<const service_link>> service_link::make(
    const std::string& service, const std::string& authorities_pem,
    const std::optional<identity>& who, std::shared_ptr<const runtime::proxy_settings> proxies) {
  auto address = runtime::split_url(service);
  if (!address) return address.error();
  runtime::tls_client_options options{.authorities_pem = authorities_pem,
                                      .protocols = {"http/1.1"}};
  if (who) {
    options.certificate_pem = who->certificate_pem;
    options.key_pem = who->key_pem;
  }
  auto link = std::make_shared<service_link>();
  link->base_ = "https://" + address->authority;
  link->address_ = std::move(*address);
  link->proxies_ = std::move(proxies);
  auto request_tls = runtime::tls_client_context::make(options);
  if (!request_tls) return request_tls.error();
  options.protocols = {tunnel_protocol};
  auto tunnel_tls = runtime::tls_client_context::make(options);
  if (!tunnel_tls) return tunnel_tls.error();
  link->request_tls_ = std::move(*request_tls);
  link->tunnel_tls_ = std::move(*tunnel_tls);
  return std::shared_ptr<const service_link>{std::move(link)};
}

awaitable<result<runtime::http_response>> service_link::fetch(
    runtime::shard& home, std::string url, runtime::http_request request,
    std::chrono::milliseconds timeout) const {
  runtime::fetch_options options{.tls = request_tls_, .timeout = timeout};
  if (proxies_)
    if (const auto to = runtime::split_url(url))
      options.proxy = proxies_->proxy_for(to->host, to->port);
  auto answer =
      co_await runtime::fetch(home, std::move(url), std::move(request), std::move(options));
  co_return from_service(std::move(answer));
}

awaitable<result<runtime::transport>> service_link::dial_tunnel(runtime::shard& home,
                                                                std::string node) const {
  runtime::dial_target target{
      .host = address_.host, .port = address_.port, .tls = tunnel_tls_, .address = {}};
  if (!node.empty()) {
    auto at = config::parse_endpoint(node);
    if (!at) co_return error{error_category::invalid_input, "node_address", "service", node};
    target.port = at->port;
    target.address = std::move(at->address);
  }
  if (proxies_) target.proxy = proxies_->proxy_for(target.host, target.port);
  if (target.proxy && !target.address.empty())
    target.proxy = proxies_->proxy_for(target.address, target.port);
  auto connection = co_await runtime::dial(home, std::move(target), limits::tunnel_dial_timeout);
  if (connection && runtime::selected_protocol(connection->tls()) != tunnel_protocol)
    co_return error{error_category::bad_gateway, "tunnel_protocol", "service",
                    address_.authority + " does not speak " + tunnel_protocol};
  co_return from_service(std::move(connection));
}

result<std::shared_ptr<const runtime::proxy_settings>> make_proxies(const config::connector& own) {
  if (own.proxy == "none") return std::shared_ptr<const runtime::proxy_settings>{};
  if (own.proxy.empty())
    return runtime::proxy_settings::from_environment(
        [](const char* name) { return std::getenv(name); }, own.no_proxy);
  auto proxy = runtime::parse_proxy(own.proxy);
  if (!proxy) return proxy.error();
  if (!own.proxy_credentials_file.empty()) {
    const auto text = runtime::read_file(own.proxy_credentials_file);
    if (!text) return text.error();
    proxy->credentials = runtime::trim(text->substr(0, text->find_first_of("\r\n")));
    if (proxy->credentials.find(':') == std::string::npos)
      return error{error_category::invalid_input, "proxy_credentials_malformed", "proxy",
                   own.proxy_credentials_file + " holds no line USER:PASSWORD"};
  }
  return std::make_shared<const runtime::proxy_settings>(std::move(*proxy), own.no_proxy);
}

error refusal_of(const runtime::http_response& answer) {
  const auto status = answer.result_int();
  error why{category_of(status), "unexpected_status", "service", {}};
  boost::system::error_code malformed;
  const auto content = boost::json::parse(answer.body(), malformed);
  const auto* problem = malformed ? nullptr : content.if_object();
  std::string request_id;
  if (problem) {
    if (auto cause = text_member(*problem, "cause"); !cause.empty()) why.cause = cause;
    if (auto source = text_member(*problem, "source"); !source.empty()) why.source = source;
    why.detail = text_member(*problem, "detail");
    if (why.detail.empty()) why.detail = text_member(*problem, "title");
    request_id = text_member(*problem, "request_id");
  }
  if (!why.detail.empty()) why.detail += ' ';
  why.detail += "(status " + std::to_string(status);
  if (!request_id.empty()) why.detail += ", request " + request_id;
  why.detail += ")";
  return why;
}

}  // namespace postern::connector
