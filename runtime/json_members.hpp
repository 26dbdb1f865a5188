#pragma once
// Reading the members of JSON objects that others have written: tokens, discovery documents,
// problems.

#include <boost/json/object.hpp>

#include <string_view>

namespace postern::runtime {

/// A member that is text; empty if it is absent or something else. A view of the object's own text.
inline std::string_view text_member(const boost::json::object& from,
                                    std::string_view name) noexcept {
  const auto* value = from.if_contains({name.data(), name.size()});
  const auto* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string_view{text->data(), text->size()} : std::string_view{};
}

}  // namespace postern::runtime
