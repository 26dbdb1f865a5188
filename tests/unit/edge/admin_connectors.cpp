#define CAF_SUITE admin_connectors
// Connectors and enrolment tokens, as administrators see and change them.
#include "actors/enrolment_tokens.hpp"
#include "edge/admin_resources.hpp"
#include "tests/unit/edge/admin_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using actors::testing::cause_of;
using edge::samples::contains;
using runtime::error_category;
namespace json = boost::json;

namespace {

using handler = admin_answer (*)(edge_context&, admin_call&);

struct fixture : edge::testing::admin_fixture {
  fixture() {
    enrol("c1");
    enrol("c2");
  }

  bool flag(const std::string& id, const char* key) {
    return content(&get_connector, id).at(key).as_bool();
  }
  std::string refused_token(const json::object& wanted) {
    return cause_of(call(&create_enrolment_token, {}, wanted));
  }
  void check_audited(const char* action, const char* target) {
    const auto found = audited(action);
    CAF_CHECK_EQUAL(found.times, 1u);
    CAF_CHECK_EQUAL(found.last.actor, "ann");
    CAF_CHECK_EQUAL(found.last.target, target);
    CAF_CHECK_EQUAL(found.last.outcome, "success");
  }
};

json::object token_for(const char* group, unsigned uses, const char* lifetime) {
  return {{"group", group}, {"uses", uses}, {"lifetime", lifetime}};
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(admin_connectors_tests, fixture)

CAF_TEST(all that are enrolled are listed connected or not) {
  attach("c2");
  const auto list = content(&list_connectors).at("connectors").as_array();
  CAF_REQUIRE_EQUAL(list.size(), 2u);
  const auto first = list.at(0).as_object(), second = list.at(1).as_object();
  CAF_CHECK_EQUAL(text(first, "id"), "c1");
  CAF_CHECK(!first.at("connected").as_bool());
  CAF_CHECK_EQUAL(text(second, "id"), "c2");
  CAF_CHECK(second.at("connected").as_bool());
}

CAF_TEST(one connector is found by its whole id) {
  CAF_CHECK_EQUAL(text(content(&get_connector, "c1"), "name"), "host of c1");
  for (const auto* id : {"c", "C1", "c11", "host of c1"}) {
    const auto got = call(&get_connector, id);
    CAF_CHECK_EQUAL(cause_of(got), "connector_unknown");
    CAF_CHECK(contains(got.error().detail, id));
  }
}

CAF_TEST(a revoked connector loses its tunnels for good) {
  attach("c1");
  const auto answer = content(&revoke_connector, "c1");
  CAF_CHECK_EQUAL(text(answer, "id"), "c1");
  CAF_CHECK(answer.at("revoked").as_bool());
  CAF_CHECK_EQUAL(cuts->size(), 1u);
  CAF_CHECK(flag("c1", "revoked"));
  CAF_CHECK(!flag("c2", "revoked"));
  check_audited("connector_revoked", "c1");
}

CAF_TEST(a revocation that is asked for twice is one) {
  CAF_REQUIRE(call(&revoke_connector, "c1").has_value());
  CAF_CHECK(call(&revoke_connector, "c1").has_value());
  check_audited("connector_revoked", "c1");
}

CAF_TEST(a revocation that could not be stored is not claimed) {
  medium->read_only = true;
  attach("c1");
  CAF_CHECK_EQUAL(cause_of(call(&revoke_connector, "c1")), "store_failed");
  CAF_CHECK(cuts->empty());
  CAF_CHECK(!flag("c1", "revoked"));
  CAF_CHECK_EQUAL(audited("connector_revoked").times, 0u);
}

CAF_TEST(a drained connector stays so until it is resumed) {
  CAF_CHECK(content(&drain_connector, "c1").at("drained").as_bool());
  CAF_CHECK(flag("c1", "drained"));
  CAF_CHECK(!flag("c2", "drained"));
  check_audited("connector_drained", "c1");
  CAF_CHECK(!content(&resume_connector, "c1").at("drained").as_bool());
  CAF_CHECK(!flag("c1", "drained"));
  check_audited("connector_resumed", "c1");
}

CAF_TEST(a connector moves to a group that there is) {
  apply({.groups = {{"paris"}}, .by = "eve"});
  const auto answer = content(&move_connector, "c1", {{"group", "paris"}});
  CAF_CHECK_EQUAL(text(answer, "group"), "paris");
  CAF_CHECK_EQUAL(text(content(&get_connector, "c1"), "group"), "paris");
  check_audited("connector_moved", "c1");
  CAF_CHECK_EQUAL(cause_of(call(&move_connector, "c1", {{"group", "rome"}})), "group_unknown");
  CAF_CHECK_EQUAL(text(content(&get_connector, "c1"), "group"), "paris");
}

CAF_TEST(a move says where to and nothing else) {
  apply({.groups = {{"paris"}}, .by = "eve"});
  for (const json::object& wanted :
       {json::object{}, json::object{{"group", ""}}, json::object{{"group", 1}},
        json::object{{"group", "paris"}, {"dry_run", true}}})
    CAF_CHECK_EQUAL(cause_of(call(&move_connector, "c1", wanted)), "json_malformed");
  CAF_CHECK_EQUAL(text(content(&get_connector, "c1"), "group"), "berlin");
}

CAF_TEST(nothing is done to a connector that is not enrolled) {
  for (const handler handle :
       {&revoke_connector, &drain_connector, &resume_connector, &move_connector}) {
    const auto got = call(handle, "c3", {{"group", "berlin"}});
    CAF_CHECK_EQUAL(cause_of(got), "connector_unknown");
    CAF_CHECK(got.error().category == error_category::not_found);
  }
  CAF_CHECK_EQUAL(content(&list_connectors).at("connectors").as_array().size(), 2u);
}

CAF_TEST(a revoked connector is neither drained nor moved) {
  CAF_REQUIRE(call(&revoke_connector, "c1").has_value());
  for (const handler handle : {&drain_connector, &resume_connector, &move_connector})
    CAF_CHECK_EQUAL(cause_of(call(handle, "c1", {{"group", "berlin"}})), "connector_revoked");
}

CAF_TEST(a token is shown once and kept as nothing but its hash) {
  const auto made = call(&create_enrolment_token, {}, token_for("berlin", 3, "2h"));
  CAF_REQUIRE(made.has_value());
  CAF_CHECK_EQUAL(made->result_int(), 201u);
  const auto answer = parse(made->body());
  const auto token = text(answer, "token");
  CAF_CHECK_EQUAL(answer.at("uses").to_number<int>(), 3);
  CAF_CHECK_EQUAL(text(answer, "expires"), "2023-11-15T00:13:20Z");
  const auto records = stored(actors::enrolment_token_kind);
  CAF_REQUIRE_EQUAL(records.size(), 1u);
  CAF_CHECK_EQUAL(records[0].key, actors::enrolment_token_key(token));
  CAF_CHECK(!contains(records[0].value, token));
}

CAF_TEST(who made a token is audited and the token is not) {
  const auto token =
      text(content(&create_enrolment_token, {}, token_for("berlin", 1, "1h")), "token");
  const auto found = audited("enrolment_token_issued");
  CAF_REQUIRE_EQUAL(found.times, 1u);
  CAF_CHECK_EQUAL(found.last.actor, "ann");
  CAF_CHECK(!contains(found.last.target + found.last.detail, token));
}

CAF_TEST(tokens are bounded in uses and time) {
  for (const auto& wanted : {token_for("berlin", 0, "1h"), token_for("berlin", 1'001, "1h"),
                             token_for("berlin", 1, "745h"), token_for("berlin", 1, "0s")})
    CAF_CHECK_EQUAL(refused_token(wanted), "enrolment_token_bounds");
  CAF_CHECK(stored(actors::enrolment_token_kind).empty());
  CAF_CHECK_EQUAL(refused_token(token_for("berlin", 1'000, "744h")), "");
  CAF_CHECK_EQUAL(refused_token(token_for("berlin", 1, "1s")), "");
}

CAF_TEST(there are no tokens for a group that there is not) {
  CAF_CHECK_EQUAL(refused_token(token_for("paris", 1, "1h")), "group_unknown");
  CAF_CHECK_EQUAL(refused_token({}), "json_malformed");
  CAF_CHECK(stored(actors::enrolment_token_kind).empty());
}

CAF_TEST(a token that could not be stored is not shown) {
  medium->read_only = true;
  CAF_CHECK_EQUAL(refused_token(token_for("berlin", 1, "1h")), "store_failed");
}

CAF_TEST_FIXTURE_SCOPE_END()
