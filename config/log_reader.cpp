#include "config/log_reader.hpp"

namespace postern::config {

void read_log(toml_section s, log_options& out) {
  static constexpr std::string_view levels[] = {"trace", "debug", "info", "warn", "error"};
  static constexpr std::string_view formats[] = {"text", "json"};
  s.read_choice("level", out.level, levels);
  s.read_choice("format", out.format, formats);
  s.read_path("file", out.file);
  s.read("access", out.access);
  s.finish();
}

}  // namespace postern::config
