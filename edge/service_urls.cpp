#include "edge/edge_context.hpp"

namespace postern::edge {

service_urls make_service_urls(const config::node& options) {
  constexpr uint16_t https_port = 443;
  const auto port =
      options.listen.public_port != 0 ? options.listen.public_port : options.listen.port;
  service_urls urls;
  if (port != https_port) urls.port_suffix = ":" + std::to_string(port);
  urls.service = "https://" + options.names.service + urls.port_suffix;
  urls.admin = "https://" + options.names.admin + urls.port_suffix;
  urls.issuer =
      options.sts.enabled ? "https://" + options.names.sts + urls.port_suffix : options.sts.issuer;
  return urls;
}

}  // namespace postern::edge
