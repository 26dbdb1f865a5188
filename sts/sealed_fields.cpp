#include "sts/sealed_fields.hpp"

#include "runtime/encoding.hpp"

#include <charconv>

namespace postern::sts {

std::string seal_fields(const runtime::key_ring& ring, const fields& content,
                        std::string_view purpose) {
  return ring.seal(runtime::make_form(content), purpose);
}

std::optional<fields> open_fields(const runtime::key_ring& ring, std::string_view sealed,
                                  std::string_view purpose) {
  if (sealed.empty()) return std::nullopt;
  auto plain = ring.open(sealed, purpose);
  if (!plain) return std::nullopt;
  return runtime::parse_form(*plain);
}

std::optional<int64_t> number_of(const fields& content, const std::string& name) {
  const auto& text = value_of(content, name);
  int64_t number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || text.empty())
    return std::nullopt;
  return number;
}

}  // namespace postern::sts
