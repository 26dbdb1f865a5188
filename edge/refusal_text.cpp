#include "edge/refusal_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::edge {

namespace {

using runtime::error_category;

constexpr std::string_view again = "Open the application again and sign in once more.";
constexpr std::string_view soon =
    "Try again in a moment. If it stays, tell your administrator the request number.";
constexpr std::string_view tell = "Tell your administrator the request number.";
constexpr std::string_view bad_token = "The sign-in did not work";
constexpr std::string_view no_answer = "The application does not answer";

constexpr std::array texts{
    // -- the issuer
    refusal_text{"sts_unreachable", "Sign-in is not possible now",
                 "The sign-in service cannot be reached.", soon},
    refusal_text{"sts_busy", "Sign-in is not possible now", "The sign-in service is busy.", soon},
    refusal_text{"sts_denied", "The sign-in was refused",
                 "The sign-in service refused to sign you in.", again},
    refusal_text{"sts_failed", "Sign-in is not possible now",
                 "The sign-in service reported a failure.", soon},
    refusal_text{"sts_malformed", bad_token,
                 "The sign-in service answered something that cannot be used.", tell},
    refusal_text{"sts_client_refused", bad_token,
                 "The sign-in service does not accept this application.", tell},
    refusal_text{"code_refused", bad_token,
                 "The sign-in service did not accept the code that it gave you.", again},
    refusal_text{"issuer_mismatch", bad_token,
                 "The answer came from another sign-in service than the one asked.", again},
    // -- the token, one row for each check
    refusal_text{"token_malformed", bad_token, "The token of the sign-in service cannot be read.",
                 again},
    refusal_text{"token_algorithm", bad_token, "The token is signed in a way that is not allowed.",
                 tell},
    refusal_text{"token_unknown_key", bad_token,
                 "The token is signed with a key that nobody knows.", again},
    refusal_text{"token_signature", bad_token, "The signature of the token does not hold.", again},
    refusal_text{"token_issuer", bad_token, "The token was issued by somebody else.", tell},
    refusal_text{"token_audience", bad_token, "The token was made for another application.", again},
    refusal_text{"token_expired", bad_token, "The token has expired.", again},
    refusal_text{"token_not_yet_valid", bad_token,
                 "The token is not valid yet: the clocks of the two services differ.", tell},
    refusal_text{"token_nonce", bad_token, "The token does not belong to this sign-in.", again},
    refusal_text{"token_replayed", bad_token, "The token has been used before.", again},
    refusal_text{"token_revoked", "Please sign in again",
                 "The token is from before an administrator ended your sessions.", again},
    // -- the attempt
    refusal_text{"attempt_unknown", "This sign-in was not begun here",
                 "This browser did not begin the sign-in, or it was finished before.", again},
    refusal_text{"attempt_expired", "The sign-in took too long",
                 "A sign-in has to be finished within ten minutes.", again},
    refusal_text{"attempt_malformed", bad_token,
                 "The answer of the sign-in service cannot be read.", again},
    // -- who may
    refusal_text{"not_assigned", "Not assigned to you",
                 "You are signed in, but this application is not assigned to you.",
                 "Ask your administrator for access, or sign in as somebody else."},
    refusal_text{"policy", "A policy refuses this",
                 "You are signed in, but an access policy does not allow this request.",
                 "Ask your administrator which condition is not met."},
    refusal_text{"not_signed_in", "Please sign in", "Nobody is signed in.",
                 "Open the application in a browser and sign in."},
    refusal_text{"session_expired", "Please sign in again", "Your session has ended.", again},
    refusal_text{"session_revoked", "Please sign in again",
                 "Your session was ended by an administrator or by signing out.", again},
    refusal_text{"session_foreign", "Please sign in",
                 "Your session belongs to another application or another way to sign in.", again},
    refusal_text{"session_unreadable", "Please sign in again", "Your session cannot be read.",
                 again},
    refusal_text{"seal_malformed", "Please sign in again", "Your session cannot be read.", again},
    refusal_text{"seal_unknown_key", "Please sign in again",
                 "Your session cannot be read any more.", again},
    refusal_text{"seal_forged", "Please sign in again", "Your session cannot be read.", again},
    // -- the application
    refusal_text{"application_unknown", "No such application",
                 "No application is published at this address.",
                 "Check the address, or ask your administrator."},
    refusal_text{"page_unknown", "Nothing here", "There is no such page.", "Check the address."},
    refusal_text{"maintenance", "Closed for maintenance",
                 "The application is closed for maintenance.", "Come back later."},
    // -- the connectors
    refusal_text{"no_connector", no_answer,
                 "No connector that reaches the application is connected.", soon},
    refusal_text{"node_full", "Too much to do",
                 "The service has as many connections as it can take.", soon},
    refusal_text{"queue_full", "Too much to do",
                 "Too many requests wait for the connectors of the application.", soon},
    refusal_text{"queue_overload", "Too much to do",
                 "So many requests wait for the connectors of the application that yours would "
                 "wait too long.",
                 soon},
    refusal_text{"queue_timeout", "Too much to do",
                 "All connectors of the application were busy for too long.", soon},
    refusal_text{"queue_ended", no_answer, "The connectors of the application are being regrouped.",
                 soon},
    refusal_text{"connector_lost", no_answer,
                 "The connection to the connector broke while it worked on your request.",
                 "What you sent may or may not have arrived: look before you send it again."},
    // -- the origin
    refusal_text{"origin_refused", no_answer,
                 "The server of the application refused the connection.", soon},
    refusal_text{"origin_unresolved", no_answer,
                 "The server of the application was not found by its name.", tell},
    refusal_text{"origin_timeout", no_answer,
                 "The server of the application did not answer in time.", soon},
    refusal_text{"origin_certificate", no_answer,
                 "The certificate of the application's server does not hold.", tell},
    refusal_text{"origin_tls", no_answer,
                 "The server of the application does not speak TLS as it should.", tell},
    refusal_text{"origin_client_certificate", no_answer,
                 "The connector lacks the certificate that the application's server asks for.",
                 tell},
    refusal_text{"origin_protocol", no_answer,
                 "The server of the application does not speak HTTP/2, as it should.", tell},
    refusal_text{"origin_malformed", no_answer,
                 "The server of the application answered something that is no HTTP.", tell},
    refusal_text{"origin_closed", no_answer,
                 "The server of the application ended the connection without an answer.", soon},
    // -- the request
    refusal_text{"head_too_large", "The request is too large",
                 "The fields of the request are too large.",
                 "Clear the cookies of this site and try again."},
    refusal_text{"content_too_large", "The request is too large",
                 "The content of the request is too large.", "Send less."},
    refusal_text{"malformed_head", "The request makes no sense",
                 "The request is not well-formed HTTP.", "Check the program that sent it."},
    refusal_text{"malformed_content", "The request makes no sense",
                 "The content of the request is not well-formed.",
                 "Check the program that sent it."},
    refusal_text{"truncated_content", "The request makes no sense",
                 "The content of the request ended too early.", "Try again."},
    refusal_text{"coding_refused", "Not supported",
                 "The request is encoded in a way that is not supported.",
                 "Send it without a transfer coding, or chunked."},
    refusal_text{"expectation_refused", "Not supported",
                 "The request expects something that is not supported.", "Send it without Expect."},
    refusal_text{"method_refused", "Not supported", "Requests with this method are not supported.",
                 "Use another method."},
    refusal_text{"method_not_allowed", "Not supported", "This resource does not have this method.",
                 "Use one of the methods in Allow."},
    refusal_text{"content_type_refused", "Not supported",
                 "The content is not of the media type that is expected.",
                 "Send another Content-Type."},
    refusal_text{"request_timeout", "The request took too long",
                 "The request did not arrive in time.", "Try again."},
    refusal_text{"misdirected", "Ask again",
                 "The connection was made for another address than the one that was asked for.",
                 "Open the address again; if it stays, close the browser first."},
    refusal_text{"too_many_requests", "Too much at once",
                 "Too many requests have come within a second.", "Try again in a moment."},
    // -- enrolment
    refusal_text{"enrolment_token_unknown", "Not enrolled", "The enrolment token is not known.",
                 "Ask an administrator for a new one."},
    refusal_text{"enrolment_token_expired", "Not enrolled", "The enrolment token has expired.",
                 "Ask an administrator for a new one."},
    refusal_text{"enrolment_token_used_up", "Not enrolled", "The enrolment token has been used up.",
                 "Ask an administrator for a new one."},
    refusal_text{"enrolment_token_group", "Not enrolled",
                 "The enrolment token is for another connector group.",
                 "Name the token's group, or none."},
    refusal_text{"group_missing", "Not enrolled",
                 "The request does not say which connector group to join.",
                 "Put the group's name before the operation: /.well-known/est/GROUP/simpleenroll."},
    refusal_text{"group_unknown", "No such group", "There is no such connector group.",
                 "Check its name."},
    refusal_text{"csr_malformed", "Not signed", "The certificate request cannot be read.",
                 "Send PKCS #10 in DER, encoded in base64."},
    refusal_text{"csr_signature", "Not signed",
                 "The certificate request is not signed by its own key.", "Make it anew."},
    refusal_text{"csr_weak_key", "Not signed", "The key is of a kind or size that is not accepted.",
                 "Use P-256, or RSA with 2,048 bits or more."},
    refusal_text{"csr_foreign_subject", "Not signed",
                 "The certificate request asks for a name that it may not have.",
                 "Ask for a plain common name, or for the one that the certificate has."},
    refusal_text{"certificate_expired", "The certificate has expired",
                 "The client certificate has expired.", "Enrol the connector again."},
    refusal_text{"certificate_not_yet_valid", "The certificate is not valid yet",
                 "The client certificate is not valid yet.", "Set the clock."},
    refusal_text{"certificate_unknown", "The certificate is not known",
                 "The client certificate is not one that this connector was given.",
                 "Enrol the connector again."},
    refusal_text{"connector_unknown", "No such connector", "There is no such connector.",
                 "Enrol it."},
    refusal_text{"connector_revoked", "The connector was revoked", "The connector was revoked.",
                 "Enrol it again if it should come back."},
    // -- the service
    refusal_text{"node_unknown", "No such node", "There is no such node in the cluster.",
                 "Look at `posternctl get nodes`."},
    refusal_text{"node_unreachable", "The node is not connected",
                 "The node that answers is not connected with that node.",
                 "Ask it itself, or stop it where it runs."},
    refusal_text{"not_administrator", "For administrators only",
                 "You are signed in, but you are not an administrator.",
                 "Ask for membership in the administrators' group."},
    refusal_text{"credentials_missing", "Who are you?",
                 "The request carries neither a token nor a password.", "Sign in first."},
    refusal_text{"certificate_missing", "No certificate",
                 "The request needs the client certificate of a connector.",
                 "Enrol the connector."},
    refusal_text{"store_unavailable", "Not possible now",
                 "The service cannot read or write its records now.", soon},
};

constexpr refusal_text for_category(error_category category) noexcept {
  switch (category) {
    case error_category::invalid_input:
      return {{},
              "The request makes no sense",
              "The request cannot be understood.",
              "Check what was sent."};
    case error_category::unauthenticated:
      return {{}, "Please sign in", "What proves who you are is missing or does not hold.", again};
    case error_category::forbidden:
      return {{}, "Not allowed", "You may not do this.", "Ask your administrator for access."};
    case error_category::not_found:
      return {{}, "Nothing here", "There is no such thing.", "Check the address."};
    case error_category::conflict:
      return {{},
              "Somebody was faster",
              "It was changed in the meantime.",
              "Look at it again and repeat the change."};
    case error_category::too_large:
      return {{}, "Too large", "The request is too large.", "Send less."};
    case error_category::overloaded:
      return {{}, "Too much to do", "The service is busy.", soon};
    case error_category::unavailable:
      return {{}, "Not possible now", "A part of the service is not available now.", soon};
    case error_category::bad_gateway:
      return {{}, no_answer, "The next server gave no usable answer.", soon};
    case error_category::timeout:
      return {{}, no_answer, "The next server did not answer in time.", soon};
    case error_category::none:
    case error_category::internal:
      break;
  }
  return {{}, "Something went wrong", "This is a mistake of the service, not yours.", soon};
}

constexpr size_t category_count = static_cast<size_t>(error_category::internal) + 1;

constexpr auto category_texts = []<size_t... I>(std::index_sequence<I...>) {
  return std::array{for_category(static_cast<error_category>(I))...};
}(std::make_index_sequence<category_count>{});

constexpr std::pair<std::string_view, std::string_view> sources[]{
    {"sts", "Sign-in service"},
    {"token", "Check of the sign-in token"},
    {"sign_in", "Sign-in"},
    {"session", "Session"},
    {"assignment", "Assignment"},
    {"policy", "Access policy"},
    {"application", "Published applications"},
    {"connector_group", "Connector group"},
    {"connector", "Connector"},
    {"origin", "The application's server"},
    {"request", "Check of the request"},
    {"enrolment", "Enrolment"},
    {"administration", "Administration"},
    {"configuration", "Configuration"},
    {"service", "Postern"},
};

}  // namespace

const refusal_text& find_refusal_text(const runtime::error& why) noexcept {
  const auto* known = std::ranges::find(texts, why.cause, &refusal_text::cause);
  if (known != texts.end()) return *known;
  return category_texts[std::min(static_cast<size_t>(why.category), category_count - 1)];
}

std::string_view source_name(std::string_view source) noexcept {
  if (source.empty()) source = "service";
  for (const auto& [name, words] : sources)
    if (name == source) return words;
  return source;
}

}  // namespace postern::edge
