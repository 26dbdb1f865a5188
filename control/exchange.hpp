#pragma once
// The seam between the rules of posternctl and the network: one request out, one response back.

#include "config/url.hpp"
#include "control/outcome.hpp"
#include "runtime/http_message.hpp"

#include <functional>
#include <string_view>

namespace postern::control {

/// Sends a request, whose target is set, to the host and port of a URL; its path does not count. A
/// response of any status is a success; a failure is one line about the network.
using exchange =
    std::function<outcome<runtime::http_response>(const config::web_url&, runtime::http_request)>;

/// An HTTP/1.1 request with the fields that every request of posternctl has.
runtime::http_request make_request(runtime::http_verb verb, std::string_view target);

/// Whether the response claims to be JSON ("application/json" or any "+json", RFC 6839,
/// section 3.1).
bool is_json(const runtime::http_response& response);

}  // namespace postern::control
