#define CAF_SUITE service_urls
#include "edge/edge_context.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern;

namespace {

config::node make_options() {
  config::node n;
  n.names = {"connectors.example", "admin.example", "sts.example"};
  n.listen.port = 8443;
  return n;
}

}  // namespace

CAF_TEST(urls name a port that is not the usual one) {
  const auto urls = edge::make_service_urls(make_options());
  CAF_CHECK_EQUAL(urls.service, "https://connectors.example:8443");
  CAF_CHECK_EQUAL(urls.admin, "https://admin.example:8443");
  CAF_CHECK_EQUAL(urls.issuer, "https://sts.example:8443");
  CAF_CHECK_EQUAL(urls.port_suffix, ":8443");
}

CAF_TEST(the port that users see counts and 443 goes without saying) {
  auto options = make_options();
  options.listen.public_port = 443;
  const auto urls = edge::make_service_urls(options);
  CAF_CHECK_EQUAL(urls.admin, "https://admin.example");
  CAF_CHECK_EQUAL(urls.port_suffix, "");
}

CAF_TEST(an external issuer is taken as it is written) {
  auto options = make_options();
  options.sts.enabled = false;
  options.sts.issuer = "https://login.example/tenant/";
  CAF_CHECK_EQUAL(edge::make_service_urls(options).issuer, "https://login.example/tenant/");
}
