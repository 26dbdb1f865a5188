#include "control/exchange.hpp"

#include <algorithm>

namespace postern::control {

runtime::http_request make_request(runtime::http_verb verb, std::string_view target) {
  runtime::http_request request{verb, {target.data(), target.size()}, 11};
  request.set(runtime::http_field::accept, "application/json, application/problem+json");
  request.set(runtime::http_field::user_agent, "posternctl/" POSTERN_VERSION);
  return request;
}

bool is_json(const runtime::http_response& response) {
  auto field = response[runtime::http_field::content_type];
  auto type = config::lower_case({field.data(), field.size()});
  type.erase(std::min(type.size(), type.find_first_of("; \t")));
  return type == "application/json" || type.ends_with("+json");
}

}  // namespace postern::control
