#pragma once
// The checks behind `validate`, in a form that lets the TOML reader point at the line of the field.
// Internal to config/.

#include "config/published.hpp"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace postern::config {

/// What is wrong with one field of a resource.
struct field_problem {
  std::string_view field;  ///< a name from visit_fields
  std::string message;     ///< "expected ..., found ..."
};

/// One thing that is wrong with a resource by itself, if anything is.
std::optional<field_problem> check(const group& g);
std::optional<field_problem> check(const application& a);

/// Whether an application asks for one of the service's own host names (lower case): requests for
/// them never get as far as applications.
std::optional<field_problem> check_host(const application& a,
                                        std::span<const std::string> service_hosts);

/// Checks that resources fit together: give it every group first, then every application. Each must
/// be right by itself.
class consistency_check {
 public:
  std::optional<field_problem> add(const group& g);
  std::optional<field_problem> add(const application& a);

 private:
  std::set<std::string, std::less<>> groups_;
  std::set<std::string, std::less<>> applications_;
  std::map<std::string, std::string> places_;  ///< host and path to the application's name
};

}  // namespace postern::config
