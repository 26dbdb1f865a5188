#include "edge/translation.hpp"

#include "edge/cookies.hpp"
#include "runtime/https_client.hpp"

#include <algorithm>
#include <array>

namespace postern::edge {

namespace {

using runtime::iequals;
using runtime::list_contains;

constexpr std::array<std::string_view, 7> hop_by_hop{
    "connection",        "keep-alive", "proxy-connection",   "te",
    "transfer-encoding", "upgrade",    "proxy-authorization"};

/// Fields that the service makes itself, and two by which some frameworks route instead of by the
/// path, past what was decided for it: what a client sends under these names is removed.
constexpr std::array<std::string_view, 7> rewritten{
    "host", "cookie", "forwarded", "x-real-ip", "x-request-id", "x-original-url", "x-rewrite-url"};
/// The same for whatever begins so: X-Forwarded-User is as good as a name for some origins.
constexpr std::array<std::string_view, 3> rewritten_prefixes{"x-postern-", "postern-",
                                                             "x-forwarded-"};

/// A name as CGI and its heirs see it: letters and digits, and one sign for everything else. To
/// them X-User, X_User and X.User are one field (CVE-2025-64484).
bool same_spelling(std::string_view name, std::string_view expected) noexcept {
  if (name.size() != expected.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
    else if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
      c = '-';
    if (c != expected[i]) return false;
  }
  return true;
}

bool has_spelled_prefix(std::string_view name, std::string_view prefix) noexcept {
  return name.size() >= prefix.size() && same_spelling(name.substr(0, prefix.size()), prefix);
}

/// The names, separated by commas. One that has a comma itself must not pass for two.
std::string groups_text(const std::vector<std::string>& groups) {
  std::string text;
  for (const auto& g : groups) {
    if (!text.empty()) text += ',';
    for (const char c : g) {
      if (c == ',')
        text += "%2C";
      else if (c == '%')
        text += "%25";
      else
        text += c;
    }
  }
  return text;
}

/// Field values must not carry line breaks or other controls into the origin's head, whatever a
/// token said, and begin and end with no blank (RFC 9113, 8.2.1).
std::string safe_value(std::string_view text) {
  std::string safe{text};
  std::erase_if(safe, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return std::string{runtime::trim(safe)};
}

/// "a:b" needs quotes in Forwarded (RFC 7239, section 4).
std::string forwarded_node(std::string_view address) {
  return address.find(':') == std::string_view::npos ? std::string{address}
                                                     : "\"[" + std::string{address} + "]\"";
}

std::string attribute_name(std::string_view attribute) {
  std::string name{runtime::trim(attribute.substr(0, attribute.find('=')))};
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

/// Where the URL begins in "5; url=https://..." (Refresh, as browsers read it), or npos: a Location
/// is none of these.
size_t refresh_url_begin(std::string_view value) noexcept {
  const auto delay_end = value.find_first_not_of("0123456789.");
  if (delay_end == 0 || delay_end == std::string_view::npos) return std::string_view::npos;
  const auto name = value.find_first_not_of(" \t;,", delay_end);
  if (name == std::string_view::npos || name == delay_end ||
      !iequals(value.substr(name, 4), "url="))
    return std::string_view::npos;
  const auto url = name + 4;
  return url < value.size() && (value[url] == '\'' || value[url] == '"') ? url + 1 : url;
}

std::string_view attribute_value(std::string_view attribute) {
  const auto equals = attribute.find('=');
  return equals == std::string_view::npos ? std::string_view{}
                                          : runtime::trim(attribute.substr(equals + 1));
}

}  // namespace

application_urls split_application_urls(const config::application& application) {
  application_urls urls;
  if (auto external = runtime::split_url(application.external_url)) {
    urls.external_host = external->host;
    urls.external_authority = external->authority;
    urls.external_path = external->target;
    urls.external_origin = (external->tls ? "https://" : "http://") + external->authority;
  }
  if (auto internal = runtime::split_url(application.internal_url)) {
    urls.internal_scheme = internal->tls ? "https" : "http";
    urls.internal_host = internal->host;
    urls.internal_authority = internal->authority;
    urls.internal_path = internal->target;
    urls.internal_origin = urls.internal_scheme + "://" + internal->authority;
  }
  return urls;
}

void translated_request::clear() {
  fields_.clear();
  text_.clear();
}

std::string_view translated_request::keep(std::string text) {
  return text_.emplace_back(std::move(text));
}

bool is_reserved_request_field(std::string_view name) noexcept {
  if (name.empty() || name[0] == ':') return true;
  for (const auto reserved : hop_by_hop)
    if (same_spelling(name, reserved)) return true;
  for (const auto reserved : rewritten)
    if (same_spelling(name, reserved)) return true;
  for (const auto prefix : rewritten_prefixes)
    if (has_spelled_prefix(name, prefix)) return true;
  return false;
}

bool is_dropped_response_field(std::string_view name) noexcept {
  if (name.empty() || name[0] == ':') return true;
  if (iequals(name, "connection") || iequals(name, "keep-alive") ||
      iequals(name, "proxy-connection") || iequals(name, "transfer-encoding") ||
      iequals(name, "upgrade"))
    return true;
  return has_spelled_prefix(name, "postern-");
}

void translate_request(translated_request& out, const checked_request& request,
                       const runtime::field_list& fields, const config::application& application,
                       const application_urls& urls, const request_origin& who) {
  out.clear();
  auto& to = out.fields_;
  to.push_back({":method", request.websocket ? std::string_view{"CONNECT"} : request.method});
  if (request.websocket) to.push_back({":protocol", "websocket"});
  to.push_back({":scheme", urls.internal_scheme});
  to.push_back({":authority", application.translate_host_header
                                  ? std::string_view{urls.internal_authority}
                                  : request.authority});
  if (urls.internal_path == urls.external_path || request.target == "*")
    to.push_back({":path", request.target});
  else
    to.push_back({":path", out.keep(urls.internal_path + std::string{request.target.substr(
                                                             urls.external_path.size())})});
  to.push_back({"postern-application", application.name});
  // Its end is handed over like content: only when asked for (docs/tunnel-protocol.md, 5).
  if (!request.has_content && !request.websocket && !is_idempotent(request.method))
    to.push_back({"postern-content", "none"});

  bool names_fields = false;  // "Connection: keep-alive" is common and names nothing
  for (const auto& f : fields)
    names_fields =
        names_fields || (iequals(f.name, "connection") && !iequals(f.value, "keep-alive"));
  std::string cookies;
  bool takes_trailers = false;
  for (const auto& f : fields) {
    if (iequals(f.name, "cookie")) {
      append_foreign_cookies(cookies, f.value);
      continue;
    }
    // What TE says is between two hops; that trailers are welcome holds for all of them.
    if (iequals(f.name, "te"))
      takes_trailers = takes_trailers || list_contains(f.value, "trailers");
    if (is_reserved_request_field(f.name)) continue;
    if (iequals(f.name, "via")) {
      to.push_back({f.name, f.value});
      continue;
    }
    if (names_fields) {
      bool named = false;
      for (const auto& other : fields)
        named = named || (iequals(other.name, "connection") && list_contains(other.value, f.name));
      if (named) continue;
    }
    to.push_back(f);
  }
  if (!cookies.empty()) to.push_back({"cookie", out.keep(std::move(cookies))});
  if (takes_trailers) to.push_back({"te", "trailers"});
  to.push_back({"via", request.via});
  to.push_back({"x-forwarded-for", who.client_address});
  to.push_back({"x-forwarded-proto", "https"});
  to.push_back({"x-forwarded-host", request.authority});
  to.push_back({"forwarded", out.keep("for=" + forwarded_node(who.client_address) + ";host=\"" +
                                      std::string{request.authority} + "\";proto=https")});
  to.push_back({"x-request-id", who.request_id});
  if (who.user != nullptr) {
    to.push_back({"x-postern-user", out.keep(safe_value(who.user->name))});
    if (!who.user->email.empty())
      to.push_back({"x-postern-email", out.keep(safe_value(who.user->email))});
    if (!who.user->display_name.empty())
      to.push_back({"x-postern-name", out.keep(safe_value(who.user->display_name))});
    if (!who.user->groups.empty())
      to.push_back({"x-postern-groups", out.keep(safe_value(groups_text(who.user->groups)))});
  }
}

std::string translate_location(std::string_view value, const application_urls& urls) {
  const std::string_view default_port = urls.internal_scheme == "https" ? "443" : "80";
  // Gives what follows `origin`, which never names the scheme's default port; the text may (RFC
  // 3986, section 6.2.3).
  std::string_view rest;
  auto starts_with_url = [&](std::string_view text, const std::string& origin) {
    if (text.size() < origin.size() || !iequals(text.substr(0, origin.size()), origin))
      return false;
    rest = text.substr(origin.size());
    if (rest.starts_with(':')) {
      rest.remove_prefix(1);
      if (rest.starts_with(default_port)) rest.remove_prefix(default_port.size());
    }
    return rest.empty() || rest.front() == '/' || rest.front() == '?';
  };
  auto move_path = [&](std::string_view path) {
    // Below the published path only the prefix changes; a path outside of it is not published and
    // stays as it is.
    if (path.starts_with(urls.internal_path))
      return urls.external_path + std::string{path.substr(urls.internal_path.size())};
    const auto bare = path.substr(0, path.find('?'));
    if ((bare.empty() && urls.internal_path == "/") ||
        std::string{bare} + "/" == urls.internal_path)
      return urls.external_path + std::string{path.substr(bare.size())};
    return std::string{path};
  };
  if (const auto at = refresh_url_begin(value); at != std::string_view::npos)
    return std::string{value.substr(0, at)} + translate_location(value.substr(at), urls);
  if (starts_with_url(value, urls.internal_origin)) return urls.external_origin + move_path(rest);
  if (const auto relative = "//" + urls.internal_authority; starts_with_url(value, relative))
    return urls.external_origin + move_path(rest);
  // With a kept Host header the origin speaks of itself by its external authority, in its own
  // scheme.
  const auto kept_host = urls.internal_scheme + "://" + urls.external_authority;
  if (kept_host != urls.external_origin && starts_with_url(value, kept_host))
    return urls.external_origin + move_path(rest);
  if (value.starts_with('/') && !value.starts_with("//") &&
      urls.internal_path != urls.external_path)
    return move_path(value);
  return std::string{value};
}

std::string translate_set_cookie(std::string_view value, const application_urls& urls) {
  if (sets_own_cookie(value)) return {};
  const auto first_end = value.find(';');
  const auto pair = value.substr(0, first_end);
  if (first_end == std::string_view::npos) return std::string{value};
  std::string out{pair};
  for (auto rest = value.substr(first_end + 1);;) {
    const auto end = rest.find(';');
    const auto attribute = rest.substr(0, end);
    const auto name = attribute_name(attribute);
    const auto text = attribute_value(attribute);
    if (name == "domain") {
      // The origin's own name becomes "this host"; a wider domain of the internal world means
      // nothing outside.
      auto domain = text.starts_with('.') ? text.substr(1) : text;
      const bool external = iequals(domain, urls.external_host) ||
                            (urls.external_host.size() > domain.size() &&
                             urls.external_host.ends_with("." + std::string{domain}));
      if (external && !iequals(domain, urls.internal_host)) out += ";" + std::string{attribute};
    } else if (name == "path" && text.starts_with(urls.internal_path) &&
               urls.internal_path != urls.external_path) {
      out += "; Path=" + urls.external_path + std::string{text.substr(urls.internal_path.size())};
    } else if (name == "path" && std::string{text} + "/" == urls.internal_path) {
      out += "; Path=" + urls.external_path;
    } else {
      out += ";" + std::string{attribute};
    }
    if (end == std::string_view::npos) break;
    rest = rest.substr(end + 1);
  }
  return out;
}

}  // namespace postern::edge
