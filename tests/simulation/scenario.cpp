#include "tests/simulation/scenario.hpp"

#include "config/published.hpp"

#include <toml++/toml.h>

namespace postern::simulation {

namespace {

using runtime::error;
using runtime::error_category;

error problem(const std::string& path, const toml::node& at, const std::string& what) {
  return {error_category::invalid_input, "scenario_malformed", "scenario",
          path + ":" + std::to_string(at.source().begin.line) + ": " + what};
}

/// A duration as text, or what was there before.
runtime::result<milliseconds> read_duration(const std::string& path, const toml::table& from,
                                            std::string_view key, milliseconds otherwise) {
  const auto* node = from.get(key);
  if (node == nullptr) return otherwise;
  auto parsed = config::parse_duration(node->value_or(std::string{}));
  if (!parsed) return problem(path, *node, "'" + std::string{key} + "' is no duration");
  return *parsed;
}

runtime::result<fault> read_fault(const std::string& path, const toml::table& t) {
  fault f;
  f.action = t["action"].value_or(std::string{});
  f.target = t["target"].value_or(std::string{"random"});
  if (f.action.empty()) return problem(path, t, "a fault without 'action'");
  for (const auto& [key, to] : {std::pair{"at", &f.at}, {"by", &f.by}, {"for", &f.lasts}}) {
    auto d = read_duration(path, t, key, *to);
    if (!d) return d.error();
    *to = *d;
  }
  return f;
}

}  // namespace

runtime::result<scenario> load_scenario(const std::string& path) {
  toml::table file;
  try {
    file = toml::parse_file(path);
  } catch (const toml::parse_error& e) {
    return error{
        error_category::invalid_input, "scenario_malformed", "scenario",
        path + ":" + std::to_string(e.source().begin.line) + ": " + std::string{e.description()}};
  }
  scenario s;
  s.random = false;
  s.name = file["name"].value_or(path);
  s.nodes = file["nodes"].value_or(1U);
  s.connectors = file["connectors"].value_or(s.connectors);
  s.capacity = file["capacity"].value_or(s.capacity);
  s.days = file["days"].value_or(s.days);
  s.expect_no_failure = file["expect"]["no_failure"].value_or(false);
  s.allowed = file["expect"]["but"].value_or(std::string{});
  static const toml::table nothing;
  const auto* expect = file["expect"].as_table();
  struct row {
    const toml::table& from;
    const char* key;
    milliseconds* to;
  };
  for (const auto& [from, key, to] :
       {row{file, "duration", &s.duration}, row{file, "gap", &s.gap},
        row{expect != nullptr ? *expect : nothing, "slowest", &s.slowest}}) {
    auto d = read_duration(path, from, key, *to);
    if (!d) return d.error();
    *to = *d;
  }
  if (const auto* faults = file["fault"].as_array())
    for (const auto& entry : *faults) {
      if (!entry.is_table()) return problem(path, entry, "a fault is a table");
      auto f = read_fault(path, *entry.as_table());
      if (!f) return f.error();
      s.faults.push_back(std::move(*f));
    }
  return s;
}

}  // namespace postern::simulation
