#include "edge/published_routes.hpp"

#include "edge/session_cookie.hpp"

namespace postern::edge {

published_routes::published_routes(const actors::routing& routing, const std::string& own_issuer)
    : table_(routing.published) {
  std::unordered_map<std::string, bool> shared_hosts;
  for (const auto& application : routing.published->applications) {
    const auto urls = split_application_urls(application);
    shared_hosts[urls.external_host] |= urls.external_path != "/";
  }
  for (const auto& application : routing.published->applications) {
    published_application prepared;
    auto complete = std::make_shared<config::application>(application);
    if (complete->issuer.empty()) complete->issuer = own_issuer;
    prepared.application = std::move(complete);
    prepared.urls = split_application_urls(application);
    prepared.cookie_name = session_cookie_name(application);
    prepared.scoped =
        shared_hosts[prepared.urls.external_host] || prepared.urls.internal_path != "/";
    if (auto queue = routing.queues.find(application.group); queue != routing.queues.end())
      prepared.queue = queue->second;
    const auto& kept = prepared_.emplace(&application, std::move(prepared)).first->second;
    by_name_.emplace(kept.application->name, &kept);
  }
}

const published_application* published_routes::find_named(std::string_view name) const noexcept {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

const published_application* published_routes::find(std::string_view host, std::string_view path,
                                                    bool& needs_slash) const noexcept {
  const auto found = table_.find(host, path);
  needs_slash = found.needs_slash;
  if (found.match == nullptr) return nullptr;
  const auto i = prepared_.find(found.match);
  return i == prepared_.end() ? nullptr : &i->second;
}

bool published_routes::leads_elsewhere(std::string_view host, std::string_view path,
                                       const published_application& to) const {
  if (has_dot_segments(path)) return true;
  const auto* other = table_.find_ignoring_case(host, careless_reading(path)).match;
  const auto i = prepared_.find(other);
  return i == prepared_.end() || &i->second != &to;
}

bool has_dot_segments(std::string_view path) noexcept {
  // Reads the path as a careless origin would: %2e is a dot, %2f and %5c and "\" are slashes, %3b
  // is ";".
  size_t dots = 0;
  bool other = false;
  for (size_t i = 0; i <= path.size(); ++i) {
    char c = i < path.size() ? path[i] : '/';
    if (c == '%' && i + 2 < path.size()) {
      const char high = path[i + 1], low = static_cast<char>(path[i + 2] | 0x20);
      if (high == '2' && low == 'e') c = '.';
      if ((high == '2' && low == 'f') || (high == '5' && low == 'c')) c = '/';
      if (high == '3' && low == 'b') c = ';';
      if (c != '%') i += 2;
    }
    if (c == '/' || c == '\\' || c == ';') {
      if (!other && (dots == 1 || dots == 2)) return true;
      dots = 0;
      other = c == ';';
      if (c != ';') other = false;
    } else if (c == '.') {
      ++dots;
    } else {
      other = true;
    }
  }
  return false;
}

std::string careless_reading(std::string_view path) {
  auto hex = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string out;
  bool in_parameters = false;
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%' && i + 2 < path.size() && hex(path[i + 1]) >= 0 && hex(path[i + 2]) >= 0) {
      c = static_cast<char>(hex(path[i + 1]) * 16 + hex(path[i + 2]));
      i += 2;
    }
    if (c == '\\') c = '/';
    if (c == '/') in_parameters = false;
    if (c == ';') in_parameters = true;
    if (in_parameters || (c == '/' && out.ends_with('/'))) continue;
    out += c;
  }
  return out;
}

}  // namespace postern::edge
