#include "runtime/descriptors.hpp"

#include <sys/resource.h>

namespace postern::runtime {

namespace {

constexpr uint64_t usual_limit = 1'024;

}  // namespace

uint64_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return usual_limit;
  const auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

}  // namespace postern::runtime
