// Feeds arbitrary text to every TOML loader. Whatever is accepted must also survive being written
// and read again.

#include "config/connector.hpp"
#include "config/node.hpp"
#include "config/published.hpp"
#include "config/published_fields.hpp"
#include "config/users.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace postern::config;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  (void)parse_node(text, "fuzz.toml");
  (void)parse_users(text, "fuzz.toml");
  if (auto c = parse_connector(text, "fuzz.toml")) {
    if (!parse_connector(to_toml(*c), "again.toml")) std::abort();
  }
  if (auto p = parse_published(text, "fuzz.toml")) {
    if (!validate(*p)) std::abort();
    std::string again;
    for (const auto& g : p->groups)
      again += to_toml(g);
    for (const auto& a : p->applications)
      again += to_toml(a);
    auto q = parse_published(again, "again.toml");
    if (!q || q->groups != p->groups || q->applications != p->applications) std::abort();
  }
  return 0;
}
