#define CAF_SUITE tunnel
// Which tunnels outlive a registry. The rest is in end_to_end/.
#include "edge/tunnel.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::edge;
using postern::runtime::error_category;

CAF_TEST(a registry that has ended lets nobody in and has nobody cut) {
  for (const auto* cause : {"actor_down", "registry_ended"})
    CAF_CHECK(waits_for_next_registry({error_category::unavailable, cause, "service", {}}));
}

CAF_TEST(a registry that has refused a tunnel or says nothing has it cut) {
  for (const auto* cause : {"connector_revoked", "connector_unknown", "actor_timeout",
                            "actor_error", "store_unavailable", ""})
    CAF_CHECK(!waits_for_next_registry({error_category::unauthenticated, cause, "connector", {}}));
}
