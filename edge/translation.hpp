#pragma once
// Heads between the external and the internal world: what the origin gets to see of a request, and
// the user of a response. Pure functions over views; text that has to be made goes into a scratch
// that the caller keeps.

#include "actors/messages.hpp"
#include "edge/request_rules.hpp"
#include "runtime/http_fields.hpp"

#include <deque>
#include <string>
#include <string_view>

namespace postern::edge {

/// An application's URLs taken apart once, when it is published (edge/published_routes.cpp keeps
/// them).
struct application_urls {
  std::string external_origin;  ///< "https://app.example.com:8443"
  std::string external_host;    ///< "app.example.com"
  std::string external_authority;
  std::string external_path;    ///< begins and ends with "/"
  std::string internal_origin;  ///< "http://10.0.0.5:8080"
  std::string internal_scheme;
  std::string internal_host;
  std::string internal_authority;
  std::string internal_path;
};

application_urls split_application_urls(const config::application& application);

/// Who asks, for the fields that the service itself adds.
struct request_origin {
  std::string_view client_address;
  std::string_view request_id;
  const actors::identity* user = nullptr;  ///< null: passthrough
};

/// A head that is ready for the tunnel. `fields` points into the request's buffer and into `text`.
class translated_request {
 public:
  const runtime::field_list& fields() const noexcept { return fields_; }
  void clear();

 private:
  friend void translate_request(translated_request&, const checked_request&,
                                const runtime::field_list&, const config::application&,
                                const application_urls&, const request_origin&);
  std::string_view keep(std::string text);

  runtime::field_list fields_;
  std::deque<std::string> text_;  ///< a deque: views into its elements stay
};

/// Fills `out`: pseudo-fields for the origin, the user's end-to-end fields without ours and without
/// the session cookie, the identity fields, Forwarded and Via (RFC 9110, 7.6; RFC 7239), and what
/// the connector needs (docs/tunnel-protocol.md).
void translate_request(translated_request& out, const checked_request& request,
                       const runtime::field_list& fields, const config::application& application,
                       const application_urls& urls, const request_origin& who);

/// Whether a client-sent field must not pass: one of ours in any spelling (any case, any sign for
/// "-"), or hop-by-hop.
bool is_reserved_request_field(std::string_view name) noexcept;

/// Whether a response field ends here: hop-by-hop, or ours.
bool is_dropped_response_field(std::string_view name) noexcept;

/// An internal URL in a field (Location, Content-Location, Refresh) as its external one; other text
/// stays.
std::string translate_location(std::string_view value, const application_urls& urls);

/// Domain and Path of a Set-Cookie moved to the external side; empty: drop it (it would overwrite a
/// cookie of ours).
std::string translate_set_cookie(std::string_view value, const application_urls& urls);

}  // namespace postern::edge
