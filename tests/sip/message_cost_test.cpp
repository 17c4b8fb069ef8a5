// What messages made to be dear cost, over their size: the specification's "never costs more than it cost the sender".
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sip/caller_identity.hpp"
#include "sip/edit.hpp"
#include "sip/response.hpp"
#include "sip/response_context.hpp"
#include "tests/sip/make_message.hpp"
#include "tests/sip/work_counter.hpp"

namespace reveille::sip {
namespace {

using namespace std::string_literals;

constexpr double steps_per_octet = 20;   // of all that is done with a message below, the dearest form
constexpr double growth = 2.25;          // of the steps when the size doubles
constexpr std::uint64_t fixed_steps = 6'000;

const endpoint source = *parse_endpoint("198.51.100.1:7777");

std::string repeated(std::string_view text, std::size_t octets) {
  std::string out;
  out.reserve(octets + text.size());
  while (out.size() < octets) out += text;
  return out;
}

/// `text` as often as the octets allow, at most `most` times.
std::string numbered(const std::function<std::string(std::size_t)>& text, std::size_t octets, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < most && out.size() < octets; ++i) out += text(i);
  return out;
}

std::string request(std::string_view method, std::string_view uri, std::string_view lines) {
  const std::string m(method);
  return m + " " + std::string(uri) + " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKabc\r\n" +
         "From: <sip:ann@example.com>;tag=f1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c1@192.0.2.10\r\nCSeq: 7 " + m +
         "\r\n" + std::string(lines) + "\r\n";
}
std::string invite(std::string_view lines) { return request("INVITE", "sip:bob@example.com", lines); }

struct form {
  std::string name;
  std::function<std::string(std::size_t octets)> text;
};

std::vector<form> forms() {
  std::vector<form> out;
  const auto add = [&](std::string name, std::function<std::string(std::size_t)> text) {
    out.push_back({std::move(name), std::move(text)});
  };
  // One line, in each field that is read.
  const std::vector<std::pair<std::string, std::string>> fillings = {
      {"NUL pairs", "\\\0"s}, {"pairs", "\\\\"}, {"escaped quotes", "\\\""}, {"quotes", "\"\""}, {"letters", "a"},
      {"blanks", " "}, {"tabs", "\t"}, {"commas", ","}, {"letters and commas", "a,"}, {"semicolons", ";"},
      {"parameters", ";a=b"}, {"open quoted values", ";a=\"b"}, {"brackets", "<"}, {"bracket pairs", "<>"},
      {"escapes", "%41"}, {"comments", "("}, {"folds", "\r\n "}, {"folded letters", "a\r\n\t"}, {"elements", "<sip:a@b>,"},
      {"slashes", "SIP/2.0/UDP a,"}, {"ats", "@"}, {"colons", ":"}, {"UTF-8", "\xc3\xa4"}, {"equals", "=;"},
      {"ampersands", "a=b&"}};
  const std::vector<std::pair<std::string, std::string>> places = {
      {"X: ", ""}, {"X: \"", "\""}, {"X: \"", ""}, {"Contact: ", ""}, {"Contact: \"", "\" <sip:a@b>"},
      {"Contact: <sip:a", "@b>"}, {"Contact: <sip:a@b", ">"}, {"Contact: <sip:a@b?", ">"}, {"Contact: <sip:a@b>", ""},
      {"Contact: <", ""}, {"Via: ", ""}, {"Via: SIP/2.0/UDP h", ""}, {"Via: SIP/2.0/UDP h;branch=", ""}, {"Route: ", ""},
      {"Path: <sip:a@b;lr", ">"}, {"Record-Route: <sip:a@b>", ""}, {"Supported: ", ""}, {"Reason: SIP;", ""},
      {"Reason: ", ""}, {"Privacy: ", ""}, {"P-Asserted-Identity: ", ""}, {"P-Asserted-Identity: \"", "\" <sip:a@b>"},
      {"", ""}, {"Expires: 1", ""}};
  for (const auto& [begin, end] : places) {
    for (const auto& [what, text] : fillings) {
      add("one line of " + what + " in " + begin + "..." + end, [begin = begin, end = end, text = text](std::size_t n) {
        return invite(begin + repeated(text, n) + end + "\r\n");
      });
      // The same as lines that each stay within the bounds.
      add("lines of " + what + " in " + begin + "..." + end, [begin = begin, end = end, text = text](std::size_t n) {
        std::string lines;
        while (lines.size() < n) lines += begin + repeated(text, std::min<std::size_t>(n - lines.size(), 1500)) + end + "\r\n";
        return invite(lines);
      });
    }
  }
  for (const auto& [what, text] : fillings) {
    add("Request-URI of " + what, [text = text](std::size_t n) {
      return request("INVITE", "sip:a" + repeated(text, n) + "@b", "");
    });
    add("Request-URI with parameters of " + what, [text = text](std::size_t n) {
      return request("INVITE", "sip:a@b" + repeated(text, n), "");
    });
    add("a method of " + what, [text = text](std::size_t n) { return request(repeated(text, n), "sip:a@b", ""); });
  }
  // Many lines.
  for (const std::string line : {"X: a\r\n", "Via: SIP/2.0/UDP h\r\n", "v:SIP/2.0/UDP h\r\n", "Route: <sip:a@b>\r\n",
                                 "Contact: <sip:a@b>\r\n", "Proxy-Authorization: a\r\n", "From: \x01\r\n", "a:\r\n", "a\r\n",
                                 "\n", "Call-ID\r\n", "Require: a\r\n", "Call-ID: \x7f\r\n", "Max-Forwards: x\r\n"}) {
    add("lines: " + line, [line](std::size_t n) { return invite(repeated(line, n)); });
    add("a Max-Forwards that is none, then lines: " + line, [line](std::size_t n) {
      return invite("Max-Forwards: x\r\n" + repeated(line, n));
    });
  }
  // Sound messages with as much as is allowed of everything.
  add("Contacts whose every other parameter is stripped, then lines that leave", [](std::size_t n) {
    const std::string contact = "Contact: <sip:a@b" + repeated(";pn-prid=x;a=b", std::min<std::size_t>(32 * 7, n / 17)) + ">\r\n";
    return invite(numbered([&](std::size_t) { return contact; }, n / 2, 16) +
                  numbered([](std::size_t) { return "Proxy-Authorization: Digest realm=\"x\"\r\n"s; }, n / 2, 120));
  });
  add("bodies", [](std::size_t n) { return invite("\r\n" + repeated("\\\0\"<,;"s, n)); });
  add("line ends", [](std::size_t n) { return repeated("\r\n", n) + "x"; });
  add("control characters", [](std::size_t n) { return repeated("\x01", n); });
  return out;
}

bool is_push(std::string_view name) { return name.size() > 3 && name.substr(0, 3) == "pn-"; }

struct cost {
  std::uint64_t steps = 0;
  std::string_view refused;   ///< the reason
};

/// What shard and subscriber do with it, or with the reason why it is refused.
cost cost_of(std::string_view octets) {
  slab_ptr bytes = test_pool().take(octets.size() + message::index_room);
  if (!bytes) bytes = test_pool().take(octets.size());
  std::memcpy(bytes->data(), octets.data(), octets.size());
  const slab_ptr kept = bytes;
  const std::uint64_t before = work_steps();
  const auto parsed = message::parse(std::move(bytes), octets.size(), true);
  if (!parsed) {
    build_refusal({kept->data(), octets.size()}, source, parsed.error(), test_pool());
    return {work_steps() - before, parsed.error().reason};
  }
  const message& m = **parsed;
  build_response(m, source, 486, "t", {}, test_pool());
  edits e(m);
  e.replace_request_uri("sip:a@b");
  e.insert_before_first_via("Via: SIP/2.0/UDP x\r\n");
  e.set_top_via_received(source);
  e.remove_all(header::route);
  e.strip_contact_params(&is_push);
  e.remove_all(header::proxy_authorization);
  e.serialise(test_pool());
  caller_identity_of(m, asserted_identity::believe, "example.com");
  says_answered_elsewhere(m);
  reasons_of(m);
  m.first("Timestamp");
  for (const header h : {header::via, header::route, header::contact, header::supported, header::require}) {
    m.for_each_element(h, [](std::string_view) {});
  }
  return {work_steps() - before, {}};
}

TEST(MessageCost, GrowsNoFasterThanTheMessage) {
  double dearest = 0;
  std::string dearest_name;
  for (const form& f : forms()) {
    cost half;
    for (const std::size_t n : {1'000U, 2'000U, 4'000U, 8'000U, 16'000U, 32'000U, 60'000U}) {
      const std::string text = f.text(n);
      if (text.size() > limits::message) break;
      const cost now = cost_of(text);
      const std::uint64_t steps = now.steps;
      EXPECT_LE(static_cast<double>(steps), static_cast<double>(fixed_steps) + steps_per_octet * static_cast<double>(text.size()))
          << f.name << ", " << n << " octets";
      if (half.steps != 0 && half.refused == now.refused) {
        EXPECT_LE(static_cast<double>(steps), growth * static_cast<double>(half.steps) + static_cast<double>(fixed_steps))
            << f.name << ", " << n << " octets";
      }
      half = now;
      const double each = static_cast<double>(steps) / static_cast<double>(text.size());
      if (n >= 4'000 && each > dearest) {
        dearest = each;
        dearest_name = f.name + ", " + std::to_string(n) + " octets";
      }
    }
  }
  std::printf("dearest: %.2f steps an octet, %s\n", dearest, dearest_name.c_str());
}

TEST(MessageCost, OfARequestThatIsRefusedStopsAtTheBoundsOfOneThatIsAccepted) {
  const std::string lines = repeated("X: a\r\n", 60'000);
  EXPECT_LT(cost_of(invite("Max-Forwards: x\r\n" + lines)).steps, 20 * limits::header_section / 8);
  EXPECT_LT(cost_of(invite(lines)).steps, 20 * limits::header_section / 8);
}

TEST(MessageCost, OfComparingUrisGrowsNoFasterThanTheUris) {
  const auto compare = [](const std::string& one, const std::string& other) {
    const std::uint64_t before = work_steps();
    const auto a = parse_uri(one);
    const auto b = parse_uri(other);
    if (a && b) (void)equivalent(*a, *b);
    return work_steps() - before;
  };
  for (const std::size_t size : {1U, 10U, 100U, 200U}) {  // octets of a name
    std::string params, params_backwards, headers, headers_backwards;
    for (std::size_t i = 0; i < limits::params; ++i) {
      const std::string name = std::string(size, 'n') + std::to_string(i) + "=v";
      params += ";" + name;
      params_backwards = ";" + name + params_backwards;
      headers += (i == 0 ? "?" : "&") + name;
      headers_backwards = (i == 0 ? "" : "&") + headers_backwards;
      headers_backwards = name + headers_backwards;
    }
    const std::string uri = "sip:a@b";
    const std::uint64_t steps = compare(uri + params, uri + params_backwards);
    EXPECT_LE(steps, 12'000 + 40 * params.size()) << size;
    const std::uint64_t with_headers = compare(uri + headers, uri + "?" + headers_backwards);
    EXPECT_LE(with_headers, 12'000 + 40 * headers.size()) << size;
  }
  std::string many, many_backwards;
  for (int i = 0; i < 1000; ++i) {
    many += (i == 0 ? "" : "&") + std::to_string(i) + "=1";
    many_backwards = std::to_string(i) + "=1" + (i == 0 ? "" : "&") + many_backwards;
  }
  EXPECT_FALSE(parse_uri("sip:a@b?" + many)) << "compared header by header, so they are few";
  EXPECT_LE(compare("sip:a@b?" + many, "sip:a@b?" + many_backwards), 10 * many.size());
}

}  // namespace
}  // namespace reveille::sip
