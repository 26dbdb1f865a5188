#pragma once
// Named values under a seal: what cookies, codes and forms of the provider are made of.

#include "runtime/key_ring.hpp"
#include "sts/incoming.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace postern::sts {

/// Seals the fields for one purpose; the text is safe in a cookie, a URL and an HTML attribute.
std::string seal_fields(const runtime::key_ring& ring, const fields& content,
                        std::string_view purpose);

/// None for whatever seal_fields with one of the ring's keys and the same purpose did not make.
std::optional<fields> open_fields(const runtime::key_ring& ring, std::string_view sealed,
                                  std::string_view purpose);

/// A whole number of such a field; none if it is not there or not a number.
std::optional<int64_t> number_of(const fields& content, const std::string& name);

}  // namespace postern::sts
