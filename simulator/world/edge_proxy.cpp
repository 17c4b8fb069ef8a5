#include "simulator/world/edge_proxy.hpp"

#include <optional>
#include <string>

#include "core/hash.hpp"
#include "simulator/world/text.hpp"
#include "sip/edit.hpp"

namespace reveille::world {

namespace {

constexpr std::uint16_t default_port = 5060;

/// The same for a request, its repetitions and its CANCEL, as a stateless proxy's must be (RFC 3261 16.11).
std::string branch_of(const sip::message& request) {
  return "z9hG4bKe" + std::to_string(siphash({}, request.top_via().branch));
}

/// @param of a URI or a Via
template <class Place>
std::optional<endpoint> address_of(const Place& of) {
  return parse_address(of.host, of.port != 0 ? of.port : default_port);
}

}  // namespace

edge_proxy::edge_proxy(network& net, ledger& truth, slab_pool& pool, const endpoint& here, const endpoint& engine)
    : net_(net), truth_(truth), pool_(pool), here_(here), engine_(engine) {
  net_.listen(here_, [this](const endpoint& from, std::string_view bytes) { on_datagram(from, bytes); });
}

void edge_proxy::on_datagram(const endpoint& from, std::string_view bytes) {
  const sip::message_ptr m = read(pool_, bytes);
  if (!m) {
    truth_.violation("the edge proxy got something that is no SIP message");
    return;
  }
  if (m->is_request()) {
    forward(*m, from);
  } else {
    send_back(*m);
  }
}

void edge_proxy::forward(const sip::message& request, const endpoint& from) {
  sip::edits changes(request);
  const std::string via = "Via: SIP/2.0/UDP " + here_.text() + ";branch=" + branch_of(request) + "\r\n";
  const std::string path = "Path: <sip:" + here_.text() + ";lr>\r\n";
  changes.insert_before_first_via(via);
  changes.decrement_max_forwards();
  std::optional<endpoint> to = engine_;
  if (from == engine_) {
    if (request.count(sip::header::route) > 0) changes.remove_first_element(sip::header::route);
    const auto target = sip::parse_uri(request.request_uri());
    to = target ? address_of(*target) : std::nullopt;
  } else if (request.method() == sip::method::register_) {
    changes.append(path);
  }
  const sip::packet packet = changes.serialise(pool_);
  if (to && packet.bytes) net_.send(here_, *to, std::string(packet.view()));
}

void edge_proxy::send_back(const sip::message& response) {
  sip::edits changes(response);
  changes.remove_top_via();
  const sip::packet packet = changes.serialise(pool_);
  if (!packet.bytes) return;
  const sip::message_ptr rest = read(pool_, packet.view());
  const auto to = rest ? address_of(rest->top_via()) : std::nullopt;
  if (to) net_.send(here_, *to, std::string(packet.view()));
}

}  // namespace reveille::world
