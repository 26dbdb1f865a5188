#include "control/program.hpp"

#include "config/connector.hpp"
#include "config/published.hpp"
#include "config/url.hpp"
#include "control/commands.hpp"
#include "control/device_sign_in.hpp"
#include "control/https_client.hpp"
#include "control/terminal.hpp"
#include "control/token_file.hpp"

#include <chrono>
#include <iostream>
#include <thread>

namespace postern::control {

namespace {

template <class... Handlers>
struct overloaded : Handlers... {
  using Handlers::operator()...;
};

/// What every command needs, made once the command line is known to be right.
struct context {
  config::web_url admin;
  std::string token_file;
  exchange send;
};

outcome<context> make_context(const options& o) {
  auto text = config::parse_service_url(o.admin);
  if (!text) return bad_input("--admin: " + text.error().message);
  auto client = https_client::make({o.ca_file, std::chrono::seconds{o.timeout}});
  if (!client) return client.error();
  context out;
  out.admin = config::parse_web_url(*text).value();
  out.send = [client = std::move(*client)](const config::web_url& where,
                                           runtime::http_request request) {
    return client.send(where, std::move(request));
  };
  if (!o.token_file.empty()) {
    out.token_file = o.token_file;
    return out;
  }
  auto path = default_token_file();
  if (!path) return path.error();
  out.token_file = std::move(*path);
  return out;
}

void show_code(std::ostream& out, const device_authorization& a) {
  out << "Open " << printable(a.verification_uri) << "\nand enter the code "
      << printable(a.user_code) << "\n";
  if (!a.verification_uri_complete.empty()) {
    out << "or open " << printable(a.verification_uri_complete) << "\n";
  }
  out << "Waiting ..." << std::endl;
}

outcome<report> login(const context& c, const streams& io) {
  if (c.token_file == "-")
    return bad_input("login writes the token to a file; --token-file - is none");
  sign_in_seams seams;
  seams.send = c.send;
  seams.sleep = [](std::chrono::seconds d) { std::this_thread::sleep_for(d); };
  seams.show = [&io](const device_authorization& a) { show_code(io.err, a); };
  auto token = sign_in(c.admin, seams);
  if (!token) return token.error();
  if (auto written = write_token(c.token_file, token->access_token); !written)
    return written.error();
  std::string valid;
  if (token->expires_in.count() > 0) valid = " for " + config::format_duration(token->expires_in);
  return report{"signed in" + valid + "; the token is in " + c.token_file + "\n", {}};
}

outcome<report> run_command(const options& o, const streams& io) {
  auto c = make_context(o);
  if (!c) return c.error();
  if (std::holds_alternative<login_command>(o.command)) return login(*c, io);
  admin_client admin{c->send, c->admin, [&] { return read_token(c->token_file, io.in); }};
  return std::visit(
      overloaded{[&](const login_command&) { return login(*c, io); },
                 [&](const apply_command& x) { return apply(x, admin); },
                 [&](const get_command& x) { return get(x, admin); },
                 [&](const delete_command& x) { return erase(x, admin); },
                 [&](const revoke_command& x) { return revoke(x, admin); },
                 [&](const move_command& x) { return control::move(x, admin); },
                 [&](const drain_command& x) { return drain(x, admin); },
                 [&](const resume_command& x) { return resume(x, admin); },
                 [&](const create_token_command& x) { return create_token(x, admin); }},
      o.command);
}

exit_status report_failure(const failure& f, const streams& io) {
  if (f.status == exit_status::success) {
    io.out << f.message;
  } else {
    io.err << "posternctl: " << f.message << "\n";
  }
  return f.status;
}

}  // namespace

exit_status run(int argc, const char* const* argv, const streams& io) {
  auto o = parse_options(argc, argv);
  if (!o) return report_failure(o.error(), io);
  auto done = run_command(*o, io);
  if (!done) return report_failure(done.error(), io);
  io.out << done->text << std::flush;
  io.err << done->note;
  // A full disk or a closed pipe must not look like success.
  return io.out ? exit_status::success : exit_status::refused;
}

}  // namespace postern::control
