#pragma once
// Small published resources for tests that need some.

#include "config/published.hpp"
#include "tests/unit/actors/store_fixture.hpp"

#include <memory>
#include <string>

namespace postern::actors::testing {

/// A valid application of the group "berlin", assigned to user alice and group staff.
inline config::application sample(const std::string& name) {
  config::application a;
  a.name = name;
  a.external_url = "https://" + name + ".example.com/";
  a.internal_url = "http://" + name + ".internal/";
  a.group = "berlin";
  a.assigned = {"user:alice", "group:staff"};
  return a;
}

/// "wiki" in "berlin".
inline config::published sample_published() {
  return {.version = 1, .groups = {{"berlin"}}, .applications = {sample("wiki")}};
}

}  // namespace postern::actors::testing
