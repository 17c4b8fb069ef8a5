#include "sip/transaction_support.hpp"

namespace reveille::sip {
namespace {

std::string_view method_key(const message& request) {
  const method m = request.method();
  if (m == method::ack || m == method::cancel) return name_of(method::invite);
  return request.method_text();
}

}  // namespace

std::uint64_t server_fingerprint(const message& request, hash_key key) {
  const via_view& via = request.top_via();
  chained_hash hash(key);
  hash.add(method_key(request));
  if (has_transaction_branch(request)) {
    return hash.add(via.branch).add(via.host).add(via.port).value();
  }
  return hash.add(request.request_uri())
      .add(request.from_tag())
      .add(request.call_id())
      .add(request.cseq().number)
      .add(via.text)
      .value();
}

}  // namespace reveille::sip
