#define CAF_SUITE samples

#include "config/connector.hpp"
#include "config/node.hpp"
#include "config/published.hpp"
#include "config/users.hpp"

#include <caf/test/dsl.hpp>

#include <filesystem>

using namespace postern::config;

namespace {

/// The folder of the samples, found upwards from this program: build folders stand inside the
/// source tree.
std::string sample(const std::string& name) {
  for (auto folder = std::filesystem::read_symlink("/proc/self/exe"); folder.has_relative_path();) {
    folder = folder.parent_path();
    if (std::filesystem::exists(folder / "config" / name))
      return (folder / "config" / name).string();
  }
  CAF_FAIL("no config/" << name << " above this program");
}

template <class T>
std::string outcome(const result<T>& loaded) {
  return loaded ? "loaded" : to_string(loaded.error());
}

}  // namespace

CAF_TEST(every sample loads) {
  CAF_CHECK_EQUAL(outcome(load_node(sample("node.toml"))), "loaded");
  CAF_CHECK_EQUAL(outcome(load_published(sample("published.toml"))), "loaded");
  CAF_CHECK_EQUAL(outcome(load_users(sample("users.toml"))), "loaded");
  CAF_CHECK_EQUAL(outcome(load_connector(sample("connector.toml"))), "loaded");
}

CAF_TEST(the samples say what they are said to say) {
  auto p = load_published(sample("published.toml"));
  CAF_REQUIRE(p.has_value());
  CAF_CHECK_EQUAL(p->applications.size(), 2u);
  auto c = load_connector(sample("connector.toml"));
  CAF_REQUIRE(c.has_value());
  CAF_CHECK_EQUAL(c->origins.at(0).address, "10.0.0.5");
}
