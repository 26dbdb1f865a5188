#pragma once
// Whole HTTP messages in memory: for small requests (sign-in, admin API, EST, STS), never for the
// data plane.

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

namespace postern::runtime {

using http_request = boost::beast::http::request<boost::beast::http::string_body>;
using http_response = boost::beast::http::response<boost::beast::http::string_body>;
using http_status = boost::beast::http::status;
using http_verb = boost::beast::http::verb;
using http_field = boost::beast::http::field;

}  // namespace postern::runtime
