#include "connector/device_grant.hpp"

#include "config/tool_clients.hpp"
#include "runtime/encoding.hpp"
#include "runtime/json_members.hpp"
#include "runtime/limits.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>

namespace postern::connector {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::http_field;
using runtime::http_verb;
using runtime::result;

namespace {

const std::string client_id{config::connector_client};
constexpr const char* grant_type = "urn:ietf:params:oauth:grant-type:device_code";
// RFC 8628, sections 3.2 and 3.5.
constexpr std::chrono::seconds default_interval{5};
constexpr std::chrono::seconds slow_down_step{5};
constexpr std::chrono::seconds longest_interval{60};
constexpr std::chrono::seconds longest_wait{3'600};

error sts_error(error_category category, std::string cause, std::string detail) {
  return {category, std::move(cause), "sts", std::move(detail)};
}

/// The members of a JSON object; empty for anything else.
boost::json::object object_of(std::string_view content) {
  boost::system::error_code malformed;
  auto value = boost::json::parse({content.data(), content.size()}, malformed);
  return !malformed && value.is_object() ? std::move(value.get_object()) : boost::json::object{};
}

std::string text_of(const boost::json::object& o, std::string_view key) {
  return std::string{runtime::text_member(o, key)};
}

std::chrono::seconds seconds_of(const boost::json::object& o, std::string_view key,
                                std::chrono::seconds absent, std::chrono::seconds most) {
  const auto* value = o.if_contains(key);
  if (value == nullptr || !value->is_int64()) return absent;
  return std::clamp(std::chrono::seconds{value->get_int64()}, std::chrono::seconds{1}, most);
}

using form = std::map<std::string, std::string>;

awaitable<result<runtime::http_response>> post_form(runtime::shard& home, const service_link& link,
                                                    std::string url, form fields) {
  runtime::http_request request{http_verb::post, "/", 11};
  request.set(http_field::content_type, "application/x-www-form-urlencoded");
  request.set(http_field::accept, "application/json");
  request.body() = runtime::make_form(fields);
  co_return co_await link.fetch(home, std::move(url), std::move(request),
                                runtime::limits::fetch_timeout);
}

struct endpoints {
  std::string device_authorization, token;
};

awaitable<result<endpoints>> discover(runtime::shard& home, const service_link& link,
                                      std::string issuer) {
  while (issuer.ends_with('/'))
    issuer.pop_back();
  auto answer = co_await link.fetch(home, issuer + "/.well-known/openid-configuration",
                                    runtime::http_request{http_verb::get, "/", 11},
                                    runtime::limits::fetch_timeout);
  if (!answer) co_return answer.error();
  const auto metadata = object_of(answer->body());
  endpoints found{text_of(metadata, "device_authorization_endpoint"),
                  text_of(metadata, "token_endpoint")};
  // OpenID Connect Discovery 1.0, section 4.3: the document must speak of the issuer that was
  // asked.
  auto said = text_of(metadata, "issuer");
  while (said.ends_with('/'))
    said.pop_back();
  if (said != issuer)
    co_return sts_error(error_category::bad_gateway, "sts_malformed",
                        issuer + " is not what it says it is");
  if (!found.device_authorization.starts_with("https://") || !found.token.starts_with("https://"))
    co_return sts_error(error_category::bad_gateway, "sts_malformed",
                        issuer + " offers no device authorization grant; enrol with --token-file");
  co_return found;
}

awaitable<void> sleep(runtime::shard& home, std::chrono::seconds time) {
  boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                    boost::asio::wait_traits<std::chrono::steady_clock>,
                                    runtime::executor>
      timer{home.get_executor(), time};
  co_await timer.async_wait(runtime::use_awaitable);
}

}  // namespace

poll_verdict read_poll(unsigned status, std::string_view content) {
  using kind = poll_verdict::kind;
  const auto answer = object_of(content);
  if (status == 200) {
    if (auto token = text_of(answer, "access_token"); !token.empty())
      return {.what = kind::token, .access_token = std::move(token), .failure = {}};
    return {.failure = sts_error(error_category::bad_gateway, "sts_malformed",
                                 "no access token in the answer")};
  }
  const auto code = text_of(answer, "error");
  if (code == "authorization_pending") return {.what = kind::wait, .failure = {}};
  if (code == "slow_down") return {.what = kind::slow_down, .failure = {}};
  if (code == "access_denied")
    return {.failure = sts_error(error_category::unauthenticated, code, "the sign-in was refused")};
  if (code == "expired_token")
    return {.failure = sts_error(error_category::unauthenticated, code,
                                 "nobody signed in in time; start again")};
  return {.failure = sts_error(
              error_category::bad_gateway, code.empty() ? "sts_malformed" : code,
              text_of(answer, "error_description") + " (status " + std::to_string(status) + ")")};
}

awaitable<result<std::string>> sign_in_by_device(runtime::shard& home, const service_link& link,
                                                 std::string issuer,
                                                 std::function<void(const device_prompt&)> show) {
  const auto found = co_await discover(home, link, std::move(issuer));
  if (!found) co_return found.error();
  const form begin{{"client_id", client_id}, {"scope", "openid profile groups"}};
  auto started = co_await post_form(home, link, found->device_authorization, begin);
  if (!started) co_return started.error();
  const auto grant = object_of(started->body());
  const auto device_code = text_of(grant, "device_code");
  const device_prompt prompt{text_of(grant, "verification_uri"), text_of(grant, "user_code")};
  if (device_code.empty() || prompt.user_code.empty() || prompt.verification_uri.empty())
    co_return read_poll(started->result_int() == 200 ? 0 : started->result_int(), started->body())
        .failure;
  show(prompt);

  const form poll{
      {"client_id", client_id}, {"grant_type", grant_type}, {"device_code", device_code}};
  auto interval = seconds_of(grant, "interval", default_interval, longest_interval);
  const auto end = std::chrono::steady_clock::now() +
                   seconds_of(grant, "expires_in", longest_wait, longest_wait);
  for (;;) {
    co_await sleep(home, interval);
    auto answer = co_await post_form(home, link, found->token, poll);
    // A connection that failed may be there again at the next poll (RFC 8628, section 3.5).
    auto verdict = answer
                       ? read_poll(answer->result_int(), answer->body())
                       : poll_verdict{.what = poll_verdict::kind::wait, .failure = answer.error()};
    if (verdict.what == poll_verdict::kind::token) co_return std::move(verdict.access_token);
    if (verdict.what == poll_verdict::kind::failed) co_return verdict.failure;
    if (verdict.what == poll_verdict::kind::slow_down)
      interval = std::min(interval + slow_down_step, longest_interval);
    if (std::chrono::steady_clock::now() >= end) {
      if (!answer) co_return answer.error();
      co_return sts_error(error_category::unauthenticated, "expired_token",
                          "nobody signed in in time; start again");
    }
  }
}

}  // namespace postern::connector
