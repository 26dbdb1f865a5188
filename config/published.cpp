#include "config/published.hpp"

#include "config/published_checks.hpp"
#include "config/wording.hpp"

#include <algorithm>

namespace postern::config {

namespace {

template <class T>
const T* find_by_name(const std::vector<T>& sorted, std::string_view name) noexcept {
  auto at = std::lower_bound(
      sorted.begin(), sorted.end(), name,
      [](const T& element, std::string_view wanted) { return element.name < wanted; });
  return at != sorted.end() && at->name == name ? &*at : nullptr;
}

template <class T>
problem describe(std::string_view kind, const T& resource, const field_problem& wrong) {
  std::string text{kind};
  if (!resource.name.empty()) text.append(" ").append(quote(resource.name));
  return problem{.message =
                     text.append(": ").append(wrong.field).append(": ").append(wrong.message)};
}

}  // namespace

const application* published::find_application(std::string_view name) const noexcept {
  return find_by_name(applications, name);
}

const group* published::find_group(std::string_view name) const noexcept {
  return find_by_name(groups, name);
}

result<void> validate(const application& a) {
  if (auto wrong = check(a)) return describe("application", a, *wrong);
  return {};
}

result<void> validate(const group& g) {
  if (auto wrong = check(g)) return describe("group", g, *wrong);
  return {};
}

result<void> validate_host(const application& a, std::span<const std::string> service_hosts) {
  if (auto wrong = check_host(a, service_hosts)) return describe("application", a, *wrong);
  return {};
}

result<void> validate(const published& p) {
  consistency_check together;
  for (const auto& g : p.groups) {
    if (auto checked = validate(g); !checked) return checked;
    if (auto wrong = together.add(g)) return describe("group", g, *wrong);
  }
  for (const auto& a : p.applications) {
    if (auto checked = validate(a); !checked) return checked;
    if (auto wrong = together.add(a)) return describe("application", a, *wrong);
  }
  return {};
}

}  // namespace postern::config
