#pragma once
// Against cross-site request forgery, sign-in included: a form acts only when it comes back from
// the browser it was shown in.

#include "runtime/random_source.hpp"
#include "runtime/wall_clock.hpp"
#include "sts/sealed_fields.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::sts {

/// Issues and checks the hidden field `form` of our pages. It is a sealed text that holds the
/// form's kind, its state, an expiry, and the value of a cookie of the browser
/// ("__Host-postern-form-XXXXXXXX", made before anybody is signed in). Nothing is kept in memory,
/// so a form outlives a restart; tabs opened at once each get a cookie and all of them work.
class form_guard {
 public:
  form_guard(std::shared_ptr<const runtime::key_ring> ring, const runtime::wall_clock& clock,
             runtime::random_source& random)
      : ring_(std::move(ring)), clock_(clock), random_(random) {}

  /// What a page needs to hold a form: the value of the hidden field `form`, and the cookie that
  /// belongs to it. add_cookies() puts the cookie on the answer, and clears others of which there
  /// are too many.
  struct issued {
    std::string form;
    std::string cookie_name;
    std::string cookie_value;
    std::vector<std::string> cookies_to_clear;

    void add_cookies(runtime::http_response& response) const;
  };
  /// `state` comes back from open() as it was given; the browser cannot read or change it.
  issued issue(const incoming& in, std::string_view kind, const fields& state) const;

  struct opened {
    fields state;
    /// False: the seal is ours, but the page is too old or was shown in another browser. Show it
    /// again; act on nothing.
    bool may_act = false;
  };
  /// None: missing, forged, or a form of another kind.
  std::optional<opened> open(const incoming& in, std::string_view kind) const;

 private:
  std::shared_ptr<const runtime::key_ring> ring_;
  const runtime::wall_clock& clock_;
  runtime::random_source& random_;
};

}  // namespace postern::sts
