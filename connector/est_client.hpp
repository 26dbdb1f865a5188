#pragma once
// The connector's side of Enrolment over Secure Transport (RFC 7030), and of configuration pulls,
// which go the same way.

#include "actors/messages.hpp"
#include "connector/service_link.hpp"

#include <string>

namespace postern::connector {

/// The value of an Authorization field for an enrolment token, and for an administrator's access
/// token. Secrets.
std::string token_credentials(std::string_view enrolment_token);
std::string bearer_credentials(std::string_view access_token);

/// Makes a P-256 key and has it signed for a group (RFC 7030, section 4.2). `name` is what people
/// see. Errors: refusal_of() the service's answer; `bad_gateway` "est_malformed"; those of fetch().
runtime::awaitable<runtime::result<identity>> simple_enroll(runtime::shard& home,
                                                            const service_link& link,
                                                            std::string group, std::string name,
                                                            std::string credentials);

/// The same over the certificate of `link`, for the subject of `old` (section 4.2.2).
runtime::awaitable<runtime::result<identity>> simple_reenroll(runtime::shard& home,
                                                              const service_link& link,
                                                              identity old);

/// The authority that issues connectors' certificates, PEM (section 4.1).
runtime::awaitable<runtime::result<std::string>> authority_certificates(runtime::shard& home,
                                                                        const service_link& link);

/// What a pull asks for.
struct pull_request {
  std::string entity_tag;  ///< of the configuration in use; empty: none
  std::string instance;
  std::chrono::milliseconds wait{0};  ///< how long the node may wait for a change
};

/// What it got: a configuration with its tag, or nothing new.
struct pull_answer {
  std::shared_ptr<const actors::connector_configuration> configuration;
  std::string entity_tag;
};

/// Pulls the configuration. Errors: as above, and those of its decoder.
runtime::awaitable<runtime::result<pull_answer>> pull_configuration(runtime::shard& home,
                                                                    const service_link& link,
                                                                    pull_request asked);

}  // namespace postern::connector
