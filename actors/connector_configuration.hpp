#pragma once
// What a connector runs by, as it goes over the wire: one JSON object. Written by the edge of a
// node, read by a connector that may be older or newer, so unknown fields are ignored and
// "wire_version" tells the day when that is not enough.

#include "actors/messages.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::actors {

/// Refused by decoders that know another one; raised only when a field changes its meaning.
inline constexpr int64_t connector_wire_version = 1;

/// Room for some ten thousand applications; a longer text is refused unread.
inline constexpr size_t largest_connector_configuration = 8 * 1'024 * 1'024;

/// Bounds of what a node may ask of a connector, so that a defect there does not exhaust it.
inline constexpr uint32_t largest_tunnel_count = 64;
inline constexpr uint32_t largest_exchange_count = 100'000;

/// {"wire_version":1,"version":N,"connector":ID,"group":NAME,"tunnels":N,"exchanges":N,
/// "renew_certificate":BOOL,"drained":true (or not
/// there),"applications":[{"name","internal_url","group","connect_timeout",
/// "response_timeout","idle_timeout","validate_backend_certificate"}]}; durations as text ("85s").
/// Of an application "origin_protocol", "backend_authorities", "backend_server_name" and
/// "backend_client_certificate" are there if they are not the default.
std::string encode_connector_configuration(const connector_configuration& c);

/// The inverse. Fields that an application lacks get their defaults, but name and internal_url must
/// be there; an application with an "origin_protocol" that is not known here is left out. Errors,
/// all `invalid_input`: "configuration_too_large", "configuration_wire_version",
/// "configuration_malformed"; the detail says which field.
runtime::result<connector_configuration> decode_connector_configuration(std::string_view text);

/// Keeps of an application what a connector needs: the rest (users, secrets' file names, the
/// external name) is none of its business.
config::application for_connector(const config::application& a);

/// A number that depends on the content of the applications and nothing else.
uint64_t digest(const std::vector<config::application>& applications);

/// The version of a configuration: a function of its content (`applications` by their digest, the
/// rest from `c`), so that it survives restarts and is the same on every node. Never 0, at most 53
/// bits (JSON numbers, RFC 8259, section 6).
uint64_t content_version(const connector_configuration& c, uint64_t applications);

}  // namespace postern::actors
