#include "connector/origin_fields.hpp"

#include <algorithm>
#include <cstring>

namespace postern::connector {

using runtime::field_list;

namespace {

/// Fields between two hops only, and those that the writer of a head makes itself.
bool is_hop_by_hop(std::string_view name) noexcept {
  switch (name.size()) {
    case 2:
      return name == "te";
    case 4:
      return name == "host";
    case 7:
      return name == "upgrade";
    case 10:
      return name == "connection" || name == "keep-alive";
    case 14:
      return name == "http2-settings";
    case 16:
      return name == "proxy-connection";
    case 17:
      return name == "transfer-encoding";
    default:
      return false;
  }
}

bool is_ours(std::string_view name) noexcept {
  return name.starts_with("postern-");
}

/// Connection may come in several lines that count as one (RFC 9110, section 5.3).
bool is_named_by_connection(const field_list& fields, std::string_view name) noexcept {
  return std::ranges::any_of(fields, [&](const auto& f) {
    return f.name == "connection" && runtime::list_contains(f.value, name);
  });
}

bool may_pass(std::string_view name, const field_list& fields) noexcept {
  return !is_hop_by_hop(name) && !is_ours(name) && !is_named_by_connection(fields, name);
}

struct pseudo_fields {
  std::string_view method, authority, path, protocol;
};

pseudo_fields read_pseudo_fields(const field_list& fields) {
  pseudo_fields p;
  for (const auto& [name, value] : fields) {
    if (!name.starts_with(':')) break;  // they come first (RFC 9113, section 8.3)
    if (name == ":method") p.method = value;
    if (name == ":authority") p.authority = value;
    if (name == ":path") p.path = value;
    if (name == ":protocol") p.protocol = value;
  }
  return p;
}

/// No white space and no control characters: what stands in the first two lines must stay there.
bool is_one_word(std::string_view text) noexcept {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

/// A Content-Length that leaves nothing to come.
bool is_zero(std::string_view length) noexcept {
  return !length.empty() && length.find_first_not_of('0') == std::string_view::npos;
}

/// POST, PUT and PATCH say that they have no content (RFC 9110, section 8.6).
bool announces_content(std::string_view method) noexcept {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

bool is_idempotent(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

std::optional<request_traits> write_request_head(const field_list& fields, bool ended,
                                                 std::string& out) {
  const auto pseudo = read_pseudo_fields(fields);
  request_traits traits;
  traits.websocket = pseudo.method == "CONNECT" && pseudo.protocol == "websocket";
  const auto method = traits.websocket ? std::string_view{"GET"} : pseudo.method;
  if (!is_one_word(method) || !is_one_word(pseudo.path) || !is_one_word(pseudo.authority))
    return {};
  if (method == "CONNECT") return {};
  traits.head = method == "HEAD";
  traits.idempotent = is_idempotent(method);

  out += method;
  out += ' ';
  out += pseudo.path;
  out += " HTTP/1.1\r\n";
  append_field(out, "host", pseudo.authority);
  const bool is_empty = is_zero(runtime::field_value(fields, "content-length"));
  bool has_length = false;
  bool has_cookie = false;
  bool wants_trailers = false;
  for (const auto& [name, value] : fields) {
    if (name.starts_with(':')) continue;
    if (name == "te") wants_trailers = runtime::list_contains(value, "trailers");
    if (!may_pass(name, fields)) continue;
    if (name == "cookie") {
      has_cookie = true;
      continue;
    }
    if (name == "content-length") {
      if (traits.websocket) continue;
      has_length = true;
    }
    if (name == "expect")
      traits.expects_continue = runtime::iequals(value, "100-continue") && !ended;
    append_field(out, name, value);
  }
  if (has_cookie) {
    // HTTP/2 may carry each pair by itself; HTTP/1.1 has one field (RFC 9113, section 8.2.3).
    out += "cookie: ";
    for (bool first = true; const auto& [name, value] : fields) {
      if (name != "cookie") continue;
      if (!first) out += "; ";
      first = false;
      out += value;
    }
    out += "\r\n";
  }
  if (traits.websocket) {
    traits.framing = content_framing::raw;
    out += "connection: Upgrade\r\nupgrade: websocket\r\n";
  } else if (!ended && !is_empty) {
    traits.framing = has_length ? content_framing::length : content_framing::chunked;
    if (!has_length) out += "transfer-encoding: chunked\r\n";
  } else if (!has_length && announces_content(method)) {
    out += "content-length: 0\r\n";
  }
  if (wants_trailers && !traits.websocket) out += "te: trailers\r\nconnection: te\r\n";
  out += "\r\n";
  return traits;
}

bool is_websocket(const field_list& fields) noexcept {
  const auto pseudo = read_pseudo_fields(fields);
  return pseudo.method == "CONNECT" && pseudo.protocol == "websocket";
}

std::optional<request_traits> select_request_fields(const field_list& fields, bool ended,
                                                    field_list& out) {
  const auto pseudo = read_pseudo_fields(fields);
  if (!is_one_word(pseudo.method) || !is_one_word(pseudo.path) || !is_one_word(pseudo.authority) ||
      pseudo.method == "CONNECT")
    return {};
  request_traits traits;
  traits.head = pseudo.method == "HEAD";
  traits.idempotent = is_idempotent(pseudo.method);
  for (const auto& f : fields) {
    if (f.name.starts_with(':')) {
      if (f.name != ":protocol") out.push_back(f);
      continue;
    }
    // The one thing that TE may say here (RFC 9113, section 8.2.2).
    if (f.name == "te" && runtime::list_contains(f.value, "trailers"))
      out.push_back({"te", "trailers"});
    if (!may_pass(f.name, fields)) continue;
    if (f.name == "expect")
      traits.expects_continue = runtime::iequals(f.value, "100-continue") && !ended;
    out.push_back(f);
  }
  return traits;
}

void select_response_fields(const field_list& fields, unsigned status, field_list& out) {
  const bool lengthless = status < 200 || status == 204;
  for (const auto& f : fields) {
    if (f.name.starts_with(':') || !may_pass(f.name, fields)) continue;
    if (lengthless && f.name == "content-length") continue;
    out.push_back(f);
  }
}

runtime::field_view via_of(std::string_view version) noexcept {
  if (version == "2") return {"via", "2 postern"};
  return {"via", version == "1.0" ? std::string_view{"1.0 postern"} : "1.1 postern"};
}

bool is_trailer(std::string_view name) noexcept {
  return !name.empty() && name[0] != ':' && !is_hop_by_hop(name) && !is_ours(name) &&
         name != "content-length" && name != "trailer";
}

void lower_case_field_names(std::span<char> head) noexcept {
  auto* at = static_cast<char*>(std::memchr(head.data(), '\n', head.size()));
  auto* const end = head.data() + head.size();
  while (at != nullptr) {
    for (++at; at < end && *at != ':' && *at != '\n'; ++at)
      if (*at >= 'A' && *at <= 'Z') *at = static_cast<char>(*at + 32);
    at = static_cast<char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
  }
}

}  // namespace postern::connector
