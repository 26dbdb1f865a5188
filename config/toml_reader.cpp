#include "config/toml_reader.hpp"

#include "config/published.hpp"
#include "config/wording.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace postern::config {

std::string to_string(const problem& p) {
  std::string out = p.file;
  if (p.line != 0) out.append(out.empty() ? "line " : ":").append(std::to_string(p.line));
  return out.empty() ? p.message : out.append(": ").append(p.message);
}

struct toml_section::document_state {
  std::string file;
  toml::table root;
  std::optional<problem> failure;

  void fail(size_t line, std::string message) {
    if (!failure) failure = problem{file, line, std::move(message)};
  }
};

namespace {

const toml::table& as_table(const void* p) {
  return *static_cast<const toml::table*>(p);
}
const toml::node& as_node(const void* p) {
  return *static_cast<const toml::node*>(p);
}

size_t line_of_node(const toml::node& n) {
  return n.source().begin.line;
}

/// What a value is called in "found ...".
std::string describe(const toml::node& n) {
  switch (n.type()) {
    case toml::node_type::string:
      return quote(**n.as_string());
    case toml::node_type::integer:
      return "the number " + std::to_string(**n.as_integer());
    case toml::node_type::boolean:
      return **n.as_boolean() ? "true" : "false";
    case toml::node_type::floating_point:
      return "a fraction";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

std::string bounds(uint64_t least, uint64_t most) {
  return "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
}

/// A table that stands for every absent section.
const toml::table& no_table() {
  static const toml::table empty;
  return empty;
}

}  // namespace

const void* toml_section::find(std::string_view key) {
  known_.emplace(key);
  if (document_->failure) return nullptr;
  return as_table(table_).get(key);
}

size_t toml_section::line_of(std::string_view key) const {
  const auto* node = as_table(table_).get(key);
  return node ? line_of_node(*node) : line_;
}

void toml_section::fail(std::string_view key, std::string_view message) const {
  std::string text{key};
  document_->fail(line_of(key), text.append(": ").append(message));
}

void toml_section::fail_type(std::string_view key, std::string_view wanted,
                             const void* node) const {
  fail(key,
       std::string{"expected "}.append(wanted).append(", found ").append(describe(as_node(node))));
}

bool toml_section::failed() const {
  return document_->failure.has_value();
}

void toml_section::read(std::string_view key, std::string& out) {
  const auto* node = find(key);
  if (!node) return;
  const auto* text = as_node(node).as_string();
  if (!text) return fail_type(key, "a text in quotes", node);
  out = **text;
}

void toml_section::read(std::string_view key, bool& out) {
  const auto* node = find(key);
  if (!node) return;
  const auto* value = as_node(node).as_boolean();
  if (!value) return fail_type(key, "true or false", node);
  out = **value;
}

void toml_section::read(std::string_view key, std::vector<std::string>& out) {
  constexpr std::string_view wanted = R"(a list of texts such as ["a", "b"])";
  const auto* node = find(key);
  if (!node) return;
  const auto* list = as_node(node).as_array();
  if (!list) return fail_type(key, wanted, node);
  std::vector<std::string> texts;
  for (const auto& element : *list) {
    const auto* text = element.as_string();
    if (!text) return fail_type(key, wanted, &element);
    texts.push_back(**text);
  }
  out = std::move(texts);
}

void toml_section::read(std::string_view key, std::chrono::milliseconds& out) {
  const auto* node = find(key);
  if (!node) return;
  const auto* text = as_node(node).as_string();
  if (!text) return fail_type(key, R"(a duration such as "30s")", node);
  auto parsed = parse_duration(**text);
  if (!parsed) return fail(key, parsed.error().message);
  out = *parsed;
}

void toml_section::read(std::string_view key, std::chrono::seconds& out, std::chrono::seconds least,
                        std::chrono::seconds most) {
  std::chrono::milliseconds exact{-1};
  read(key, exact);
  if (exact.count() < 0) return;
  auto whole = std::chrono::duration_cast<std::chrono::seconds>(exact);
  if (whole != exact || whole < least || whole > most) {
    return fail(key, expected("whole seconds from " + format_duration(least) + " to " +
                                  format_duration(most),
                              format_duration(exact)));
  }
  out = whole;
}

std::optional<uint64_t> toml_section::whole_number(std::string_view key, uint64_t least,
                                                   uint64_t most) {
  const auto* node = find(key);
  if (!node) return {};
  const auto* value = as_node(node).as_integer();
  auto number = value ? **value : -1;
  if (number < 0 || static_cast<uint64_t>(number) < least || static_cast<uint64_t>(number) > most) {
    fail_type(key, bounds(least, most), node);
    return {};
  }
  return static_cast<uint64_t>(number);
}

void toml_section::read_choice(std::string_view key, std::string& out,
                               std::span<const std::string_view> choices) {
  std::string text = out;
  read(key, text);
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) {
    out = std::move(text);
    return;
  }
  std::string wanted;
  for (auto choice : choices)
    wanted.append(wanted.empty() ? "" : " or ").append(quote(choice));
  fail(key, expected(wanted, text));
}

void toml_section::read_path(std::string_view key, std::string& out) {
  std::string text;
  read(key, text);
  if (text.empty()) return;
  if (text.find('\0') != text.npos)
    return fail(key, expected("the name of a file or folder", text));
  std::filesystem::path path{text};
  out = path.is_absolute() ? text
                           : (std::filesystem::path{document_->file}.parent_path() / path).string();
}

toml_section toml_section::section(std::string_view key) {
  const auto* node = find(key);
  const auto* table = node ? as_node(node).as_table() : nullptr;
  if (node && !table) fail_type(key, "a table such as [" + std::string{key} + "]", node);
  if (!table) return {document_, &no_table(), line_};
  return {document_, table, line_of_node(*table)};
}

std::vector<toml_section> toml_section::sections(std::string_view key) {
  std::vector<toml_section> out;
  const auto* node = find(key);
  if (!node) return out;
  const auto* list = as_node(node).as_array();
  auto wanted = "tables such as [[" + std::string{key} + "]]";
  if (!list) {
    fail_type(key, wanted, node);
    return out;
  }
  for (const auto& element : *list) {
    const auto* table = element.as_table();
    if (!table) {
      fail_type(key, wanted, &element);
      return {};
    }
    out.push_back(toml_section{document_, table, line_of_node(*table)});
  }
  return out;
}

void toml_section::finish() {
  std::vector<std::string_view> known{known_.begin(), known_.end()};
  // The table is ordered by key; people read files from the top.
  const toml::key* first = nullptr;
  for (const auto& [key, node] : as_table(table_)) {
    if (known_.contains(key.str())) continue;
    if (!first || key.source().begin < first->source().begin) first = &key;
  }
  if (first) document_->fail(first->source().begin.line, unknown_key(first->str(), known));
}

toml_document::toml_document(std::string_view text, std::string file)
    : state_(std::make_unique<toml_section::document_state>()) {
  state_->file = std::move(file);
  try {
    state_->root = toml::parse(text);
  } catch (const toml::parse_error& e) {
    state_->fail(e.source().begin.line, "expected TOML: " + std::string{e.description()});
  }
}

toml_document::~toml_document() = default;

toml_section toml_document::root() {
  return {state_.get(), &state_->root, 0};
}

const std::optional<problem>& toml_document::failure() const noexcept {
  return state_->failure;
}

result<std::string> read_file(const std::string& path) {
  constexpr uintmax_t largest = 16u << 20;
  std::error_code code;
  auto status = std::filesystem::status(path, code);
  if (code || !std::filesystem::exists(status)) {
    return problem{
        path, 0,
        "expected a file, found: " +
            (code ? code : std::make_error_code(std::errc::no_such_file_or_directory)).message()};
  }
  if (std::filesystem::is_directory(status))
    return problem{path, 0, "expected a file, found a folder"};
  errno = 0;
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return problem{path, 0,
                   std::string{"expected a readable file, found: "} + std::strerror(errno)};
  std::string text;
  char block[16'384];
  while (in.read(block, sizeof block), in.gcount() > 0) {
    text.append(block, static_cast<size_t>(in.gcount()));
    if (text.size() > largest) return problem{path, 0, "expected a file of at most 16 MiB"};
  }
  if (in.bad()) return problem{path, 0, "expected a readable file, found a read error"};
  // A problem could be made from a text too, so the result has to be told which one this is.
  return {boost::system::in_place_value, std::move(text)};
}

}  // namespace postern::config
