// Datagrams that are no SIP, or SIP made to be costly to read.
#include <algorithm>

#include "tests/hostile/attack.hpp"
#include "tests/hostile/sip_requests.hpp"

namespace reveille::hostile {

namespace {

constexpr std::size_t largest_datagram = 65507;
constexpr std::size_t long_line = 16 * 1024;
constexpr std::size_t read_value = 3900;      ///< within all bounds
constexpr std::size_t refused_value = 15000;  ///< over the bound on a value, within that on all headers

std::string random_octets(assault& a, std::size_t count) {
  std::string out(count, '\0');
  for (char& c : out) c = static_cast<char>(a.random()());
  return out;
}

void send_random(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  while (a.next(5000)) s.send(random_octets(a, 1 + a.random()() % 1200));
}

/// An OPTIONS or INVITE with one line more, or one line wrong.
std::string with_line(assault& a, const std::string& via, const std::string& line) {
  request_text r;
  r.method = a.random()() % 2 == 0 ? "OPTIONS" : "INVITE";
  r.uri = aor_of("nobody" + std::to_string(a.random()() % 1000));
  r.via = via;
  r.number = a.random()();
  r.lines = line;
  return r.text();
}

/// Our own mistakes in the manner of RFC 4475: each is a message that a reader may trip over.
std::vector<std::string> torture(assault& a, const std::string& via) {
  std::vector<std::string> out;
  for (const std::string line : {
           "Content-Length: 99999999999999999999\r\n", "Content-Length: -1\r\n", "CSeq: 4294967296 INVITE\r\n",
           "Via: SIP/2.0/UDP ;branch=\r\n", "Via: SIP/2.0/UDP [::1:5060;branch=z9hG4bK\r\n", "To: <sip:a@b\r\n",
           "From: \"unclosed <sip:a@example.com>;tag=1\r\n", "Contact: <sip:a@b>;q=1.9999;expires=1e9\r\n",
           "Contact: *, <sip:a@b>\r\n", "Max-Forwards: 256\r\n", "Max-Forwards: -1\r\n", "Route: <sip:>, <>, ,,\r\n",
           "Route: <sip:a%00b@127.0.0.1;lr>\r\n", "Record-Route: sip:no-brackets;lr\r\n", "Expires: 0x10\r\n",
           "Supported:\r\nSupported: ,,,\r\n", ": no name\r\n", "no colon\r\n", " folded from nothing\r\n",
           "Subject: one\r\n two\r\n\tthree\r\n", "Require: \xff\xfe\r\n", "Authorization: Digest username=\"\\\"\r\n"}) {
    out.push_back(with_line(a, via, line));
  }
  std::string plain = with_line(a, via, "");
  out.push_back(plain.substr(0, plain.size() / 2));
  out.push_back(plain.substr(0, plain.size() - 2));
  std::string other = plain;
  other.replace(other.find("SIP/2.0"), 7, "SIP/7.0");
  out.push_back(other);
  std::string bare = plain;
  bare.erase(std::remove(bare.begin(), bare.end(), '\r'), bare.end());
  out.push_back(bare);
  out.push_back("\r\n\r\n" + plain);
  out.push_back("SIP/2.0 999 Odd\r\n\r\n");
  out.push_back("SIP/2.0 200 OK\r\n" + plain.substr(plain.find("\r\n") + 2));
  out.push_back("INVITE\tsip:a@example.com\tSIP/2.0\r\n" + plain.substr(plain.find("\r\n") + 2));
  return out;
}

void send_torture(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  std::vector<std::string> set = torture(a, s.local());
  for (std::size_t i = 0; a.next(2000); ++i) {
    if (i % set.size() == 0) set = torture(a, s.local());
    s.send(set[i % set.size()]);
  }
}

void send_large(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  while (a.next(500)) {
    std::string text = with_line(a, s.local(), "");
    text.resize(largest_datagram, 'x');
    s.send(text);
  }
}

void send_pairs(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  std::string pairs;
  while (pairs.size() < long_line) pairs += std::string("\\\0", 2);
  while (a.next(20)) s.send(with_line(a, s.local(), "Contact: \"" + pairs + "\" <sip:a@example.net>\r\n"));
}

void send_lines(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  std::string lines;
  for (int i = 0; i < 10000; ++i) lines += "a: b\r\n";
  while (a.next(200)) s.send(with_line(a, s.local(), lines));
}

/// Each form of header, filled with what a scanner may walk again and again.
void send_forms(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  constexpr const char* fillers[] = {",", "<", "\"", "\\", ";a=", "; ", "%", "%41", "=", "<>", "\"\\\"", "@", ":", "\r\n ", "?a=b&", "()"};
  constexpr const char* headers[] = {"Contact", "Route", "Via", "To", "Record-Route", "Supported", "Path", "P-Asserted-Identity", "Subject"};
  for (std::size_t i = 0; a.next(50); ++i) {
    std::string value;
    // Every second one stays within the bound on one value, so that it is read to its end.
    while (value.size() < (i % 2 == 0 ? read_value : refused_value)) value += fillers[i / 2 % std::size(fillers)];
    s.send(with_line(a, s.local(), std::string(headers[i / 2 / std::size(fillers) % std::size(headers)]) + ": " + value + "\r\n"));
  }
}

const attack all[] = {
    {.name = "random", .what = "random octets, 1 to 1200 in a datagram", .run = send_random},
    {.name = "torture", .what = "thirty malformed messages in the manner of RFC 4475", .run = send_torture},
    {.name = "large", .what = "datagrams of 64 KB, mostly body", .run = send_large},
    {.name = "pairs", .what = "a quoted string of 16 KB of backslash and NUL pairs", .run = send_pairs},
    {.name = "lines", .what = "messages of 10,000 header lines", .run = send_lines},
    {.name = "forms", .what = "4 to 15 KB of commas, quotes, brackets, escapes, folds in each header that is read", .run = send_forms},
};

}  // namespace

std::span<const attack> datagram_attacks() { return all; }

}  // namespace reveille::hostile
