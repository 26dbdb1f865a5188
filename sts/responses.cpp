#include "sts/responses.hpp"

#include "runtime/encoding.hpp"
#include "runtime/html_page.hpp"
#include "sts/limits.hpp"

#include <boost/json/serialize.hpp>

namespace postern::sts {

using runtime::http_field;
using runtime::http_response;
using runtime::http_status;

namespace {

void never_store(http_response& response) {
  response.set(http_field::cache_control, "no-store");
  response.set(http_field::pragma, "no-cache");
}

http_response bare(http_status status, std::string_view content_type) {
  http_response response{status, 11};
  if (!content_type.empty())
    response.set(http_field::content_type,
                 boost::beast::string_view{content_type.data(), content_type.size()});
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "no-referrer");
  return response;
}

}  // namespace

http_response page(http_status status, std::string_view title, std::string_view content_html,
                   std::string_view form_action) {
  auto response = bare(status, "text/html; charset=utf-8");
  never_store(response);
  response.set("Content-Security-Policy", runtime::html_page_policy(form_action));
  response.set("X-Frame-Options", "DENY");
  response.body() = runtime::html_page(title, content_html);
  return response;
}

http_response refusal_page(http_status status, std::string_view title, std::string_view text,
                           std::string_view cause, const incoming& in) {
  std::string html =
      "<h1>" + runtime::html_escape(title) + "</h1>\n<p>" + runtime::html_escape(text) + "</p>\n";
  html += "<dl class=\"facts\"><dt>Refused by</dt><dd>Sign-in service</dd><dt>Cause</dt><dd>";
  html += runtime::html_escape(cause) + "</dd>";
  if (!in.request_id.empty())
    html += "<dt>Request</dt><dd>" + runtime::html_escape(in.request_id) + "</dd>";
  html += "</dl>";
  return page(status, title, html, "'none'");
}

http_response json(http_status status, const boost::json::object& content) {
  auto response = bare(status, "application/json");
  never_store(response);
  response.body() = boost::json::serialize(content);
  return response;
}

http_response public_json(std::string text) {
  auto response = bare(http_status::ok, "application/json");
  response.set(http_field::cache_control,
               "public, max-age=" + std::to_string(limits::metadata_max_age.count()));
  response.body() = std::move(text);
  return response;
}

http_response oauth_failure(const oauth_error& e) {
  auto status = http_status::bad_request;
  if (e.code == "invalid_client") status = http_status::unauthorized;
  if (e.code == "temporarily_unavailable") status = http_status::service_unavailable;
  if (e.code == "server_error") status = http_status::internal_server_error;
  boost::json::object content;
  content["error"] = e.code;
  if (!e.description.empty()) content["error_description"] = e.description;
  auto response = json(status, content);
  // RFC 9110, 15.5.2 wants a challenge with every 401.
  if (status == http_status::unauthorized)
    response.set(http_field::www_authenticate, "Basic realm=\"postern\"");
  return response;
}

http_response redirect(std::string_view location) {
  auto response = bare(http_status::see_other, {});
  never_store(response);
  response.set(http_field::location, boost::beast::string_view{location.data(), location.size()});
  return response;
}

http_response method_not_allowed(std::string_view allow, const incoming& in) {
  auto response =
      refusal_page(http_status::method_not_allowed, "That does not work here",
                   "This address does not take requests of that kind.", "method_not_allowed", in);
  response.set(http_field::allow, boost::beast::string_view{allow.data(), allow.size()});
  return response;
}

void add_cookie(http_response& response, std::string_view name, std::string_view value,
                long max_age) {
  std::string text{name};
  text += '=';
  text += value;
  text += "; Path=/; Secure; HttpOnly; SameSite=Lax";
  if (max_age >= 0) text += "; Max-Age=" + std::to_string(max_age);
  response.insert(http_field::set_cookie, text);
}

std::string with_parameters(std::string_view uri, const fields& parameters) {
  std::string result{uri};
  if (parameters.empty()) return result;
  auto question = uri.find('?');
  if (question == std::string_view::npos)
    result += '?';
  else if (question + 1 < uri.size() && uri.back() != '&')
    result += '&';
  return result + runtime::make_form(parameters);
}

}  // namespace postern::sts
