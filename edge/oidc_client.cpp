#include "edge/oidc_client.hpp"

#include "runtime/encoding.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <map>

namespace postern::edge {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::http_field;
using runtime::http_request;
using runtime::http_response;
using runtime::http_verb;
using runtime::result;

namespace {

error unreachable(const error& why) {
  const auto category = why.category == error_category::timeout ? error_category::timeout
                                                                : error_category::bad_gateway;
  return sts_error(category, "sts_unreachable", runtime::to_string(why));
}

http_request make_token_request(const code_exchange& x, const issuer_metadata& at) {
  std::map<std::string, std::string> form{{"grant_type", "authorization_code"},
                                          {"code", x.code},
                                          {"redirect_uri", x.redirect_uri},
                                          {"code_verifier", x.code_verifier}};
  http_request request{http_verb::post, "/", 11};
  if (x.client_secret.empty()) {
    form["client_id"] = x.client_id;
  } else if (at.takes_basic) {
    // RFC 6749, 2.3.1: both halves are form-encoded first.
    const auto pair =
        runtime::percent_encode(x.client_id) + ":" + runtime::percent_encode(x.client_secret);
    request.set(http_field::authorization, "Basic " + runtime::to_base64(pair));
  } else {
    form["client_id"] = x.client_id;
    form["client_secret"] = x.client_secret;
  }
  request.set(http_field::content_type, "application/x-www-form-urlencoded");
  request.set(http_field::accept, "application/json");
  request.body() = runtime::make_form(form);
  return request;
}

}  // namespace

issuer_fetch make_issuer_fetch(runtime::shard& home, issuer_trust trust) {
  return [&home, trust = std::move(trust)](
             std::string url, http_request request) -> awaitable<result<http_response>> {
    runtime::fetch_options options;
    options.tls = trust();
    options.timeout = runtime::limits::fetch_timeout;
    options.content_limit = runtime::limits::fetched_content_bytes;
    // Without a context fetch() would speak in the clear.
    if (!options.tls)
      co_return error{error_category::unavailable, "starting", "service",
                      "no trust in issuers yet"};
    co_return co_await runtime::fetch(home, std::move(url), std::move(request), std::move(options));
  };
}

oidc_client::oidc_client(runtime::shard& home, issuer_fetch fetch, monotonic_clock now)
    : home_(home), fetch_(std::move(fetch)), now_(std::move(now)) {}

awaitable<result<metadata_ptr>> oidc_client::discover(std::string issuer) {
  auto& known = issuers_[issuer];  // nodes of a map stay where they are
  if (!known.fetching && now_() >= known.next_fetch) {
    known.fetching = true;
    // On its own, so that it does not end with whoever happened to be the first to ask.
    runtime::asio::co_spawn(home_.get_executor(), refresh(issuer), runtime::asio::detached);
  }
  if (known.fetching) {
    runtime::wait_point done{home_};
    known.waiting.push_back(&done);
    co_await done.wait();
  }
  if (known.metadata) co_return known.metadata;
  co_return known.failure;
}

awaitable<void> oidc_client::refresh(std::string issuer) {
  result<metadata_ptr> fetched = metadata_ptr{};
  try {
    fetched = co_await fetch_metadata(issuer);
  } catch (const std::exception& e) {
    fetched = error{error_category::internal, "internal", "service", e.what()};
  }
  auto& known = issuers_[issuer];
  if (fetched) {
    known.metadata = std::move(*fetched);
    known.next_fetch = now_() + metadata_lifetime;
  } else {
    known.failure = fetched.error();
    known.next_fetch = now_() + metadata_retry;
    runtime::log_event(
        spdlog::level::warn, "issuer_unreachable",
        {{"issuer", issuer}, {"cause", known.failure.cause}, {"detail", known.failure.detail}});
  }
  known.fetching = false;
  for (auto* waiting : std::exchange(known.waiting, {}))
    waiting->wake();
}

awaitable<result<metadata_ptr>> oidc_client::fetch_metadata(const std::string& issuer) {
  const auto text = co_await get(discovery_url(issuer));
  if (!text) co_return text.error();
  auto metadata = read_metadata(*text, issuer);
  if (!metadata) co_return metadata.error();
  co_return std::make_shared<const issuer_metadata>(std::move(*metadata));
}

awaitable<result<std::string>> oidc_client::get(std::string url) {
  http_request request{http_verb::get, "/", 11};
  request.set(http_field::accept, "application/json");
  auto response = co_await fetch_(url, std::move(request));
  if (!response) co_return unreachable(response.error());
  if (response->result() != runtime::http_status::ok)
    co_return sts_error(error_category::bad_gateway, "sts_malformed",
                        url + ": status " + std::to_string(response->result_int()));
  co_return std::move(response->body());
}

awaitable<result<std::string>> oidc_client::exchange_code(code_exchange exchange) {
  auto metadata = co_await discover(exchange.issuer);
  if (!metadata) co_return metadata.error();
  auto response =
      co_await fetch_((*metadata)->token_endpoint, make_token_request(exchange, **metadata));
  if (!response) co_return unreachable(response.error());
  co_return read_token_answer(response->result_int(), response->body());
}

awaitable<result<std::string>> oidc_client::fetch_keys(std::string issuer) {
  auto metadata = co_await discover(std::move(issuer));
  if (!metadata) co_return metadata.error();
  co_return co_await get((*metadata)->jwks_uri);
}

}  // namespace postern::edge
