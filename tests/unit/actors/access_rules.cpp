#define CAF_SUITE access_rules
#include "actors/access_rules.hpp"

#include "tests/unit/actors/session_samples.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;
namespace config = postern::config;

namespace {

const auto now = postern::runtime::from_unix_seconds(start_of_time);

struct row {
  const char* what;
  void (*change)(access_session&, config::application&);
  access_verdict verdict;
  const char* reason;
};

const row table[] = {
    {"assigned by name", [](auto&, auto&) {}, access_verdict::allow, "assigned"},
    {"assigned by group",
     [](auto& s, auto&) { s.user.name = "bob", s.user.groups = {"other", "staff"}; },
     access_verdict::allow, "assigned"},
    {"not assigned", [](auto& s, auto&) { s.user.name = "bob"; }, access_verdict::deny,
     "not_assigned"},
    {"assigned to nobody", [](auto&, auto& a) { a.assigned.clear(); }, access_verdict::deny,
     "not_assigned"},
    {"a group called like the user", [](auto& s, auto&) { s.user.name = "staff"; },
     access_verdict::deny, "not_assigned"},
    {"another case of the name", [](auto& s, auto&) { s.user.name = "Alice"; },
     access_verdict::deny, "not_assigned"},
    {"an assignment without a name",
     [](auto& s, auto& a) { s.user.name = "", a.assigned = {"user:"}; }, access_verdict::deny,
     "not_assigned"},
    {"the last second", [](auto& s, auto&) { s.expires_at = start_of_time + 1; },
     access_verdict::allow, "assigned"},
    {"expired", [](auto& s, auto&) { s.expires_at = start_of_time; }, access_verdict::sign_in,
     "session_expired"},
    {"expired and not assigned", [](auto& s, auto&) { s.expires_at = 0, s.user.name = "bob"; },
     access_verdict::sign_in, "session_expired"},
    {"made for another application", [](auto& s, auto&) { s.application = "zoo"; },
     access_verdict::sign_in, "session_foreign"},
    {"made by the issuer that the application names",
     [](auto& s, auto& a) { a.issuer = s.user.issuer = "https://login.example"; },
     access_verdict::allow, "assigned"},
    {"made by the issuer that the application had before",
     [](auto& s, auto& a) {
       s.user.issuer = "https://old.example", a.issuer = "https://new.example";
     },
     access_verdict::sign_in, "session_foreign"},
    {"maintenance", [](auto&, auto& a) { a.maintenance = true; }, access_verdict::maintenance,
     "maintenance"},
    {"maintenance with an expired session",
     [](auto& s, auto& a) { a.maintenance = true, s.expires_at = 0; }, access_verdict::maintenance,
     "maintenance"},
    {"passthrough",
     [](auto& s, auto& a) {
       a.preauthentication = config::preauthentication_kind::passthrough;
       s.user.name = "bob";
     },
     access_verdict::allow, "passthrough"},
};

}  // namespace

CAF_TEST(every row of the table is decided so) {
  for (const auto& row : table) {
    auto session = sample_session("s1");
    auto application = sample("wiki");
    row.change(session, application);
    const auto decision = decide(session, application, now);
    CAF_MESSAGE(row.what);
    CAF_CHECK(decision.verdict == row.verdict);
    CAF_CHECK_EQUAL(decision.reason, row.reason);
  }
}
