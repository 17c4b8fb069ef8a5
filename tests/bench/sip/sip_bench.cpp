// Cost of the message layer: a REGISTER with RFC 8599 parameters parsed, read and answered; an INVITE parsed and relayed.
// Arguments: part of the names of the measurements to run (default all). Prints ns of this thread's CPU time and heap allocations per operation: the median of rounds.
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "sip/call_ref.hpp"
#include "sip/edit.hpp"
#include "sip/message.hpp"
#include "sip/response.hpp"

namespace {
std::uint64_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

using namespace reveille;
using namespace reveille::sip;

std::uint64_t checksum = 0;  // keeps the work

std::uint64_t cpu_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

const char* wanted = "";  // part of the names to run

template <class Work>
void measure(const char* name, Work&& work) {
  if (std::strstr(name, wanted) == nullptr) return;
  constexpr int rounds = 15;
  constexpr int times = 20'000;
  for (int i = 0; i < times; ++i) work();
  std::vector<double> ns;
  const std::uint64_t allocated = allocations;
  double per_op[rounds];
  for (double& out : per_op) {
    const std::uint64_t begin = cpu_ns();
    for (int i = 0; i < times; ++i) work();
    out = static_cast<double>(cpu_ns() - begin) / times;
  }
  const double allocs = static_cast<double>(allocations - allocated) / (double{rounds} * times);
  std::sort(per_op, per_op + rounds);
  std::printf("%-44s %8.0f ns/op (best %.0f) %6.2f allocations/op\n", name, per_op[rounds / 2], per_op[0], allocs);
}

std::string register_text() {
  std::string text =
      "REGISTER sip:example.com SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 192.0.2.77:49152;branch=z9hG4bK.a8Xq2PzLm;rport\r\n"
      "Max-Forwards: 70\r\n"
      "From: \"Alice Example\" <sip:alice@example.com>;tag=VdM2gTuKq\r\n"
      "To: <sip:alice@example.com>\r\n"
      "Call-ID: 5Uyn3FqXv4-8f21ab@192.0.2.77\r\n"
      "CSeq: 21 REGISTER\r\n"
      "Contact: <sip:alice@192.0.2.77:49152;transport=udp;pn-provider=apns;pn-param=ABCDE12345.com.example.phone.voip;"
      "pn-prid=00fc13adff78512300fc13adff78512300fc13adff78512300fc13adff785123>;"
      "+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";reg-id=1;expires=3600\r\n"
      "Expires: 3600\r\n"
      "Supported: path, outbound, gruu\r\n"
      "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, NOTIFY, INFO, UPDATE, PRACK\r\n"
      "User-Agent: ExamplePhone/5.2.1 (iPhone; iOS 17.4)\r\n"
      "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
      "uri=\"sip:example.com\", response=\"6629fae49393a05397450978507c4ef1\", algorithm=MD5, qop=auth, nc=00000001, "
      "cnonce=\"0a4f113b\"\r\n"
      "Content-Length: 0\r\n\r\n";
  return text;
}

std::string invite_text() {
  const std::string sdp =
      "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"
      "m=audio 49170 RTP/AVP 96 0 8 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
      "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n";
  return "INVITE sip:bob@example.com SIP/2.0\r\n"
         "Via: SIP/2.0/UDP 198.51.100.4:5060;branch=z9hG4bK87asdks7\r\n"
         "Via: SIP/2.0/UDP 192.0.2.77:49152;branch=z9hG4bKnashds8;rport=49152;received=192.0.2.77\r\n"
         "Record-Route: <sip:198.51.100.4;lr>\r\n"
         "Max-Forwards: 69\r\n"
         "From: \"Alice Example\" <sip:alice@example.com>;tag=1928301774\r\n"
         "To: <sip:bob@example.com>\r\n"
         "Call-ID: a84b4c76e66710-5f3c@192.0.2.77\r\n"
         "CSeq: 314159 INVITE\r\n"
         "Contact: <sip:alice@192.0.2.77:49152;transport=udp>\r\n"
         "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, NOTIFY, INFO, UPDATE, PRACK\r\n"
         "Supported: replaces, timer, 100rel\r\n"
         "Session-Expires: 1800\r\n"
         "P-Asserted-Identity: \"Alice\" <sip:alice@example.com>\r\n"
         "User-Agent: ExamplePhone/5.2.1\r\n"
         "Content-Type: application/sdp\r\n"
         "Content-Length: " + std::to_string(sdp.size()) + "\r\n\r\n" + sdp;
}

message_ptr parse(slab_pool& pool, const std::string& text) {
  slab_ptr bytes = pool.take(4096);
  std::memcpy(bytes->data(), text.data(), text.size());
  auto parsed = message::parse(std::move(bytes), text.size(), true);
  if (!parsed) {
    std::fprintf(stderr, "rejected: %.*s\n", static_cast<int>(parsed.error().reason.size()), parsed.error().reason.data());
    std::abort();
  }
  return std::move(*parsed);
}

void touch_params(const params_view& params) {
  params.for_each([](std::string_view name, const std::optional<std::string_view>& value) {
    checksum += name.size() + value.value_or(std::string_view{}).size();
    return true;
  });
}

void touch_register(const message& m) {
  const name_addr_view from = m.from();
  const name_addr_view to = m.to();
  checksum += from.uri.user.size() + to.uri.host.size();
  touch_params(from.params);
  touch_params(to.params);
  m.for_each_element(header::contact, [](std::string_view element) {
    const auto contact = parse_name_addr(element);
    touch_params(contact->uri.params);
    touch_params(contact->params);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) wanted = argv[1];
  slab_pool pool;
  const endpoint source = *parse_endpoint("192.0.2.77:49152");
  const std::string reg = register_text();
  const std::string inv = invite_text();
  std::printf("REGISTER %zu octets, INVITE %zu octets\n", reg.size(), inv.size());

  measure("copy REGISTER into a slab", [&] {
    slab_ptr bytes = pool.take(4096);
    std::memcpy(bytes->data(), reg.data(), reg.size());
    checksum += static_cast<unsigned char>(bytes->data()[checksum % reg.size()]);
  });
  measure("REGISTER parse", [&] { checksum += parse(pool, reg)->via_count(); });
  measure("REGISTER parse + touch", [&] { touch_register(*parse(pool, reg)); });
  measure("REGISTER parse + touch + 200 (target 1500)", [&] {
    const message_ptr m = parse(pool, reg);
    touch_register(*m);
    const packet p = build_response_with(*m, source, 200, "n7Wk2pQx", pool, 512, [&](writer& out) {
      m->for_each_element(header::contact, [&](std::string_view c) { out.line("Contact", c); });
      out.text("Feature-Caps: *;+sip.pns=\"apns\"\r\n");
    });
    checksum += p.size;
  });
  measure("INVITE parse", [&] { checksum += parse(pool, inv)->via_count(); });
  measure("INVITE parse + relay (target 1200)", [&] {
    const message_ptr m = parse(pool, inv);
    edits e(*m);
    e.replace_request_uri("sip:bob@203.0.113.9:40404;transport=udp");
    e.insert_before_first_via(
        "Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK0001c0ffee;rport\r\n"
        "Record-Route: <sip:00aabbccddeeff@203.0.113.1:5060;lr>\r\n");
    e.set_top_via_received(source);
    e.decrement_max_forwards();
    const packet p = e.serialise(pool);
    checksum += p.size;
  });
  measure("INVITE parse + 100 Trying", [&] {
    const message_ptr m = parse(pool, inv);
    checksum += build_response(*m, source, 100, {}, {}, pool).size;
  });
  measure("INVITE compact_copy", [&, m = parse(pool, inv)] { checksum += m->compact_copy()->via_count(); });
  measure("call_ref_of", [&, m = parse(pool, inv)] { checksum += call_ref_of(*m).bytes[0]; });
  std::printf("checksum %llu\n", static_cast<unsigned long long>(checksum));
}
