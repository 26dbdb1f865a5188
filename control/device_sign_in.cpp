#include "control/device_sign_in.hpp"

#include "config/tool_clients.hpp"
#include "control/json_access.hpp"
#include "control/terminal.hpp"
#include "runtime/encoding.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <map>

namespace postern::control {

namespace {

using std::chrono::seconds;

constexpr std::string_view client_id = config::control_client;
constexpr std::string_view scope = "openid profile email groups";
constexpr std::string_view device_grant = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 8628, section 3.5: what "slow_down" adds.
constexpr seconds slow_down_step{5};
constexpr seconds longest_interval{60};
/// For an STS that says nothing, and for one that says too much.
constexpr seconds longest_wait{1'800};

/// The STS's endpoints that the grant needs.
struct endpoints {
  config::web_url device_authorization;
  config::web_url token;
};

outcome<boost::json::object> read_object(const config::web_url& from,
                                         const runtime::http_response& response) {
  boost::json::error_code code;
  auto value = boost::json::parse(response.body(), code);
  if (!code && value.is_object()) return std::move(value.get_object());
  return refusal(from.authority() + ": expected a JSON object, found something else (status " +
                 std::to_string(response.result_int()) + ")");
}

outcome<boost::json::object> get_object(const exchange& send, const config::web_url& from) {
  auto response = send(from, make_request(runtime::http_verb::get, from.path));
  if (!response) return response.error();
  if (response->result() != runtime::http_status::ok) {
    return refusal(from.text() + ": status " + std::to_string(response->result_int()));
  }
  return read_object(from, *response);
}

outcome<config::web_url> https_member(const boost::json::object& object, std::string_view key) {
  auto text = text_of(object, key);
  auto url = config::parse_web_url(text);
  if (url && url->scheme == "https") return *url;
  return refusal("the STS's " + std::string{key} + ": expected an https URL, found \"" +
                 printable(text) + "\"");
}

/// OpenID Connect Discovery 1.0, section 4: the document must speak of the issuer that was asked
/// for.
outcome<endpoints> discover(const config::web_url& service, const exchange& send) {
  auto service_document = service;
  service_document.path = "/.well-known/postern";
  auto described = get_object(send, service_document);
  if (!described) return described.error();
  auto issuer_text = text_of(*described, "issuer");
  auto issuer = https_member(*described, "issuer");
  if (!issuer) return issuer.error();
  auto document = *issuer;
  document.path.erase(document.path.find_last_not_of('/') + 1);
  document.path += "/.well-known/openid-configuration";
  auto metadata = get_object(send, document);
  if (!metadata) return metadata.error();
  if (text_of(*metadata, "issuer") != issuer_text) {
    return refusal("the STS at " + issuer->text() + " calls itself \"" +
                   printable(text_of(*metadata, "issuer")) + "\"; expected \"" +
                   printable(issuer_text) + "\"");
  }
  auto device = https_member(*metadata, "device_authorization_endpoint");
  if (!device) return device.error();
  auto token = https_member(*metadata, "token_endpoint");
  if (!token) return token.error();
  return endpoints{std::move(*device), std::move(*token)};
}

outcome<runtime::http_response> post_form(const exchange& send, const config::web_url& to,
                                          const std::map<std::string, std::string>& fields) {
  auto request = make_request(runtime::http_verb::post, to.path);
  request.set(runtime::http_field::content_type, "application/x-www-form-urlencoded");
  request.body() = runtime::make_form(fields);
  return send(to, std::move(request));
}

failure oauth_refusal(const boost::json::object& answer) {
  auto text = "the STS refused the sign-in: " + printable(text_of(answer, "error"));
  auto description = text_of(answer, "error_description");
  return refusal(description.empty() ? text : text + " (" + printable(description) + ")");
}

outcome<device_authorization> ask_for_code(const exchange& send, const endpoints& sts) {
  auto response = post_form(send, sts.device_authorization,
                            {{"client_id", std::string{client_id}}, {"scope", std::string{scope}}});
  if (!response) return response.error();
  auto answer = read_object(sts.device_authorization, *response);
  if (!answer) return answer.error();
  if (response->result() != runtime::http_status::ok) return oauth_refusal(*answer);
  device_authorization out;
  out.device_code = text_of(*answer, "device_code");
  out.user_code = text_of(*answer, "user_code");
  out.verification_uri = text_of(*answer, "verification_uri");
  out.verification_uri_complete = text_of(*answer, "verification_uri_complete");
  out.expires_in = std::clamp(seconds{number_of(*answer, "expires_in", longest_wait.count())},
                              seconds{1}, longest_wait);
  out.interval =
      std::clamp(seconds{number_of(*answer, "interval", 5)}, seconds{1}, longest_interval);
  if (out.device_code.empty() || out.user_code.empty() || out.verification_uri.empty()) {
    return refusal("the STS answered without a device code");
  }
  return out;
}

/// Asks until there is an answer other than "not yet".
outcome<granted_token> wait_for_token(const sign_in_seams& seams, const endpoints& sts,
                                      device_authorization grant) {
  for (auto waited = grant.interval; waited <= grant.expires_in; waited += grant.interval) {
    seams.sleep(grant.interval);
    auto response = post_form(seams.send, sts.token,
                              {{"grant_type", std::string{device_grant}},
                               {"device_code", grant.device_code},
                               {"client_id", std::string{client_id}}});
    if (!response) {
      // RFC 8628, section 3.5: after a failed connection, ask less often.
      grant.interval = std::min(grant.interval * 2, longest_interval);
      continue;
    }
    auto answer = read_object(sts.token, *response);
    if (!answer) return answer.error();
    if (response->result() == runtime::http_status::ok) {
      return granted_token{text_of(*answer, "access_token"),
                           seconds{number_of(*answer, "expires_in")}};
    }
    auto error = text_of(*answer, "error");
    if (error == "slow_down") {
      grant.interval = std::min(grant.interval + slow_down_step, longest_interval);
    } else if (error != "authorization_pending") {
      return oauth_refusal(*answer);
    }
  }
  return refusal("nobody entered the code in time; start again");
}

}  // namespace

outcome<granted_token> sign_in(const config::web_url& service, const sign_in_seams& seams) {
  auto sts = discover(service, seams.send);
  if (!sts) return sts.error();
  auto grant = ask_for_code(seams.send, *sts);
  if (!grant) return grant.error();
  seams.show(*grant);
  return wait_for_token(seams, *sts, std::move(*grant));
}

}  // namespace postern::control
