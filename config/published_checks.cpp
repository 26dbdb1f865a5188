#include "config/published_checks.hpp"

#include "config/tool_clients.hpp"
#include "config/url.hpp"
#include "config/wording.hpp"

#include <algorithm>
#include <utility>

namespace postern::config {

namespace {

constexpr milliseconds shortest_timeout{1};
constexpr milliseconds longest_connect_timeout = std::chrono::minutes{10};
/// Long downloads that are computed first and quiet WebSockets exist; a day without a byte is a
/// leak.
constexpr milliseconds longest_timeout = std::chrono::hours{24};
constexpr size_t longest_assignment = 256;
constexpr size_t most_assignments = 10'000;
constexpr size_t longest_text = 1'024;
/// A dozen certificates; every connector of the group pulls them with each configuration.
constexpr size_t longest_authorities = size_t{32} * 1'024;

using maybe_problem = std::optional<field_problem>;

bool is_name(std::string_view name, std::string_view extra) {
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || extra.find(c) != extra.npos;
  });
}

bool is_group_name(std::string_view name) {
  return is_name(name, "-_.ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

constexpr std::string_view group_name_rule = "1 to 63 letters, digits or - _ .";

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

maybe_problem refuse(std::string_view field, std::string_view wanted, std::string_view found) {
  return field_problem{field, expected(wanted, found)};
}

/// What both URLs of an application have in common.
maybe_problem check_url(std::string_view field, const std::string& text, web_url& out) {
  auto url = parse_web_url(text);
  if (!url) return field_problem{field, url.error().message};
  if (!text.ends_with('/')) return refuse(field, R"(a URL whose path ends in "/")", text);
  out = std::move(*url);
  return {};
}

maybe_problem check_external_url(const application& a) {
  constexpr std::string_view field = "external_url";
  web_url url;
  if (auto wrong = check_url(field, a.external_url, url)) return wrong;
  if (!is_host_name(url.host))
    return refuse(field, "a URL with a host name, not an address", a.external_url);
  if (a.preauthentication == preauthentication_kind::oidc && url.scheme != "https") {
    return refuse(field, "an https URL, because preauthentication is \"oidc\"", a.external_url);
  }
  if (!is_plain_path(url.path)) {
    return refuse(field, "a path of letters, digits and - . _ ~ without empty or dot segments",
                  a.external_url);
  }
  // Sign-in answers at "<external_url>.postern/" of every application.
  if (url.path.find("/.postern/") != url.path.npos) {
    return refuse(field, R"(a path without the reserved segment ".postern")", a.external_url);
  }
  return {};
}

maybe_problem check_internal_url(const application& a) {
  web_url url;
  return check_url("internal_url", a.internal_url, url);
}

maybe_problem check_assigned(const application& a) {
  constexpr std::string_view field = "assigned";
  if (a.preauthentication == preauthentication_kind::passthrough && !a.assigned.empty()) {
    return field_problem{field,
                         "expected an empty list, because nobody signs in with \"passthrough\" and "
                         "the list would protect nothing"};
  }
  if (a.assigned.size() > most_assignments)
    return field_problem{field, "expected at most 10000 entries"};
  for (const auto& entry : a.assigned) {
    std::string_view name = entry;
    name.remove_prefix(std::min(name.size(), name.find(':') + 1));
    bool known = entry.starts_with("user:") || entry.starts_with("group:");
    if (!known || name.empty() || entry.size() > longest_assignment ||
        has_control_character(entry)) {
      return refuse(field, R"(entries such as "user:NAME" or "group:NAME")", entry);
    }
  }
  return {};
}

maybe_problem check_timeout(std::string_view field, milliseconds d, milliseconds longest) {
  if (d >= shortest_timeout && d <= longest) return {};
  return refuse(field, "a duration from 1ms to " + format_duration(longest), format_duration(d));
}

maybe_problem check_timeouts(const application& a) {
  if (auto wrong = check_timeout("connect_timeout", a.connect_timeout, longest_connect_timeout))
    return wrong;
  if (auto wrong = check_timeout("response_timeout", a.response_timeout, longest_timeout))
    return wrong;
  return check_timeout("idle_timeout", a.idle_timeout, longest_timeout);
}

maybe_problem check_issuer(const application& a) {
  if (a.issuer.empty()) return {};
  auto url = parse_web_url(a.issuer);
  if (!url) return field_problem{"issuer", url.error().message};
  // OpenID Connect Discovery, section 3: https. Plain http cannot leave this machine on loopback.
  if (url->scheme != "https" && !is_loopback(url->host))
    return refuse("issuer", "an https URL", a.issuer);
  return {};
}

/// A name is the client_id of an application that has no other.
maybe_problem check_client(std::string_view field, const std::string& id) {
  if (!is_tool_client(id)) return {};
  return refuse(field, "another name than those of the tools", id);
}

maybe_problem check_text(std::string_view field, const std::string& text) {
  if (text.size() <= longest_text && !has_control_character(text)) return {};
  return refuse(field, "at most 1024 characters without control characters", text);
}

maybe_problem check_authorities(const std::string& pem) {
  constexpr std::string_view field = "backend_authorities";
  if (pem.empty()) return {};
  if (pem.find("PRIVATE KEY-----") != pem.npos)
    return field_problem{field, "expected certificates only, found a private key"};
  const auto begin = pem.find("-----BEGIN CERTIFICATE-----");
  if (begin == pem.npos || pem.find("-----END CERTIFICATE-----", begin) == pem.npos ||
      pem.find('\0') != pem.npos)
    return field_problem{field, "expected certificates as PEM text, found none"};
  if (pem.size() > longest_authorities)
    return field_problem{field, "expected at most 32 KiB of certificates"};
  return {};
}

/// A name that stays in the folder that connectors keep such files in.
maybe_problem check_client_certificate(const std::string& file) {
  constexpr std::string_view field = "backend_client_certificate";
  if (file.empty()) return {};
  const bool plain = is_name(file, "-_.ABCDEFGHIJKLMNOPQRSTUVWXYZ") && file.front() != '.';
  if (plain) return {};
  return refuse(field, "a file name of 1 to 63 letters, digits or - _ . without a folder", file);
}

/// What is said about TLS must have some TLS to hold for.
maybe_problem check_origin(const application& a) {
  const bool tls = a.internal_url.starts_with("https:");
  if (a.origin_protocol == origin_protocol_kind::h2 && !tls)
    return refuse("origin_protocol", R"("h2c" or "http1", because internal_url is not https)",
                  "h2");
  if (a.origin_protocol == origin_protocol_kind::h2c && tls)
    return refuse("origin_protocol", R"("h2" or "http1", because internal_url is https)", "h2c");
  if (auto wrong = check_authorities(a.backend_authorities)) return wrong;
  if (!a.backend_server_name.empty() && !is_host_name(a.backend_server_name))
    return refuse("backend_server_name", "a host name", a.backend_server_name);
  if (auto wrong = check_client_certificate(a.backend_client_certificate)) return wrong;
  if (tls) return {};
  for (const auto& [field, text] :
       {std::pair{"backend_authorities", &a.backend_authorities},
        std::pair{"backend_server_name", &a.backend_server_name},
        std::pair{"backend_client_certificate", &a.backend_client_certificate}})
    if (!text->empty())
      return field_problem{field, "expected nothing, because internal_url is not https"};
  return {};
}

}  // namespace

maybe_problem check(const group& g) {
  if (is_group_name(g.name)) return {};
  return refuse("name", group_name_rule, g.name);
}

maybe_problem check(const application& a) {
  if (!is_name(a.name, "-")) return refuse("name", "1 to 63 characters of a-z, 0-9 and -", a.name);
  if (auto wrong = check_client("name", a.name)) return wrong;
  if (auto wrong = check_external_url(a)) return wrong;
  if (auto wrong = check_internal_url(a)) return wrong;
  if (!is_group_name(a.group)) return refuse("group", group_name_rule, a.group);
  if (auto wrong = check_assigned(a)) return wrong;
  if (auto wrong = check_timeouts(a)) return wrong;
  if (auto wrong = check_origin(a)) return wrong;
  if (auto wrong = check_issuer(a)) return wrong;
  if (auto wrong = check_text("client_id", a.client_id)) return wrong;
  if (auto wrong = check_client("client_id", a.client_id)) return wrong;
  return check_text("client_secret_file", a.client_secret_file);
}

maybe_problem check_host(const application& a, std::span<const std::string> service_hosts) {
  const auto url = parse_web_url(a.external_url);
  if (!url || std::ranges::find(service_hosts, url->host) == service_hosts.end()) return {};
  return refuse("external_url", "another host name than those of the service itself",
                a.external_url);
}

maybe_problem consistency_check::add(const group& g) {
  if (groups_.insert(g.name).second) return {};
  return field_problem{"name", "expected a unique name, found a second group " + quote(g.name)};
}

maybe_problem consistency_check::add(const application& a) {
  if (!applications_.insert(a.name).second) {
    return field_problem{"name",
                         "expected a unique name, found a second application " + quote(a.name)};
  }
  if (!groups_.contains(a.group)) {
    std::vector<std::string_view> known{groups_.begin(), groups_.end()};
    std::string message = "expected the name of a group that exists, found " + quote(a.group);
    if (auto meant = nearest(a.group, known); !meant.empty())
      message += "; did you mean " + quote(meant) + "?";
    return field_problem{"group", std::move(message)};
  }
  auto url = parse_web_url(a.external_url);
  if (!url) return field_problem{"external_url", url.error().message};
  // Scheme and port do not count: a node has one public port and finds applications by host and
  // path.
  auto place = url->host + url->path;
  auto [at, fresh] = places_.emplace(std::move(place), a.name);
  if (fresh) return {};
  return field_problem{"external_url",
                       "expected a unique URL, found that of application " + quote(at->second)};
}

}  // namespace postern::config
