#pragma once
// A small request to the service itself (sign-in, STS, admin API, EST, configuration), whole in
// memory.

#include "runtime/http_message.hpp"

#include <string>

namespace postern::edge {

struct service_request {
  runtime::http_request message;  ///< content read, at most limits::service_content_bytes
  std::string host;               ///< lower-case name without port
  std::string client_address;
  std::string request_id;
  std::string peer_certificate_pem;  ///< the client certificate that TLS has verified; empty: none
};

}  // namespace postern::edge
