#include "sts/pages.hpp"

#include "runtime/encoding.hpp"

namespace postern::sts {

using runtime::html_escape;

namespace {

std::string hidden(std::string_view name, std::string_view value) {
  std::string html = "<input type=\"hidden\" name=\"";
  html += name;
  return html + "\" value=\"" + html_escape(value) + "\">\n";
}

std::string notice_html(std::string_view text) {
  if (text.empty()) return {};
  return "<p class=\"notice\" role=\"alert\" id=\"notice\">" + html_escape(text) + "</p>\n";
}

}  // namespace

std::string to_html(const sign_in_page& p) {
  // The caret goes where typing goes on: to the password when the name is known.
  std::string name_focus = p.typed_name.empty() ? " autofocus" : "";
  std::string password_focus = p.typed_name.empty() ? "" : " autofocus";
  std::string described = p.notice.empty() ? "" : " aria-describedby=\"notice\"";
  std::string html = "<h1>Sign in</h1>\n";
  if (!p.going_to.empty())
    html += "<p>to go on to <strong>" + html_escape(p.going_to) + "</strong></p>\n";
  html += notice_html(p.notice);
  html += "<form method=\"post\" action=\"/sign-in\">\n" + hidden("form", p.form);
  html +=
      "<label for=\"name\">User name</label>\n<input id=\"name\" name=\"name\" type=\"text\" "
      "value=\"" +
      html_escape(p.typed_name) +
      "\" autocomplete=\"username\" autocapitalize=\"none\" autocorrect=\"off\" "
      "spellcheck=\"false\" maxlength=\"64\" required" +
      described + name_focus + ">\n";
  html +=
      "<label for=\"password\">Password</label>\n<input id=\"password\" name=\"password\" "
      "type=\"password\" "
      "autocomplete=\"current-password\" maxlength=\"1024\" required" +
      described + password_focus + ">\n";
  html += "<button type=\"submit\">Sign in</button>\n</form>";
  return html;
}

std::string waiting_time(std::chrono::seconds wait) {
  auto count = wait.count();
  if (count == 1) return "1 second";
  if (count < 90) return std::to_string(count) + " seconds";
  return std::to_string((count + 59) / 60) + " minutes";
}

std::string to_html(const device_code_page& p) {
  std::string html =
      "<h1>Connect a device</h1>\n<p>Type the code that your device or command line shows.</p>\n";
  html += notice_html(p.notice);
  html +=
      "<form method=\"get\" action=\"/device\">\n<label for=\"user_code\">Code</label>\n"
      "<input id=\"user_code\" name=\"user_code\" type=\"text\" value=\"" +
      html_escape(p.typed_code) +
      "\" placeholder=\"XXXX-XXXX\" autocomplete=\"off\" autocapitalize=\"characters\" "
      "autocorrect=\"off\" "
      "spellcheck=\"false\" maxlength=\"12\" required autofocus" +
      (p.notice.empty() ? "" : " aria-describedby=\"notice\"") +
      ">\n<button type=\"submit\">Go on</button>\n</form>";
  return html;
}

std::string to_html(const device_confirmation_page& p) {
  std::string html = "<h1>Let <em>" + html_escape(p.client_name) + "</em> sign in as you?</h1>\n";
  html += "<p>It will be able to act as <strong>" + html_escape(p.user) + "</strong>.</p>\n";
  html += "<p class=\"code\" aria-label=\"Code\">" + html_escape(p.user_code) + "</p>\n";
  html +=
      "<p>Allow it only if you started it yourself, just now, and it shows this very code.</p>\n";
  html += "<dl class=\"facts\"><dt>Program</dt><dd>" + html_escape(p.client_name) + "</dd>";
  if (!p.address.empty()) html += "<dt>Asked from</dt><dd>" + html_escape(p.address) + "</dd>";
  html += "</dl>\n<form method=\"post\" action=\"/device\">\n" + hidden("form", p.form);
  html +=
      "<div class=\"actions\">\n<button type=\"submit\" name=\"decision\" "
      "value=\"allow\">Allow</button>\n"
      "<button type=\"submit\" name=\"decision\" value=\"deny\" "
      "class=\"secondary\">Refuse</button>\n</div>\n</form>";
  return html;
}

std::string to_html(const sign_out_page& p) {
  std::string html = "<h1>Sign out?</h1>\n";
  if (!p.user.empty())
    html += "<p>You are signed in as <strong>" + html_escape(p.user) + "</strong>.</p>\n";
  html += "<form method=\"post\" action=\"/end_session\">\n" + hidden("form", p.form);
  html += "<button type=\"submit\">Sign out</button>\n</form>\n";
  html +=
      "<p class=\"quiet\">Applications that you have open may stay so until you leave them, "
      "too.</p>";
  return html;
}

std::string message_html(std::string_view headline, std::string_view text, bool good) {
  std::string html = "<h1>" + html_escape(headline) + "</h1>\n";
  html += good ? "<p class=\"notice good\" role=\"status\">" : "<p>";
  return html + html_escape(text) + "</p>";
}

}  // namespace postern::sts
