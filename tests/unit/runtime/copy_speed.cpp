#define CAF_SUITE copy_speed
#include "runtime/copy_speed.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::runtime;

namespace {

std::string tuning(const copy_facts& facts) {
  return better_tuning(facts).value_or("as it is");
}

constexpr const char* told = "glibc.cpu.x86_rep_movsb_threshold=0x40000000";

}  // namespace

CAF_TEST(an old glibc on a processor of AMD is told to copy by vectors) {
  CAF_CHECK_EQUAL(tuning({true, "2.36", ""}), told);
  CAF_CHECK_EQUAL(tuning({true, "2.36", "glibc.malloc.check=1"}),
                  std::string{"glibc.malloc.check=1:"} + told);
}

CAF_TEST(others stay as they are) {
  CAF_CHECK_EQUAL(tuning({false, "2.36", ""}), "as it is");
  CAF_CHECK_EQUAL(tuning({true, "2.39", ""}), "as it is");
  CAF_CHECK_EQUAL(tuning({true, "", ""}), "as it is");
  CAF_CHECK_EQUAL(tuning({true, "2.x", ""}), "as it is");
}

CAF_TEST(a choice that was made stays so that the program starts itself once) {
  CAF_CHECK_EQUAL(tuning({true, "2.36", told}), "as it is");
  CAF_CHECK_EQUAL(tuning({true, "2.36", "glibc.cpu.x86_rep_movsb_threshold=4096"}), "as it is");
}
