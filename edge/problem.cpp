#include "edge/problem.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace postern::edge {

using runtime::error_category;
using runtime::http_field;
using runtime::http_status;

namespace {

struct precise_status {
  std::string_view cause;
  http_status status;
};

// 501 rather than 405 for methods that no resource here has: 405 would have to list those allowed.
constexpr std::array precise_statuses{
    precise_status{"head_too_large", http_status::request_header_fields_too_large},
    precise_status{"misdirected", http_status::misdirected_request},
    precise_status{"too_many_requests", http_status::too_many_requests},
    precise_status{"request_timeout", http_status::request_timeout},
    precise_status{"method_refused", http_status::not_implemented},
    precise_status{"coding_refused", http_status::not_implemented},
    precise_status{"expectation_refused", http_status::expectation_failed},
    precise_status{"method_not_allowed", http_status::method_not_allowed},
    precise_status{"content_type_refused", http_status::unsupported_media_type},
    precise_status{"version_refused", http_status::http_version_not_supported},
};

// Long enough not to be a hammer, short enough that people who wait are served soon.
constexpr unsigned overloaded_pause = 2;
constexpr unsigned unavailable_pause = 10;
constexpr unsigned maintenance_pause = 300;

}  // namespace

http_status refusal_status(const runtime::error& why) noexcept {
  const auto* known = std::ranges::find(precise_statuses, why.cause, &precise_status::cause);
  if (known != precise_statuses.end()) return known->status;
  return static_cast<http_status>(runtime::http_status_code(why.category));
}

unsigned retry_after(const runtime::error& why) noexcept {
  if (why.cause == "maintenance") return maintenance_pause;
  if (why.category == error_category::overloaded) return overloaded_pause;
  return why.category == error_category::unavailable ? unavailable_pause : 0;
}

runtime::http_response bare_refusal(const runtime::error& why, std::string_view request_id) {
  runtime::http_response response{refusal_status(why), 11};
  response.set(http_field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "no-referrer");
  if (!request_id.empty()) response.set("X-Request-Id", request_id);
  if (const auto seconds = retry_after(why); seconds != 0)
    response.set(http_field::retry_after, std::to_string(seconds));
  if (response.result() == http_status::unauthorized)
    response.set(http_field::www_authenticate, "Bearer");
  return response;
}

runtime::http_response make_problem(const runtime::error& why, std::string_view request_id,
                                    std::string_view detail) {
  auto response = bare_refusal(why, request_id);
  const auto reason = response.reason();
  boost::json::object problem;
  problem["type"] = "about:blank";
  problem["title"] = boost::json::string_view{reason.data(), reason.size()};
  problem["status"] = response.result_int();
  if (!detail.empty()) problem["detail"] = boost::json::string_view{detail.data(), detail.size()};
  problem["cause"] = why.cause;
  problem["source"] = why.source.empty() ? std::string{"service"} : why.source;
  problem["request_id"] = boost::json::string_view{request_id.data(), request_id.size()};
  response.set(http_field::content_type, "application/problem+json");
  response.body() = boost::json::serialize(problem);
  return response;
}

}  // namespace postern::edge
