#pragma once
// Words that every problem message of config/ shares, so that files, the admin API and the tool
// speak alike. Internal to config/.

#include <span>
#include <string>
#include <string_view>

namespace postern::config {

/// The text in double quotes, with control characters shown as \xNN and long texts cut: safe on a
/// terminal.
std::string quote(std::string_view text);

/// "expected WHAT, found \"TEXT\"", or "found nothing" if the text is empty.
std::string expected(std::string_view what, std::string_view found);

/// The candidate that was probably meant: at most a third of its letters differ. Empty if none is
/// near.
std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);

/// "unknown key "x"; did you mean "y"?", or a list of the known ones if none is near.
std::string unknown_key(std::string_view key, std::span<const std::string_view> known);

/// The text as a basic string of TOML, quotes included; reads back as the same text.
std::string toml_text(std::string_view text);

}  // namespace postern::config
