#pragma once
// Values that several suites of the edge need.

#include "actors/messages.hpp"
#include "edge/edge_context.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/random_source.hpp"

#include <string>

namespace postern::edge::samples {

inline config::application make_application(std::string name, std::string external_url) {
  config::application a;
  a.name = std::move(name);
  a.external_url = std::move(external_url);
  a.internal_url = "http://10.0.0.5/";
  a.group = "main";
  a.assigned = {"group:staff"};
  return a;
}

/// One at the root of its host, one below a path of another.
inline const config::application wiki = make_application("wiki", "https://wiki.example:8443/");
inline const config::application reports =
    make_application("reports", "https://intranet.example/deep/reports/");

inline service_urls make_urls() {
  return {"https://connectors.example", "https://admin.example", "https://sts.example", ""};
}

inline actors::access_session make_session() {
  actors::access_session s;
  s.id = "0123456789abcdef0123456789abcdef";
  s.application = "wiki";
  s.user = {"https://sts.example", "42", "bob", "Bob Brown", "bob@example.com", {"staff"}};
  s.issued_at = 1'000;
  s.expires_at = 4'600;
  s.authenticated_at = 990;
  return s;
}

/// Randomness that repeats, and a ring of one key made with it.
struct sealing {
  runtime::seeded_random_source random{7};
  runtime::key_ring ring{{runtime::make_sealing_key(random)}, random};
};

inline std::string cookie_pair(const std::string& set_cookie) {
  return set_cookie.substr(0, set_cookie.find(';'));
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace postern::edge::samples
