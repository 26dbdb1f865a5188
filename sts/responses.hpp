#pragma once
// The few kinds of answers that the provider gives. Status line, fields and content;
// provider::handle adds what every answer carries (length, connection, version).

#include "runtime/http_message.hpp"
#include "sts/incoming.hpp"

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace postern::sts {

/// An error of RFC 6749 (4.1.2.1, 5.2), RFC 6750 (3.1) or RFC 8628 (3.5): what a client program
/// gets to read.
struct oauth_error {
  std::string code;         ///< "invalid_grant", ...
  std::string description;  ///< for the client's developer; never a secret, ASCII without quotes
};

template <class T>
using oauth_result = boost::system::result<T, oauth_error>;

/// Found by boost::system::result; only a caller that did not look gets here.
[[noreturn]] inline void throw_exception_from_error(const oauth_error& e,
                                                    const boost::source_location&) {
  throw std::logic_error{e.code};
}

/// `form_action` of a page whose form leads to an application. Chromium holds every redirect behind
/// a form against it, not only the first, and where the application sends the browser from its
/// callback (another application, a "www." name, its own sign-on) cannot be known in advance.
inline constexpr std::string_view form_to_application = "'self' https:";

/// A page that nobody stores, frames or scripts. `form_action` as in runtime::html_page_policy.
runtime::http_response page(runtime::http_status status, std::string_view title,
                            std::string_view content_html, std::string_view form_action = "'self'");

/// A refusal to a person: what is wrong and how to go on, both as text, with the request id for
/// whoever reads the logs.
runtime::http_response refusal_page(runtime::http_status status, std::string_view title,
                                    std::string_view text, std::string_view cause,
                                    const incoming& in);

/// JSON that nobody stores (RFC 6749, 5.1).
runtime::http_response json(runtime::http_status status, const boost::json::object& content);

/// JSON text for everybody, to be kept for limits::metadata_max_age.
runtime::http_response public_json(std::string text);

/// An error to a client program: 401 for invalid_client, 503 for temporarily_unavailable, else 400.
runtime::http_response oauth_failure(const oauth_error& e);

/// 303, so that a browser comes with GET even after a POST that held a password (RFC 9700, 4.12).
runtime::http_response redirect(std::string_view location);

/// 405 with Allow (RFC 9110, 15.5.6).
runtime::http_response method_not_allowed(std::string_view allow, const incoming& in);

/// Adds a cookie with the __Host- properties (Secure, HttpOnly, SameSite=Lax, Path=/). `max_age`
/// below 0: until the browser closes; 0: forget it.
void add_cookie(runtime::http_response& response, std::string_view name, std::string_view value,
                long max_age);

/// `uri` with more parameters behind it; it may have a query already, never a fragment.
std::string with_parameters(std::string_view uri, const fields& parameters);

}  // namespace postern::sts
