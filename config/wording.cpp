#include "config/wording.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace postern::config {

namespace {

constexpr size_t longest_quote = 120;

/// Letters inserted, left out, replaced, or swapped with their neighbour (optimal string
/// alignment).
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  auto above = row;
  auto two_above = row;
  for (size_t i = 1; i <= a.size(); ++i) {
    two_above.swap(above);
    above.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::string quote(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text.substr(0, longest_quote)) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  out += text.size() > longest_quote ? "...\"" : "\"";
  return out;
}

std::string expected(std::string_view what, std::string_view found) {
  std::string out = "expected ";
  out += what;
  out += found.empty() ? ", found nothing" : ", found " + quote(found);
  return out;
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
  std::string_view best;
  // Comparing very long texts would cost time and suggest nothing.
  if (text.size() > 64) return best;
  size_t best_distance = 0;
  for (auto candidate : candidates) {
    size_t d = distance(text, candidate);
    bool near = d <= std::max<size_t>(1, candidate.size() / 3);
    if (near && (best.empty() || d < best_distance)) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

std::string unknown_key(std::string_view key, std::span<const std::string_view> known) {
  std::string out = "unknown key " + quote(key);
  if (auto meant = nearest(key, known); !meant.empty())
    return out + "; did you mean " + quote(meant) + "?";
  out += "; known are";
  for (const char* separator = " "; auto k : known) {
    out += separator;
    out += k;
    separator = ", ";
  }
  return out;
}

std::string toml_text(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (byte < 0x20 || byte == 0x7f) {
      out.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace postern::config
