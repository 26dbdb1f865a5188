#pragma once
// What refusals say, in plain words: one row per cause. A new cause gets a row in refusal_text.cpp.

#include "runtime/error.hpp"

#include <string_view>

namespace postern::edge {

struct refusal_text {
  std::string_view cause;
  std::string_view title;  ///< a headline of a few words
  std::string_view text;   ///< what happened, one sentence
  std::string_view next;   ///< what the reader can do now
};

/// The words for a cause; for an unknown one those of its category.
const refusal_text& find_refusal_text(const runtime::error& why) noexcept;

/// What a page calls the part that refused, for example "Sign-in service" for "sts". A source that
/// nobody has named stays as it is.
std::string_view source_name(std::string_view source) noexcept;

}  // namespace postern::edge
