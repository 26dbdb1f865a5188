#pragma once
// Every bound of the provider, with its reason.

#include <chrono>
#include <cstddef>

namespace postern::sts::limits {

/// A form of ours is below 4 KiB; an authorization request with a long state fits four times over.
inline constexpr size_t content = 65'536;
inline constexpr size_t target = 16'384;

/// A value that an application sends for us to echo or to seal into the code (state, nonce, scope);
/// everything together must fit into a redirect that servers with an 8 KiB head accept.
inline constexpr size_t echoed_value = 2'048;

/// No account has a longer name (config/users.hpp), so no more of what is typed is kept or shown
/// again.
inline constexpr size_t name = 64;

/// Longer passwords cost no more to hash, but nobody types them.
inline constexpr size_t password = 1'024;

/// How long a page with a form may stay open before it has to be shown again.
inline constexpr std::chrono::seconds form_lifetime = std::chrono::minutes{30};
/// Tabs opened at the same moment get a form cookie each; more than this are cleared, or the Cookie
/// field would grow.
inline constexpr size_t form_cookies = 20;

/// Codes live a minute: 10,000 are 160 redemptions a second, sustained; then redeeming fails rather
/// than forgetting.
inline constexpr size_t used_codes = 10'000;

/// Sign-outs remembered so that a copied cookie ends with them; the oldest is forgotten first.
inline constexpr size_t signed_out_sessions = 100'000;

/// Failures of one name before the first delay: people mistype, and a password list needs more.
inline constexpr unsigned failures_of_name = 5;
/// Failures from one address before the first delay. An office behind one address mistypes more
/// than one person does and must not be shut out by it; a password tried on many names needs far
/// more.
inline constexpr unsigned failures_of_address = 20;
/// The delay doubles from one second up to this: long enough for guessing to be hopeless, short
/// enough not to call for help.
inline constexpr std::chrono::seconds longest_delay = std::chrono::minutes{15};
/// One failure is forgiven after this, sooner for an address as it may stand for a whole office.
inline constexpr std::chrono::seconds forgive_name_after = std::chrono::minutes{15};
inline constexpr std::chrono::seconds forgive_address_after = std::chrono::minutes{1};
/// Names and addresses remembered; about 20 MiB at most.
inline constexpr size_t lock_out_entries = 100'000;

/// Device sign-ins in flight; each is under 1 KiB and lives ten minutes.
inline constexpr size_t device_grants = 10'000;
/// Of them from one address, so that one sender cannot use up all.
inline constexpr size_t device_grants_per_address = 50;
/// RFC 8628, 3.2: the default of clients that do not read it, and 3.5: what slow_down adds.
inline constexpr std::chrono::seconds device_interval{5};

/// How soon a rotation that the store refused is tried again.
inline constexpr std::chrono::seconds rotation_retry{60};

/// How long clients and proxies may keep discovery and JWKS; far below key_publication_lead.
inline constexpr std::chrono::seconds metadata_max_age{300};

}  // namespace postern::sts::limits
