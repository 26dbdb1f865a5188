#pragma once
// How many files and sockets the process may have open.

#include <cstdint>

namespace postern::runtime {

/// Raises the limit as far as the system allows without privileges: the soft limit that service
/// managers and shells begin with (often 1,024) is meant for programs that use select(). Returns
/// what holds now; if it cannot be told, the smallest that systems begin with.
uint64_t raise_descriptor_limit() noexcept;

}  // namespace postern::runtime
