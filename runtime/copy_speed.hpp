#pragma once
// Keeps libc from its slow way to copy memory. Who uses it: the mains of programs that carry
// content.

#include <optional>
#include <string>
#include <string_view>

namespace postern::runtime {

/// What decides whether glibc has to be told, and how.
struct copy_facts {
  bool amd = false;         ///< the processor is AMD's
  std::string_view glibc;   ///< version, such as "2.36"; empty: another libc
  std::string_view tuning;  ///< what GLIBC_TUNABLES says
};

/// The value for GLIBC_TUNABLES, or none if it may stay as it is. glibc before 2.39 copies 2 KiB
/// and more by `rep movsb`, which on AMD's processors is up to thirty times slower than vector
/// registers where source and destination lie at nearly the same place of a page (glibc bug 30994);
/// buffers of ours, with a frame's head before the content, do. A choice that was made already
/// stays.
std::optional<std::string> better_tuning(const copy_facts& facts);

/// Replaces the process by itself with that value, once, if there is one: glibc reads it before
/// main(). First thing in main(), with no thread and no open file. Goes on as it is if that fails.
void use_fast_copies(char** arguments);

}  // namespace postern::runtime
