#include "edge/relying_party.hpp"

namespace postern::edge {

namespace {

constexpr std::string_view reserved = ".postern";

size_t path_begin(std::string_view url) noexcept {
  const auto scheme = url.find("://");
  return scheme == url.npos ? url.npos : url.find('/', scheme + 3);
}

}  // namespace

std::string_view application_path(const config::application& a) noexcept {
  const std::string_view url = a.external_url;
  const auto begin = path_begin(url);
  return begin == url.npos ? std::string_view{"/"} : url.substr(begin);
}

std::string_view application_origin(const config::application& a) noexcept {
  const std::string_view url = a.external_url;
  return url.substr(0, path_begin(url));
}

std::optional<reserved_page> find_reserved_page(const config::application& a,
                                                std::string_view path) noexcept {
  if (a.preauthentication != config::preauthentication_kind::oidc) return {};
  const auto base = application_path(a);
  if (!path.starts_with(base)) return {};
  path.remove_prefix(base.size());
  if (!path.starts_with(reserved)) return {};
  path.remove_prefix(reserved.size());
  if (path == "/callback") return reserved_page::callback;
  if (path == "/logout") return reserved_page::logout;
  if (path.empty() || path.front() == '/') return reserved_page::other;
  return {};
}

std::string callback_url(const config::application& a) {
  return a.external_url + ".postern/callback";
}

const std::string& issuer_of(const config::application& a, const service_urls& urls) noexcept {
  return a.issuer.empty() ? urls.issuer : a.issuer;
}

const std::string& client_id_of(const config::application& a) noexcept {
  return a.client_id.empty() ? a.name : a.client_id;
}

std::string safe_target(const config::application& a, std::string_view target) {
  const auto start = application_path(a);
  const auto path = target.substr(0, target.find('?'));
  if (!path.starts_with(start) || find_reserved_page(a, path)) return std::string{start};
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string safe;
  safe.reserve(target.size());
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '"' && c != '<' && c != '>' && c != '#') {
      safe += c;
    } else {
      safe += '%';
      safe += digits[byte >> 4];
      safe += digits[byte & 15];
    }
  }
  return safe;
}

std::string absolute_url(const config::application& a, std::string_view safe_target) {
  return std::string{application_origin(a)}.append(safe_target);
}

}  // namespace postern::edge
