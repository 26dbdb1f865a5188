#include "runtime/log.hpp"

#include <boost/locale/utf.hpp>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>

namespace postern::runtime {

namespace {

std::atomic<bool> json_lines{false};

/// Where a line comes from, if log_event() has made it.
constexpr spdlog::source_loc event_line{"log_event", 1, ""};

void append_code(std::string& out, uint32_t code) {
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", code);
  out += text;
}

/// Appends the character that `text` begins with, which is not ASCII; returns how long it is. What
/// is no UTF-8 would spoil the line for whoever reads it, and C1 controls move a terminal's cursor.
size_t append_wide(std::string& out, std::string_view text) {
  using utf8 = boost::locale::utf::utf_traits<char>;
  const auto* at = text.data();
  const auto code = utf8::decode(at, text.data() + text.size());
  if (code == boost::locale::utf::illegal || code == boost::locale::utf::incomplete) {
    append_code(out, 0xfffd);
    return 1;
  }
  const auto size = static_cast<size_t>(at - text.data());
  if (code < 0xa0)
    append_code(out, code);
  else
    out += text.substr(0, size);
  return size;
}

void append_escaped(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      i += append_wide(out, text.substr(i));
      continue;
    }
    ++i;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      append_code(out, byte);
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
    if (line.source.filename == event_line.filename) {
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
  logger->log(event_line, level, spdlog::string_view_t{line.data(), line.size()});
}

}  // namespace postern::runtime
