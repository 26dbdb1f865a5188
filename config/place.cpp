#include "config/place.hpp"

#include <toml++/toml.h>

namespace postern::config {

std::string place_of(const std::string& file, std::string_view path) {
  auto place = file;
  try {
    const auto document = toml::parse_file(file);
    if (const auto* node = document.at_path(path).node())
      place += ":" + std::to_string(node->source().begin.line);
  } catch (const toml::parse_error&) {
    // It could be read when the program started.
  }
  return place.append(": ").append(path.substr(path.rfind('.') + 1));
}

}  // namespace postern::config
