#include "control/terminal.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace postern::control {

namespace {

void write_pretty(const boost::json::value& value, const std::string& indent, std::string& out);

bool is_c1(std::string_view text, size_t at) noexcept {
  // U+0080 to U+009F, among them the one-character form of ESC [, are C2 80 to C2 9F in UTF-8.
  return static_cast<unsigned char>(text[at]) == 0xc2 && at + 1 < text.size() &&
         static_cast<unsigned char>(text[at + 1]) < 0xa0;
}

/// Serialized JSON with DEL and C1, which JSON itself need not escape, escaped too.
std::string escaped(std::string_view json) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < json.size(); ++i) {
    bool c1 = is_c1(json, i);
    if (!c1 && json[i] != 0x7f) {
      out += json[i];
      continue;
    }
    auto byte = static_cast<unsigned char>(json[c1 ? ++i : i]);
    out.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

/// `write` gets each element; brackets, commas and lines are the same for lists and objects.
template <class Container, class Write>
void write_block(const Container& content, const char* brackets, const std::string& indent,
                 std::string& out, Write write) {
  out += brackets[0];
  const char* separator = "\n";
  for (const auto& element : content) {
    out.append(separator).append(indent).append("  ");
    write(element);
    separator = ",\n";
  }
  if (!content.empty()) out.append("\n").append(indent);
  out += brackets[1];
}

void write_pretty(const boost::json::value& value, const std::string& indent, std::string& out) {
  if (const auto* object = value.if_object()) {
    write_block(*object, "{}", indent, out, [&](const boost::json::key_value_pair& member) {
      out.append(escaped(boost::json::serialize(member.key()))).append(": ");
      write_pretty(member.value(), indent + "  ", out);
    });
  } else if (const auto* list = value.if_array()) {
    write_block(*list, "[]", indent, out, [&](const boost::json::value& element) {
      write_pretty(element, indent + "  ", out);
    });
  } else {
    out += escaped(boost::json::serialize(value));
  }
}

bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    bool c1 = is_c1(text, i);
    if (byte < 0x20 || byte == 0x7f || c1) {
      out += '?';
      i += c1 ? 1 : 0;
    } else {
      out += text[i];
    }
  }
  return out;
}

size_t display_width(std::string_view text) noexcept {
  return text.size() -
         static_cast<size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

void table::add(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  for (auto& cell : cells)
    cell = cell.empty() ? "-" : printable(cell);
  rows_.push_back(std::move(cells));
}

std::string table::text() const {
  std::vector<size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line.append(row[i]).append(widths[i] - display_width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out.append(line).append("\n");
  }
  return out;
}

std::string pretty(const boost::json::value& value) {
  std::string out;
  write_pretty(value, "", out);
  return out += '\n';
}

}  // namespace postern::control
