#include "samples.hpp"

#include <initializer_list>
#include <stdexcept>

#include "make_message.hpp"
#include "sip/reject.hpp"

namespace reveille::sip {
namespace {

std::string join(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out.append(part);
  return out;
}

std::string head(std::string_view start, std::string_view method) {
  return join({start,
               "\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKabc\r\n"
               "From: <sip:ann@example.com>;tag=f1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c1@192.0.2.10\r\nCSeq: 7 ",
               method, "\r\n"});
}

/// request_with(), one thing changed.
std::string changed(std::string_view from, std::string_view to, std::string_view method = "OPTIONS") {
  std::string text = request_with("Max-Forwards: 70\r\n", method);
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("nothing to change: " + std::string(from));
  return text.replace(at, from.size(), to);
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

std::string request_with(std::string_view lines, std::string_view method) {
  return join({head(join({method, " sip:bob@example.com SIP/2.0"}), method), lines, "Content-Length: 0\r\n\r\n"});
}

std::vector<good_sample> good_samples() {
  using namespace std::string_literals;
  std::vector<good_sample> out;
  const auto add = [&](std::string_view name, std::string_view octets) {
    out.push_back({std::string(name), std::string(octets)});
  };

  add("folded, compact, odd case and blanks", with_crlf(R"(INVITE sip:desk@pbx.example.com;flag SIP/2.0
tO :
 sip:desk@pbx.example.com ;   tag    = 77n
f  : "Q \\\""      <sip:quincy@example.com>
  ;
  tag = 42x
mAx-fOrwArds: 0068
i: fold.1@192.0.2.1
Content-Length   : 4
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=oldbranch
s :
X-New:   one value
	continued
X-Odd: ;;,,;;,;
Route:
 <sip:edge.example.com;lr;unknown=1;flag>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK3
m:"Two \"\"" <sip:quincy@example.com> ; p =
      v ;
  second ; q = 0.33

body)"));
  add("every character that a token, a user and a quoted string may hold",
      "!odd-Method_*+`.%'~ sip:u_.!~*'()&=+$,;?/:pw&=+$,@example.com SIP/2.0\r\n"
      "Via: SIP/2.0/TCP h1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
      "To: \"BEL:\\\x07 NUL:\\"s + '\0' + " DEL:\\\x7f\" <sip:a@example.com>\r\n"
      "From: t1~` t2'+_ t3*%!.- <sip:m@example.com>;p''~+*_!.-%=\"\xd1\x80\xd0\xb0\";tag=_t~1'+`*%!-.\r\n"
      "Call-ID: w%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\nCSeq: 139122385 !odd-Method_*+`.%'~\r\nMax-Forwards: 255\r\n"
      "ext-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7\r\nContent-Length: 0\r\n\r\n");
  add("escapes in the user part", changed("sip:bob@example.com SIP", "sip:sips%3Auser%40example.com@example.net SIP"));
  add("escaped NUL", request_with("Contact: <sip:%00@h.example.com>\r\nContact: <sip:%00%00@h.example.com>\r\n"));
  add("percent in method and field name",
      head("RE%47IST%45R sip:example.com SIP/2.0", "RE%47IST%45R") + "C%6Fntact: <sip:x@y>\r\nl: 0\r\n\r\n");
  add("no blank before the bracket", changed("From: <sip:ann", "From: ann<sip:ann"));
  add("a datagram with octets to spare", request_with("") + "INVITE sip:joe@example.com SIP/2.0\r\n");
  add("semicolons in the user part", changed("sip:bob@example.com SIP", "sip:user;par=u%40example.net@example.com SIP"));
  add("unknown transports", request_with("Via: SIP/2.0/SCTP a.example.com;branch=z9hG4bK1\r\n"
                                         "Via: SIP/2.0/TLS b.example.com, SIP/2.0/UNKNOWN c.example.com\r\n"));
  add("binary body", head("MESSAGE sip:bob@example.com SIP/2.0", "MESSAGE") + "Content-Length: 6\r\n\r\n" + "a\0\r\n\nb"s);
  add("reason phrase in UTF-8", head("SIP/2.0 200 = 2**3 \xd0\xbd\xd0\xbe", "INVITE") + "\r\n");
  add("no reason phrase", head("SIP/2.0 100 ", "INVITE") + "Content-Length: 0\r\n\r\n");
  add("another version", head("OPTIONS sip:bob@example.com SIP/7.0", "OPTIONS") + "\r\n");
  add("CSeq of another method", head("OPTIONS sip:bob@example.com SIP/2.0", "INVITE") + "\r\n");
  add("a cookie and nothing behind it", changed("branch=z9hG4bKabc", "branch=z9hG4bK"));
  add("opaque Request-URI", changed("sip:bob@example.com SIP", "soap.beep://192.0.2.103:3002 SIP"));
  add("opaque To and From",
      "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKk\r\nTo: isbn:2983792873\r\n"
      "From: <http://www.example.com>;tag=3\r\nCall-ID: o@h\r\nCSeq: 2 REGISTER\r\nContact: <name:John_Smith>\r\nl: 0\r\n\r\n");
  add("an invalid date is nobody's business", request_with("Date: Fri, 01 Jan 2010 16:00:00 EST\r\n"));
  add("a broadcast Via", head("SIP/2.0 200 OK", "INVITE") + "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKs\r\n\r\n");
  add("no hops left", request_with("Max-Forwards: 0\r\n"));
  add("header parameter of a Contact", request_with("Contact: sip:+1@gw.example.net;unknown\r\n", "REGISTER"));
  add("URI parameter of a Contact", request_with("Contact: <sip:+1@gw.example.net;unknown>\r\n", "REGISTER"));
  add("URI headers of a Contact", request_with("M: <sip:u@example.com?Route=%3Csip:x.example.com%3E>\r\n", "REGISTER"));
  add("unknown authorization scheme", request_with("Authorization: NoOneKnows opaque-data=here\r\n", "REGISTER"));
  add("RFC 2543", "INVITE sip:UserB@example.com SIP/2.0\r\nVia: SIP/2.0/UDP gw.example.com\r\n"
                  "From: <sip:+1@gw.example.net;user=phone>\r\nRecord-Route: <sip:UserB@example.com;maddr=ss1.example.com>\r\n"
                  "To: sip:+2@ss1.example.net;user=phone\r\nCall-ID: i.1@gw.example.com\r\nCSeq: 56 INVITE\r\n\r\nv=0\r\n");
  add("34 Vias and long values", request_with(repeated("v : SIP/2.0/TCP sip.example.com\r\n", 33) + "X-" + std::string(120, 'a') +
                                              ": " + std::string(4000, 'b') + "\r\n"));
  add("star", request_with("Contact: *\r\nExpires: 0\r\n", "REGISTER"));
  add("Expires beyond any number", request_with("Expires: " + std::string(100, '9') + "\r\n"));
  add("leading empty lines", "\r\n\r\n" + request_with(""));
  add("empty Supported", request_with("Supported:\r\nSubject:   \r\n"));
  add("IPv6 everywhere", changed("192.0.2.10:5060", "[2001:db8::9:1];received=[2001:db8::9:255]"));
  return out;
}

std::vector<bad_sample> bad_samples() {
  using namespace std::string_literals;
  std::vector<bad_sample> out;
  const auto add = [&](std::string_view name, std::string_view octets, int status, std::string_view reason) {
    out.push_back({std::string(name), std::string(octets), status, reason});
  };
  // Lines
  add("CRLFs alone", "\r\n\r\n", 0, reasons::empty);
  add("one octet", "x", 0, reasons::no_empty_line);
  add("bare LF", changed("Max-Forwards: 70\r\n", "Max-Forwards: 70\n"), 400, reasons::bare_lf);
  add("bare CR", changed("Max-Forwards: 70\r\n", "X: a\rb\r\n"), 400, reasons::bare_cr);
  add("CR CR LF", changed("Max-Forwards: 70\r\n", "X: a\r\r\n"), 400, reasons::bare_cr);
  add("NUL in a value", changed("Max-Forwards: 70\r\n", "X: a\0b\r\n"s), 400, reasons::nul);
  add("NUL after a backslash outside quotes", changed("Max-Forwards: 70\r\n", "X: a\\\0b\r\n"s), 400, reasons::nul);
  add("NUL after an escaped backslash", changed("Max-Forwards: 70\r\n", "X: \"\\\\\0\"\r\n"s), 400, reasons::nul);
  add("NUL in the start line", "OPTIONS sip:\0 SIP/2.0\r\n\r\n"s, 0, reasons::nul);
  add("BEL in a value", changed("Max-Forwards: 70\r\n", "X: a\ab\r\n"s), 400, reasons::control_character);
  add("DEL behind a quoted-pair", changed("Max-Forwards: 70\r\n", "X: \"\\\x7f\x7f\"\r\n"s), 400, reasons::control_character);
  add("ESC in the start line", "OPTIONS sip:\x1b SIP/2.0\r\n\r\n"s, 0, reasons::control_character);
  add("no empty line", changed("Content-Length: 0\r\n\r\n", "Content-Length: 0\r\n"), 400, reasons::no_empty_line);
  add("folded start line", changed("SIP/2.0\r\n", "\r\n SIP/2.0\r\n"), 400, reasons::folded_start_line);
  add("line without colon", changed("Max-Forwards: 70", "Max-Forwards 70"), 400, reasons::field_name);
  add("empty field name", changed("Max-Forwards: 70", ": 70"), 400, reasons::field_name);
  add("field name that is no token", changed("Max-Forwards: 70", "X(Y): 70"), 400, reasons::field_name);
  // Start lines
  add("two blanks", changed("OPTIONS sip", "OPTIONS  sip"), 400, reasons::start_line);
  add("blank at the start", " " + request_with(""), 0, reasons::start_line);
  add("blanks at the end", changed("SIP/2.0\r\n", "SIP/2.0  \r\n"), 400, reasons::start_line);
  add("blank in the URI", changed("example.com SIP", "example.com; lr SIP"), 400, reasons::start_line);
  add("no version", changed(" SIP/2.0\r\n", "\r\n"), 400, reasons::start_line);
  add("other protocol", changed("SIP/2.0\r\n", "HTTP/1.1\r\n"), 400, reasons::start_line);
  add("version without dot", changed("SIP/2.0\r\n", "SIP/20\r\n"), 400, reasons::start_line);
  add("URI in brackets", changed("sip:bob@example.com SIP", "<sip:bob@example.com> SIP"), 400, reasons::request_uri);
  add("URI with headers", changed("example.com SIP", "example.com?Route=%3Csip:x%3E SIP"), 400, reasons::request_uri);
  add("URI without scheme", changed("sip:bob@example.com SIP", "bob@example.com SIP"), 400, reasons::request_uri);
  add("status 4294967301", head("SIP/2.0 4294967301 better not", "INVITE") + "\r\n", 0, reasons::status_code);
  add("status 099", head("SIP/2.0 099 x", "INVITE") + "\r\n", 0, reasons::status_code);
  add("status 700", head("SIP/2.0 700 x", "INVITE") + "\r\n", 0, reasons::status_code);
  add("status without phrase and blank", head("SIP/2.0 200", "INVITE") + "\r\n", 0, reasons::start_line);
  // Presence
  add("no Via", changed("Via: SIP", "X-Via: SIP"), 0, reasons::missing_via);
  add("no From", changed("From: ", "X-From: "), 400, reasons::missing_from);
  add("no To", changed("To: ", "X-To: "), 400, reasons::missing_to);
  add("no Call-ID", changed("Call-ID: ", "X-Call-ID: "), 400, reasons::missing_call_id);
  add("no CSeq", changed("CSeq: ", "X-CSeq: "), 0, reasons::missing_cseq);
  add("two From", request_with("f: <sip:x@y>;tag=2\r\n"), 400, reasons::duplicate_from);
  add("two To", request_with("t: <sip:x@y>\r\n"), 400, reasons::duplicate_to);
  add("two Call-ID", request_with("i: x\r\n"), 400, reasons::duplicate_call_id);
  add("two CSeq", request_with("CSeq: 7 OPTIONS\r\n"), 400, reasons::duplicate_cseq);
  add("two Max-Forwards", request_with("Max-Forwards: 7\r\nMax-Forwards: 7\r\n"), 400, reasons::duplicate_max_forwards);
  add("two Content-Length, equal", request_with("l: 0\r\n"), 400, reasons::duplicate_content_length);
  add("two Content-Type", request_with("c: a/b\r\nContent-Type: a/b\r\n"), 400, reasons::duplicate_content_type);
  add("two Expires", request_with("Expires: 1\r\nExpires: 1\r\n"), 400, reasons::duplicate_expires);
  // Values
  add("separators in a Via", changed(";branch=z9hG4bKabc", ";;,;,,"), 0, reasons::via);
  add("second Via malformed", request_with("Via: SIP/2.0/UDP\r\n"), 400, reasons::via);
  add("comma behind the last Via", request_with("Via: SIP/2.0/UDP h,\r\n"), 400, reasons::via);
  add("open quote", changed("From: <sip:ann", "From: \"Ann <sip:ann"), 400, reasons::from);
  add("From is a list", changed(";tag=f1", ";tag=f1, <sip:x@y>"), 400, reasons::from);
  add("empty tag", changed(";tag=f1", ";tag="), 400, reasons::from);
  add("quoted tag", changed(";tag=f1", ";tag=\"f1\""), 400, reasons::from);
  add("comma in a display name", changed("From: <", "From: Bell, A <"), 400, reasons::from);
  add("blank in the brackets", changed("To: <sip:bob@example.com>", "To: < sip:bob@example.com >"), 400, reasons::to);
  add("blank in a Call-ID", changed("c1@192", "c1 @192"), 400, reasons::call_id);
  add("empty Call-ID", changed("c1@192.0.2.10", ""), 400, reasons::call_id);
  add("CSeq of 2^31", changed("CSeq: 7", "CSeq: 2147483648"), 400, reasons::cseq);
  add("CSeq of 66 bits", changed("CSeq: 7", "CSeq: 36893488147419103239"), 400, reasons::cseq);
  add("negative CSeq", changed("CSeq: 7", "CSeq: -7"), 0, reasons::cseq);
  add("CSeq without blank", changed("CSeq: 7 OPTIONS", "CSeq: 7OPTIONS"), 400, reasons::cseq);
  add("CSeq without method", changed("CSeq: 7 OPTIONS", "CSeq: 7"), 0, reasons::cseq);
  add("Max-Forwards of 256", changed("70", "256"), 400, reasons::max_forwards);
  add("Max-Forwards of words", changed("70", "7x"), 400, reasons::max_forwards);
  add("Expires as a date", request_with("Expires: Thu, 01 Dec 1994 16:00:00 GMT\r\n"), 400, reasons::expires);
  add("negative Content-Length", changed("Content-Length: 0", "Content-Length: -1"), 400, reasons::content_length);
  add("Content-Length too large", changed("Content-Length: 0", "Content-Length: 9999"), 400, reasons::content_length);
  add("Content-Length of 2^64", changed("Content-Length: 0", "Content-Length: 18446744073709551616"), 400, reasons::content_length);
  add("Content-Length with sign", changed("Content-Length: 0", "Content-Length: +0"), 400, reasons::content_length);
  add("Content-Length list", changed("Content-Length: 0", "Content-Length: 0, 0"), 400, reasons::content_length);
  add("empty Content-Length", changed("Content-Length: 0", "Content-Length:"), 400, reasons::content_length);
  add("separators in a Contact", request_with("Contact: \"Joe\" <sip:joe@example.org>;;;;\r\n"), 400, reasons::contact);
  add("question mark without brackets", request_with("Contact: sip:u@example.com?Route=%3Csip:x%3E\r\n"), 400, reasons::contact);
  add("empty Contact", request_with("Contact:\r\n"), 400, reasons::contact);
  add("star in a list", request_with("Contact: *, <sip:a@b>\r\nExpires: 0\r\n", "REGISTER"), 400, reasons::contact);
  add("star and another", request_with("Contact: *\r\nm: <sip:a@b>\r\nExpires: 0\r\n", "REGISTER"), 400, reasons::contact_star);
  add("two stars", request_with("Contact: *\r\nm: *\r\nExpires: 0\r\n", "REGISTER"), 400, reasons::contact_star);
  add("star without Expires", request_with("Contact: *\r\n", "REGISTER"), 400, reasons::contact_star);
  add("star with Expires 1", request_with("Contact: *\r\nExpires: 1\r\n", "REGISTER"), 400, reasons::contact_star);
  add("star in an INVITE", request_with("Contact: *\r\nExpires: 0\r\n", "INVITE"), 400, reasons::contact_star);
  add("Route without brackets", request_with("Route: sip:a@b;lr\r\n"), 400, reasons::route);
  add("Record-Route without brackets", request_with("Record-Route: sip:a@b\r\n"), 400, reasons::record_route);
  add("Path without brackets", request_with("Path: sip:a@b\r\n"), 400, reasons::path);
  add("empty Route", request_with("Route:\r\n"), 400, reasons::route);
  // Limits
  add("head over 16 KiB", request_with(repeated("X: " + std::string(1000, 'x') + "\r\n", 17)), 513, reasons::header_too_long);
  add("161 lines", request_with(repeated("X: y\r\n", 161 - 6)), 513, reasons::too_many_lines);
  add("name of 129", request_with(std::string(129, 'x') + ": y\r\n"), 513, reasons::name_too_long);
  add("value of 4097", request_with("X: " + std::string(4097, 'y') + "\r\n"), 513, reasons::value_too_long);
  add("71 Vias", request_with("Via: " + repeated("SIP/2.0/UDP h, ", 69) + "SIP/2.0/UDP h\r\n"), 400, reasons::too_many_vias);
  add("33 Routes", request_with("Route: " + repeated("<sip:h>, ", 32) + "<sip:h>\r\n"), 400, reasons::too_many_routes);
  add("33 Record-Routes", request_with(repeated("Record-Route: <sip:h>\r\n", 33)), 400, reasons::too_many_record_routes);
  add("33 Paths", request_with(repeated("Path: <sip:h>\r\n", 33)), 400, reasons::too_many_paths);
  add("17 Contacts", request_with("m: " + repeated("<sip:h>, ", 16) + "<sip:h>\r\n"), 400, reasons::too_many_contacts);
  add("17 Contacts, a line each", request_with(repeated("m: <sip:h>\r\n", 17)), 400, reasons::too_many_contacts);
  add("33 parameters of a Via", request_with("Via: SIP/2.0/UDP h" + repeated(";a", 33) + "\r\n"), 400, reasons::too_many_params);
  add("33 parameters of a Contact", request_with("m: <sip:h>" + repeated(";a", 33) + "\r\n"), 400, reasons::too_many_params);
  add("33 parameters of a URI", request_with("m: <sip:h" + repeated(";a", 33) + ">\r\n"), 400, reasons::too_many_params);
  add("33 parameters of a Route", request_with("Route: <sip:h>" + repeated(";a", 33) + "\r\n"), 400, reasons::too_many_params);
  add("33 parameters of From", changed(";tag=f1", repeated(";a", 33)), 400, reasons::too_many_params);
  add("33 parameters of the Request-URI", changed("example.com SIP", "example.com" + repeated(";a", 33) + " SIP"), 400,
      reasons::too_many_params);
  // Never answered
  add("malformed ACK", request_with("Max-Forwards: x\r\n", "ACK"), 0, reasons::max_forwards);
  add("malformed response", head("SIP/2.0 200 OK", "INVITE") + "Max-Forwards: x\r\n\r\n", 0, reasons::max_forwards);
  return out;
}

}  // namespace reveille::sip
