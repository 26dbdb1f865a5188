#include "actors/enrolment_rules.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::actors {

namespace {

using runtime::error_category;
using runtime::result;

constexpr std::array<std::string_view, 3> curves{"P-256", "P-384", "P-521"};
constexpr unsigned smallest_rsa = 2'048;
/// A larger modulus is no safer in practice, and makes every handshake pay for it.
constexpr unsigned largest_rsa = 8'192;
constexpr size_t longest_common_name = 64;

bool is_display_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_common_name &&
         std::ranges::none_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

runtime::error enrolment_error(error_category category, std::string cause, std::string detail) {
  return {category, std::move(cause), "enrolment", std::move(detail)};
}

result<void> check_key(const runtime::request_info& request) {
  if (request.key_type == "EC" && std::ranges::find(curves, request.curve) != curves.end())
    return {};
  if (request.key_type == "RSA" && request.key_bits >= smallest_rsa &&
      request.key_bits <= largest_rsa)
    return {};
  return enrolment_error(
      error_category::invalid_input, "csr_weak_key",
      request.key_type + ' ' + request.curve + ' ' + std::to_string(request.key_bits) + " bits");
}

result<void> check_enrolment_subject(const runtime::request_info& request) {
  if (request.attributes.empty() && is_display_name(request.common_name)) return {};
  return enrolment_error(error_category::invalid_input, "csr_foreign_subject", request.subject);
}

result<void> check_renewal_subject(const runtime::request_info& request,
                                   const runtime::certificate_info& old) {
  const bool same_subject = request.subject == old.subject;
  const bool only_id = request.attributes.empty() && request.common_name == old.common_name;
  if (same_subject || only_id) return {};
  return enrolment_error(error_category::forbidden, "csr_foreign_subject", request.subject);
}

result<void> check_renewal(const runtime::certificate_info& old, const connector_record& record,
                           timestamp now) {
  const auto refuse = [&](const char* cause) {
    return enrolment_error(error_category::forbidden, cause, old.serial + " of " + record.id);
  };
  if (now >= old.not_after) return refuse("certificate_expired");
  if (now < old.not_before) return refuse("certificate_not_yet_valid");
  if (record.revoked) return refuse("connector_revoked");
  if (record.id != old.common_name ||
      std::ranges::find(record.serials, old.serial) == record.serials.end())
    return refuse("certificate_unknown");
  return {};
}

}  // namespace postern::actors
