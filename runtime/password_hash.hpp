#pragma once
// scrypt password hashes (RFC 7914) as one text that carries its own parameters.

#include "runtime/random_source.hpp"

#include <string>
#include <string_view>

namespace postern::runtime {

/// Hashes with N=2^15, r=8, p=1 and a 16-byte salt: about 60 ms and 32 MiB, so only on the blocking
/// pool. The text has the form "$scrypt$ln=15,r=8,p=1$salt$hash" (unpadded base64).
std::string hash_password(std::string_view password, random_source& random);

/// Whether the password fits, compared in constant time; false for a malformed text. As slow as
/// hash_password, for a malformed text too: nobody learns from the time whose hash is damaged.
bool verify_password(std::string_view password, std::string_view text);

/// Does the work of a verification and finds no match: so that an unknown user takes as long as a
/// wrong password.
void waste_password_time(std::string_view password);

}  // namespace postern::runtime
