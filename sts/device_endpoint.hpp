#pragma once
// /device_authorization for devices, /device for the people who hold them (RFC 8628).

#include "sts/services.hpp"

namespace postern::sts {

class device_endpoint {
 public:
  explicit device_endpoint(services& s) : services_(s) {}

  /// POST /device_authorization (RFC 8628, 3.1): the two codes, as JSON.
  runtime::http_response authorize(const incoming& in);

  /// GET /device[?user_code=...]: sign-in first, so that only known users can try codes; then the
  /// code, if it is not in the URL; then the question whether that device may sign in. POST
  /// /device: the decision.
  runtime::http_response handle(const incoming& in);

 private:
  runtime::http_response show(const incoming& in, const session& who);
  runtime::http_response decide(const incoming& in);

  services& services_;
};

}  // namespace postern::sts
