#pragma once
// Every refusal of the service: a page, or problem+json (RFC 9457), that names the source and the
// request id.

#include "runtime/error.hpp"
#include "runtime/http_message.hpp"

#include <span>
#include <string>
#include <string_view>

namespace postern::edge {

/// In which form a client understands a refusal.
enum class refusal_form : uint8_t { page, problem };

/// Page for navigations, problem for the rest: Fetch Metadata (Sec-Fetch-Mode, Sec-Fetch-Dest)
/// first, then X-Requested-With, then whether Accept takes text/html.
refusal_form choose_form(std::string_view sec_fetch_mode, std::string_view sec_fetch_dest,
                         std::string_view requested_with, std::string_view accept);

/// A whole response: status by runtime::http_status_code, content by `form`, `X-Request-Id`,
/// no-store, and `Retry-After` where waiting helps. Shows the error's cause and source in plain
/// words with a next step; never its detail.
runtime::http_response make_refusal(const runtime::error& why, std::string_view request_id,
                                    refusal_form form);

/// A way on that a page offers as a button.
struct refusal_link {
  std::string text;
  std::string url;
};

/// The same with buttons on the page, the first one prominent; a problem has none.
runtime::http_response make_refusal(const runtime::error& why, std::string_view request_id,
                                    refusal_form form, std::span<const refusal_link> links);

/// The plain sentence for a cause, for example "You are signed in, but this application is not
/// assigned to you."
std::string explain(const runtime::error& why);

}  // namespace postern::edge
