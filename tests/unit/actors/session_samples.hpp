#pragma once
// Sessions for tests.

#include "tests/unit/actors/published_samples.hpp"

#include <string>

namespace postern::actors::testing {

/// A session of alice for "wiki" that lasts eight hours.
inline access_session sample_session(const std::string& id, int64_t issued_at = start_of_time) {
  access_session s;
  s.id = id;
  s.application = "wiki";
  s.user = {.issuer = "https://sts.example.com", .subject = "0001", .name = "alice"};
  s.issued_at = s.authenticated_at = issued_at;
  s.expires_at = issued_at + 8 * 3600;
  return s;
}

inline access_request sample_request(const std::string& application = "wiki") {
  return {std::make_shared<const config::application>(sample(application))};
}

}  // namespace postern::actors::testing
