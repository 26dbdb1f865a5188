#pragma once
// The frame of every page that Postern itself shows: sign-in, device, sign-out (sts/) and refusals
// (edge/). Works without scripts, in light and dark, from a phone to a wide screen; nothing is
// fetched from anywhere.

#include <string>
#include <string_view>

namespace postern::runtime {

/// A whole HTML document. `title` is text and is escaped here; `content_html` goes in as it is, so
/// its author escapes with html_escape. Shaped by the style: h1, p, form with label/input/button,
/// a.button, and these classes:
/// - `notice` a message that must be seen (give it role="alert"), `notice good` for success;
/// - `facts` on a dl: names and values such as source, cause and request id;
/// - `quiet` smaller explanations; `code` a big one-line code; `actions` a row of buttons;
/// `secondary` a lesser button.
std::string html_page(std::string_view title, std::string_view content_html);

/// The Content-Security-Policy that fits html_page: only its own style by hash, no scripts, no
/// frames. `form_action` is the list of form-action sources, for example "'self' https:": Chromium
/// applies it to all redirects that follow the submission of a form, too.
std::string html_page_policy(std::string_view form_action = "'none'");

}  // namespace postern::runtime
