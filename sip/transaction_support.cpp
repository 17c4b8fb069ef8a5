#include "sip/transaction_support.hpp"

namespace reveille::sip {
namespace {

std::string_view method_key(const message& request) {
  const method m = request.method();
  if (m == method::ack || m == method::cancel) return name_of(method::invite);
  return request.method_text();
}

}  // namespace

std::uint64_t server_fingerprint(const message& request, hash_key key, std::uint64_t sender) {
  const via_view& via = request.top_via();
  // The numbers go in with the key: no hash of their own.
  chained_hash hash({key.k0 ^ sender, key.k1 ^ (std::uint64_t{request.cseq().number} << 16 | via.port)});
  hash.add(method_key(request)).add(request.from_tag()).add(request.call_id());
  if (has_transaction_branch(request)) return hash.add(via.branch).add(via.host).value();
  return hash.add(request.request_uri()).add(via.text).value();
}

}  // namespace reveille::sip
