#include "config/route_table.hpp"

#include "config/url.hpp"

#include <algorithm>

namespace postern::config {

namespace {

unsigned char lower(char c) noexcept {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte + ('a' - 'A')) : byte;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

size_t route_table::host_hash::operator()(std::string_view host) const noexcept {
  // FNV-1a. Only the keys are chosen by administrators; a request cannot make buckets grow.
  uint64_t hash = 14'695'981'039'346'656'037u;
  for (char c : host)
    hash = (hash ^ lower(c)) * 1'099'511'628'211u;
  return hash;
}

bool route_table::host_equal::operator()(std::string_view a, std::string_view b) const noexcept {
  return equal_ignoring_case(a, b);
}

route_table::route_table(std::shared_ptr<const published> snapshot)
    : snapshot_(std::move(snapshot)) {
  if (!snapshot_) return;
  for (const auto& a : snapshot_->applications) {
    if (auto url = parse_web_url(a.external_url)) hosts_[url->host].push_back({url->path, &a});
  }
  for (auto& [host, entries] : hosts_) {
    // Two paths of one length cannot both be prefixes of a request, so their order does not matter.
    std::sort(entries.begin(), entries.end(),
              [](const entry& a, const entry& b) { return a.path.size() > b.path.size(); });
  }
}

route route_table::find(std::string_view host, std::string_view path) const noexcept {
  auto at = hosts_.find(host);
  if (at == hosts_.end()) return {};
  for (const auto& e : at->second) {
    if (path.starts_with(e.path)) return {e.target, false};
    if (path.size() + 1 == e.path.size() && e.path.starts_with(path)) return {e.target, true};
  }
  return {};
}

route route_table::find_ignoring_case(std::string_view host, std::string_view path) const noexcept {
  const auto at = hosts_.find(host);
  if (at == hosts_.end()) return {};
  const entry* best = nullptr;
  for (const auto& e : at->second) {
    if (best != nullptr && e.path.size() < best->path.size()) break;
    if (path.size() + 1 < e.path.size()) continue;
    const auto compared = std::string_view{e.path}.substr(0, path.size());
    if (!equal_ignoring_case(path.substr(0, compared.size()), compared)) continue;
    if (best == nullptr || path.starts_with(compared)) best = &e;
  }
  if (best == nullptr) return {};
  return {best->target, best->path.size() > path.size()};
}

bool route_table::contains_host(std::string_view host) const noexcept {
  return hosts_.find(host) != hosts_.end();
}

}  // namespace postern::config
