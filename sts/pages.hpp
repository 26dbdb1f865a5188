#pragma once
// What the pages say: HTML for runtime::html_page, made from plain values. Every text is escaped
// here.

#include <chrono>
#include <string>
#include <string_view>

namespace postern::sts {

/// The sign-in form. Empty texts are left out.
struct sign_in_page {
  std::string form;        ///< of form_guard
  std::string going_to;    ///< what the user will see next, for example an application's name
  std::string notice;      ///< what was wrong with the last attempt
  std::string typed_name;  ///< so that nobody types it twice
};
std::string to_html(const sign_in_page& p);

/// "8 seconds", "2 minutes": how long to wait, for people.
std::string waiting_time(std::chrono::seconds wait);

/// Asks for the code that a device shows.
struct device_code_page {
  std::string notice;
  std::string typed_code;
};
std::string to_html(const device_code_page& p);

/// Asks whether the device that shows this code may sign in as this user.
struct device_confirmation_page {
  std::string form;
  std::string client_name;
  std::string user_code;
  std::string address;  ///< where the device asked from
  std::string user;
};
std::string to_html(const device_confirmation_page& p);

/// Asks whether to sign out.
struct sign_out_page {
  std::string form;
  std::string user;  ///< empty: not known
};
std::string to_html(const sign_out_page& p);

/// A headline and a sentence, as good news or as plain text.
std::string message_html(std::string_view headline, std::string_view text, bool good);

}  // namespace postern::sts
