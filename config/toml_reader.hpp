#pragma once
// Typed reads from TOML (by toml++) that remember the line of everything and refuse what nobody
// asked for. Internal to config/. The first problem counts; reads after it leave their targets
// alone, so a loader reads straight through and looks once at the end.

#include "config/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::config {

/// One table of the document: the root, a [section] or one of [[sections]]. A copyable view; the
/// document must outlive it. Every read marks its key as known; `finish` then refuses the keys that
/// no read has asked for.
class toml_section {
 public:
  /// Each sets `out` if the key is there and of the right type; an absent key leaves the default.
  void read(std::string_view key, std::string& out);
  void read(std::string_view key, bool& out);
  void read(std::string_view key, std::vector<std::string>& out);
  void read(std::string_view key, std::chrono::milliseconds& out);
  /// Bounds are inclusive.
  void read(std::string_view key, std::chrono::seconds& out, std::chrono::seconds least,
            std::chrono::seconds most);
  template <class Number>
  void read(std::string_view key, Number& out, uint64_t least, uint64_t most) {
    if (auto value = whole_number(key, least, most)) out = static_cast<Number>(*value);
  }
  /// One of a few words.
  void read_choice(std::string_view key, std::string& out,
                   std::span<const std::string_view> choices);
  /// The name of a file or folder; a relative one is taken from the folder of the document.
  void read_path(std::string_view key, std::string& out);

  /// The table under a key; an empty one if it is absent.
  toml_section section(std::string_view key);
  /// The tables written as [[key]], in order.
  std::vector<toml_section> sections(std::string_view key);

  /// Refuses unknown keys.
  void finish();

  /// Records a problem at the line of the key, or of the table if the key is absent.
  void fail(std::string_view key, std::string_view message) const;
  bool failed() const;

 private:
  friend class toml_document;
  struct document_state;

  toml_section(document_state* document, const void* table, size_t line)
      : document_(document), table_(table), line_(line) {}
  const void* find(std::string_view key);
  void fail_type(std::string_view key, std::string_view wanted, const void* node) const;
  std::optional<uint64_t> whole_number(std::string_view key, uint64_t least, uint64_t most);
  size_t line_of(std::string_view key) const;

  document_state* document_;
  const void* table_;  ///< toml::table, kept out of this header because toml++ is slow to compile
  size_t line_;
  std::set<std::string, std::less<>> known_;
};

/// A parsed file and the first problem found in it.
class toml_document {
 public:
  /// A syntax error is the document's problem. `file` is for messages and for relative paths.
  toml_document(std::string_view text, std::string file);
  ~toml_document();
  toml_document(const toml_document&) = delete;
  toml_document& operator=(const toml_document&) = delete;

  toml_section root();
  /// The problem, if any read or check has failed.
  const std::optional<problem>& failure() const noexcept;

 private:
  std::unique_ptr<toml_section::document_state> state_;
};

/// The whole file as text; standard input counts as one. Problems: missing, a folder, unreadable,
/// or larger than 16 MiB.
result<std::string> read_file(const std::string& path);

/// Calls parse(text, path) on the content of a file.
template <class Parse>
auto load_with(const std::string& path, Parse parse) -> decltype(parse(std::string_view{}, path)) {
  auto text = read_file(path);
  if (!text) return text.error();
  return parse(std::string_view{*text}, path);
}

}  // namespace postern::config
