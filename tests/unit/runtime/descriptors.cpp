#define CAF_SUITE descriptors
// Each case in a process of its own: a limit that was lowered cannot be raised again without
// privileges.
#include "runtime/descriptors.hpp"

#include <caf/test/dsl.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using postern::runtime::raise_descriptor_limit;

namespace {

bool set_limits(rlim_t soft, rlim_t hard) {
  const rlimit limits{soft, hard};
  return ::setrlimit(RLIMIT_NOFILE, &limits) == 0;
}

/// From now on this process may neither change its limits nor, if `blind`, read them.
bool forbid_limits(bool blind) {
  // The third argument of prlimit64 is the new limit: a null pointer only reads.
  const auto new_limit = static_cast<uint32_t>(offsetof(seccomp_data, args) + 2 * sizeof(uint64_t));
  const auto spare = static_cast<uint8_t>(blind ? 1 : 0);
  std::array<sock_filter, 6> program{
      {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 0, 2),
       BPF_STMT(BPF_LD | BPF_W | BPF_ABS, new_limit),
       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, spare, 1),
       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)}};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

/// Whether `holds` in a process of its own.
template <class Condition>
bool holds_in_child(Condition holds) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(holds() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

CAF_TEST(the limit is raised to what the system allows and that is told) {
  CAF_CHECK(holds_in_child([] {
    if (!set_limits(64, 200)) return false;
    const auto told = raise_descriptor_limit();
    rlimit now{};
    return ::getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 200 && now.rlim_max == 200 &&
           told == 200;
  }));
}

CAF_TEST(what is at its height already stays) {
  CAF_CHECK(holds_in_child([] {
    if (!set_limits(200, 200)) return false;
    return raise_descriptor_limit() == 200 && raise_descriptor_limit() == 200;
  }));
}

CAF_TEST(where it may not be raised what held before holds and is told) {
  CAF_CHECK(holds_in_child([] {
    return set_limits(64, 200) && forbid_limits(false) && raise_descriptor_limit() == 64;
  }));
}

CAF_TEST(where it cannot be told the smallest usual one is assumed) {
  CAF_CHECK(holds_in_child([] {
    return set_limits(64, 200) && forbid_limits(true) && raise_descriptor_limit() == 1'024;
  }));
}
