#pragma once
// Text for a terminal: what came over the network must not be able to move the cursor or to fake
// lines.

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace postern::control {

/// The text with every control character (C0, DEL and C1) as "?".
std::string printable(std::string_view text);

/// Columns that people see: UTF-8 sequences count once.
size_t display_width(std::string_view text) noexcept;

/// Rows under titles, each column as wide as its widest cell, two blanks between columns.
class table {
 public:
  explicit table(std::vector<std::string> titles) : rows_{std::move(titles)} {}

  /// As many cells as there are titles; an empty cell is shown as "-".
  void add(std::vector<std::string> cells);
  /// Whether there is no row under the titles.
  bool empty() const noexcept { return rows_.size() == 1; }
  /// One line per row, without blanks at its end.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  ///< the first holds the titles
};

/// JSON with two blanks per level and a final line break. Control characters are escaped as JSON
/// does it.
std::string pretty(const boost::json::value& value);

}  // namespace postern::control
