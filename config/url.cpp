#include "config/url.hpp"

#include "config/wording.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace postern::config {

namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) noexcept {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) noexcept {
  return c >= 'A' && c <= 'Z';
}

bool is_label(std::string_view label) noexcept {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
    return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_digit(c) || is_lower(c) || c == '-'; });
}

/// Calls fn(piece) for each piece between separators until it returns false; tells whether it never
/// did.
template <class F>
bool each_piece(std::string_view text, char separator, F fn) {
  for (;;) {
    auto end = text.find(separator);
    if (!fn(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

problem refusal(std::string_view wanted, std::string_view text) {
  return problem{.message = expected(wanted, text)};
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out{text};
  for (char& c : out) {
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string web_url::authority() const {
  return port == default_port() ? host : host + ":" + std::to_string(port);
}

std::string web_url::text() const {
  return scheme + "://" + authority() + path;
}

result<web_url> parse_web_url(std::string_view text) {
  auto parsed = boost::urls::parse_uri({text.data(), text.size()});
  if (!parsed) return refusal("an http or https URL", text);
  const auto& u = *parsed;
  web_url out;
  out.scheme = lower_case({u.scheme().data(), u.scheme().size()});
  if (out.scheme != "http" && out.scheme != "https") return refusal("an http or https URL", text);
  if (u.has_userinfo()) return problem{.message = "expected a URL without user and password"};
  if (u.has_query() || u.has_fragment()) return refusal("a URL without query and fragment", text);
  out.host = lower_case({u.encoded_host().data(), u.encoded_host().size()});
  if (out.host.empty()) return refusal("a URL with a host", text);
  // Boost 1.81 cuts "10.0.0.1.example" behind the address, and what follows becomes a path.
  if (!u.encoded_path().empty() && u.encoded_path().front() != '/')
    return refusal("a URL with a host name that does not begin with an IP address", text);
  // port_number() wraps around silently, so the digits are counted as well.
  auto digits = u.port();
  if (u.has_port() && (digits.empty() || digits.size() > 5 || u.port_number() == 0 ||
                       std::stoul(std::string{digits.data(), digits.size()}) > 65'535)) {
    return refusal("a URL with a port from 1 to 65535", text);
  }
  out.port = u.has_port() ? u.port_number() : out.default_port();
  out.path.assign(u.encoded_path().data(), u.encoded_path().size());
  if (out.path.empty()) out.path = "/";
  return out;
}

bool is_host_name(std::string_view host) noexcept {
  if (host.size() > 253 || !each_piece(host, '.', is_label)) return false;
  // A last label of digits would be read as an address by browsers.
  auto last = host.substr(host.rfind('.') + 1);
  return !std::all_of(last.begin(), last.end(), is_digit);
}

bool is_loopback(std::string_view host) noexcept {
  if (host == "localhost" || host.ends_with(".localhost") || host == "[::1]") return true;
  return host.starts_with("127.") &&
         std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
}

bool is_plain_path(std::string_view path) noexcept {
  if (path.empty() || path.front() != '/' || path.back() != '/') return false;
  if (path.size() == 1) return true;
  return each_piece(path.substr(1, path.size() - 2), '/', [](std::string_view segment) {
    return !segment.empty() && segment != "." && segment != ".." &&
           std::all_of(segment.begin(), segment.end(), [](char c) {
             return is_digit(c) || is_lower(c) || is_upper(c) || c == '-' || c == '.' || c == '_' ||
                    c == '~';
           });
  });
}

}  // namespace postern::config
