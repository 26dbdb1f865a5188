#include "config/place.hpp"

#include <toml++/toml.h>

namespace postern::config {

std::string place_of(const std::string& file, std::string_view path) {
  const auto key = ": " + std::string{path.substr(path.rfind('.') + 1)};
  try {
    const auto document = toml::parse_file(file);
    if (const auto* node = document.at_path(path).node())
      return file + ":" + std::to_string(node->source().begin.line) + key;
  } catch (const toml::parse_error&) {
    return file + key;
  }
  return file + key;
}

}  // namespace postern::config
