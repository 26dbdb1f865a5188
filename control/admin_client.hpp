#pragma once
// The admin HTTP API as posternctl calls it: JSON both ways, a Bearer token, problems (RFC 9457) as
// one line.

#include "control/exchange.hpp"

#include <boost/json/value.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace postern::control {

/// Where the access token comes from; asked before each call, so that input is checked before a
/// token is needed.
using token_source = std::function<outcome<std::string>()>;

class admin_client {
 public:
  /// `admin` is the URL of the admin host; the token must be an administrator's.
  admin_client(exchange send, config::web_url admin, token_source token)
      : send_(std::move(send)), admin_(std::move(admin)), token_(std::move(token)) {}

  /// Each takes what follows "/api/v1" in the target, and returns the response's JSON; null if it
  /// has no content.
  outcome<boost::json::value> get(std::string_view path) const;
  outcome<boost::json::value> post(std::string_view path, const boost::json::value& content) const;
  outcome<boost::json::value> erase(std::string_view path) const;

 private:
  outcome<boost::json::value> call(runtime::http_request request) const;

  exchange send_;
  config::web_url admin_;
  token_source token_;
};

/// "TITLE: DETAIL (cause C, source S, request ID)" of a problem+json response, or its status where
/// it holds none.
std::string describe_problem(const runtime::http_response& response);

}  // namespace postern::control
