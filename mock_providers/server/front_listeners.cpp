#include "mock_providers/server/front_listeners.hpp"

#include <optional>

#include "net/tls/tls_context.hpp"

namespace reveille::mock_providers {

result<std::shared_ptr<const tls_context>> front_listeners::make_tls(front f, const certificate_pair& own,
                                                                        const credentials& keys) const {
  tls_server_config config;
  config.certificate_pem = own.certificate_pem;
  config.private_key_pem = own.private_key_pem;
  // APNs asks for a client certificate, and looks at tokens where none comes.
  if (f != front::google) config.client_ca_pem = keys.ca_pem;
  config.alpn = {"h2"};   // APNs refuses HTTP/1.1 while connecting
  if (f == front::google) config.alpn.emplace_back("http/1.1");
  return tls_context::make_server(config);
}

result<void> front_listeners::open(front f, const std::string& address, std::uint16_t port, const credentials& keys) {
  const auto tls = make_tls(f, {keys.server_pem, keys.server_key_pem}, keys);
  if (!tls) return tl::unexpected(tls.error());
  tls_listener_config config;
  config.address = address;
  config.port = port;
  auto made = tls_listener::make(
      io_, time_, *tls, config,
      [this, f](std::string_view alpn, const std::shared_ptr<tls_connection>& self) -> std::unique_ptr<byte_session> {
        const session_context around{*backend_, delayer_, time_};
        if (alpn == "h2") return make_h2_session(around, f, self);
        if (f == front::google) return make_h1_session(around, f, self);
        return nullptr;
      });
  if (!made) return tl::unexpected(made.error());
  listeners_[static_cast<std::size_t>(f)] = std::move(*made);
  return {};
}

void front_listeners::stand(front f, const standing_faults& what, const connection_table& connections, const credentials& keys,
                        const instant& now) {
  standing_faults& before = standing_[static_cast<std::size_t>(f)];
  if (what == before) return;
  const auto admitted = what.admission.value_or(admission_kind::serve);
  at(f)->admit(admitted == admission_kind::silence ? connection_admission::silence
               : admitted == admission_kind::reset ? connection_admission::reset
                                                   : connection_admission::serve);
  if (what.certificate_life != before.certificate_life) show_certificate(f, what.certificate_life, keys, now);
  before = what;
  connections.for_each(f, [&](answering_session& s) { s.stand(what); });
}

void front_listeners::show_certificate(front f, std::optional<seconds> life, const credentials& keys, const instant& now) {
  result<certificate_pair> own = certificate_pair{keys.server_pem, keys.server_key_pem};
  if (life) own = issue_server_certificate(keys, now.wall + *life);
  if (!own) return;   // OpenSSL is out of memory: the old one stays
  if (const auto tls = make_tls(f, *own, keys)) at(f)->use(*tls);
}

tls_listener_counters front_listeners::counters() const {
  tls_listener_counters sum;
  for (const auto& l : listeners_) {
    if (!l) continue;
    sum.accepted += l->counters().accepted;
    sum.handshake_failed += l->counters().handshake_failed;
    sum.open += l->counters().open;
    sum.silent += l->counters().silent;
  }
  return sum;
}

void front_listeners::stop_accepting() {
  for (const auto& l : listeners_) {
    if (l) l->stop_accepting();
  }
}

void front_listeners::abort_all() {
  for (const auto& l : listeners_) {
    if (l) l->abort_all();
  }
}

void front_listeners::close() {
  for (auto& l : listeners_) l.reset();
}

}  // namespace reveille::mock_providers
