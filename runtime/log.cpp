#include "runtime/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>

namespace postern::runtime {

namespace {

std::atomic<bool> json_lines{false};

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else {
      out += c;
    }
  }
}

/// Ordinary spdlog::info() lines as JSON: what log_event() has made already passes as it is.
class json_formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    std::string text;
    const std::string_view payload{line.payload.data(), line.payload.size()};
    prefix_.format(line, out);
    if (payload.starts_with('{')) {
      text.assign(payload.substr(1));
    } else {
      text = "\"message\":\"";
      append_escaped(text, payload);
      text += "\"}";
    }
    text += '\n';
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<json_formatter>();
  }

 private:
  spdlog::pattern_formatter prefix_{"{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",\"level\":\"%l\",",
                                    spdlog::pattern_time_type::utc, ""};
};

}  // namespace

result<void> start_logging(const std::string& level, const std::string& format,
                           const std::string& file) {
  try {
    auto logger = file.empty()
                      ? std::make_shared<spdlog::logger>(
                            "postern", std::make_shared<spdlog::sinks::stderr_sink_mt>())
                      : std::make_shared<spdlog::logger>(
                            "postern", std::make_shared<spdlog::sinks::basic_file_sink_mt>(file));
    json_lines = format == "json";
    if (json_lines)
      logger->set_formatter(std::make_unique<json_formatter>());
    else
      logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
          "%Y-%m-%dT%H:%M:%S.%eZ %-5l %v", spdlog::pattern_time_type::utc));
    logger->set_level(spdlog::level::from_str(level));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
    return {};
  } catch (const spdlog::spdlog_ex& e) {
    return error{error_category::invalid_input, "log_file", "service", e.what()};
  }
}

void log_event(spdlog::level::level_enum level, std::string_view message,
               std::initializer_list<log_field> fields) {
  auto* logger = spdlog::default_logger_raw();
  if (!logger->should_log(level)) return;
  std::string line;
  line.reserve(256);
  const bool json = json_lines;
  line += json ? "{\"message\":\"" : "";
  append_escaped(line, message);
  if (json) line += '"';
  for (const auto& field : fields) {
    if (field.value.empty()) continue;
    line += json ? ",\"" : " ";
    line += field.name;
    line += json ? "\":\"" : "=";
    const bool quote = !json && field.value.find_first_of(" \"\\") != std::string_view::npos;
    if (quote) line += '"';
    append_escaped(line, field.value);
    if (json || quote) line += '"';
  }
  if (json) line += '}';
  logger->log(level, spdlog::string_view_t{line.data(), line.size()});
}

}  // namespace postern::runtime
