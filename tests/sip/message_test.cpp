#include "sip/message.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <thread>

#include "make_message.hpp"
#include "samples.hpp"

namespace reveille::sip {
namespace {

using namespace std::string_literals;

TEST(Message, AcceptsEverySoundSample) {
  for (const good_sample& s : good_samples()) {
    const auto m = parse_octets(s.octets);
    EXPECT_TRUE(m) << s.name << ": " << (m ? "" : m.error().reason);
  }
}

TEST(Message, RefusesEveryBadSampleForItsReason) {
  for (const bad_sample& s : bad_samples()) {
    const auto m = parse_octets(s.octets);
    ASSERT_FALSE(m) << s.name;
    EXPECT_EQ(m.error().reason, s.reason) << s.name;
    EXPECT_EQ(m.error().status, s.status) << s.name;
  }
}

TEST(Message, HasAReasonOfItsOwnForEveryRefusal) {
  std::vector<std::string_view> seen;
  for (const bad_sample& s : bad_samples()) seen.push_back(s.reason);
  for (const std::string_view reason : reasons::all) {
    // Streams, memory and sizes beyond a slab have tests of their own.
    if (reason == reasons::missing_content_length || reason == reasons::out_of_memory || reason == reasons::message_too_long) {
      continue;
    }
    EXPECT_NE(std::find(seen.begin(), seen.end(), reason), seen.end()) << "no sample is refused for " << reason;
  }
  std::vector<std::string_view> sorted(std::begin(reasons::all), std::end(reasons::all));
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end());
}

TEST(Message, TellsTheFactsOfATortuousRequest) {
  const auto m = *parse_octets(good_samples()[0].octets);
  EXPECT_TRUE(m->is_request());
  EXPECT_EQ(m->method(), method::invite);
  EXPECT_EQ(m->request_uri(), "sip:desk@pbx.example.com;flag");
  EXPECT_EQ(m->version(), "SIP/2.0");
  EXPECT_EQ(m->max_forwards(), 68U);
  EXPECT_EQ(m->cseq().number, 9U);
  EXPECT_EQ(m->cseq().method, method::invite);
  EXPECT_EQ(m->cseq().method_text, "INVITE");
  EXPECT_EQ(m->via_count(), 3U);
  EXPECT_EQ(m->top_via().host, "192.0.2.2");
  EXPECT_EQ(m->top_via().branch, "oldbranch");
  EXPECT_EQ(m->top_via().transport, "UDP");
  EXPECT_EQ(m->to_tag(), "77n");
  EXPECT_EQ(m->from_tag(), "42x");
  EXPECT_EQ(unquote(m->from().display_name), "Q \\\"");
  EXPECT_EQ(m->to().uri.user, "desk");
  EXPECT_EQ(m->call_id(), "fold.1@192.0.2.1");
  EXPECT_EQ(m->body(), "body");
  EXPECT_EQ(m->first("Subject"), "");
  EXPECT_EQ(m->first("x-new"), "one value  \tcontinued");
  EXPECT_EQ(m->first("X-Odd"), ";;,,;;,;");
  EXPECT_EQ(m->first("X-None"), std::nullopt);
  std::vector<std::string_view> branches;
  m->for_each_element(header::via, [&](std::string_view e) { branches.push_back(parse_via(e)->branch); });
  EXPECT_EQ(branches, (std::vector<std::string_view>{"oldbranch", "z9hG4bK9", "z9hG4bK3"}));
}

TEST(Message, TellsTheFactsOfAResponse) {
  const auto m = make_message("SIP/2.0 486 Busy  here \nv: SIP/2.0/UDP h\nf: sip:a@b;tag=1\nt: sip:c@d;tag=2\ni: x\nCSeq: 1 INVITE\n\n");
  EXPECT_FALSE(m->is_request());
  EXPECT_EQ(m->status(), 486);
  EXPECT_EQ(m->reason(), "Busy  here ");
  EXPECT_EQ(m->version(), "SIP/2.0");
  EXPECT_EQ(m->method(), method::other);
  EXPECT_EQ(m->method_text(), "");
  EXPECT_EQ(m->request_uri(), "");
  EXPECT_EQ(m->max_forwards(), std::nullopt);
  EXPECT_EQ(m->expires(), std::nullopt);
}

TEST(Message, KeepsRepeatedLinesInOrder) {
  const auto m = *parse_octets(request_with("Route: <sip:a;lr>\r\nX: 1\r\nRoute: <sip:b;lr>, <sip:c;lr>\r\nX: 2\r\nSupported: a,,b\r\n"));
  std::string routes;
  m->for_each_element(header::route, [&](std::string_view e) { routes += std::string(e) + "|"; });
  EXPECT_EQ(routes, "<sip:a;lr>|<sip:b;lr>|<sip:c;lr>|");
  EXPECT_EQ(m->count(header::route), 2U);
  std::string lines;
  m->for_each(header::route, [&](std::string_view v) { lines += std::string(v) + "|"; });
  EXPECT_EQ(lines, "<sip:a;lr>|<sip:b;lr>, <sip:c;lr>|");
  std::string supported;
  m->for_each_element(header::supported, [&](std::string_view e) { supported += std::string(e) + "|"; });
  EXPECT_EQ(supported, "a|b|");
  std::string names;
  m->for_each_line([&](std::string_view name, std::string_view) { names += std::string(name) + " "; });
  EXPECT_EQ(names, "Via From To Call-ID CSeq Route X Route X Supported Content-Length ");
  EXPECT_EQ(m->first_line_text(header::cseq), "CSeq: 7 OPTIONS\r\n");
  EXPECT_EQ(m->first_line_text(header::path), "");
}

TEST(Message, FindsFieldsByFullNameEvenWhenCompact) {
  const auto m = *parse_octets(request_with("r: <sip:x@y>\r\ns: hello\r\nx: 1800\r\nk: path\r\n"));
  EXPECT_EQ(m->first("Refer-To"), "<sip:x@y>");
  EXPECT_EQ(m->first("SUBJECT"), "hello");
  EXPECT_EQ(m->first("Session-Expires"), "1800");
  EXPECT_EQ(m->first("Supported"), "path");
  EXPECT_EQ(m->first("Identity"), std::nullopt);
}

TEST(Message, DropsWhatFollowsInADatagramOnly) {
  const std::string octets = request_with("") + "rest";
  const auto m = parse_octets(octets);
  ASSERT_TRUE(m);
  EXPECT_EQ((*m)->text(), request_with(""));
  EXPECT_EQ((*m)->body(), "");
  const auto cut = parse_octets(octets, false);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().reason, reasons::content_length);
}

TEST(Message, OnAStreamNeedsContentLength) {
  std::string octets = request_with("");
  octets.erase(octets.find("Content-Length"), 19);
  EXPECT_TRUE(parse_octets(octets, true));
  const auto m = parse_octets(octets, false);
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().reason, reasons::missing_content_length);
  EXPECT_EQ(m.error().status, 400);
}

TEST(Message, CapsExpires) {
  const auto m = *parse_octets(request_with("Expires: 99999999999999999999\r\n"));
  EXPECT_EQ(m->expires(), 0xfffffffeU);
  EXPECT_EQ((*parse_octets(request_with("Expires: 0060\r\n")))->expires(), 60U);
}

TEST(Message, AcceptsWhatIsJustWithinTheLimits) {
  const auto times = [](std::string_view text, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += text;
    return out;
  };
  EXPECT_TRUE(parse_octets(request_with(times("X: y\r\n", 160 - 6))));
  EXPECT_TRUE(parse_octets(request_with(std::string(128, 'x') + ": " + std::string(4096, 'y') + "\r\n")));
  EXPECT_TRUE(parse_octets(request_with("Via: " + times("SIP/2.0/UDP h, ", 68) + "SIP/2.0/UDP h\r\n")));
  EXPECT_TRUE(parse_octets(request_with("Route: " + times("<sip:h>, ", 31) + "<sip:h>\r\n")));
  EXPECT_TRUE(parse_octets(request_with("m: " + times("<sip:h>, ", 15) + "<sip:h" + times(";a", 32) + ">" + times(";a", 32) + "\r\n")));
  EXPECT_TRUE(parse_octets(request_with("Max-Forwards: 255\r\n")));
}

TEST(Message, LiesInItsSlabWhenThereIsRoom) {
  const auto inside = *parse_octets(request_with(""));
  const auto beside = *parse_octets(request_with(""), true, 0);
  EXPECT_GE(reinterpret_cast<const char*>(inside.get()), inside->text().data() + inside->text().size());
  EXPECT_LT(reinterpret_cast<const char*>(inside.get()), inside->text().data() + 4096);
  EXPECT_EQ(inside->text(), beside->text());
  EXPECT_EQ(beside->pinned_bytes(), sizeof(slab) + 512 + slab::tail_slack + message::index_room);
  EXPECT_EQ(beside->top_via().branch, "z9hG4bKabc");
}

TEST(Message, ReturnsItsSlabWithTheLastPointer) {
  slab_pool pool(16 * 1024);
  for (int i = 0; i < 1000; ++i) {
    for (const std::size_t room : {message::index_room, std::size_t{0}}) {
      const std::string text = i % 2 == 0 ? request_with("") : request_with("Max-Forwards: x\r\n");
      slab_ptr bytes = pool.take(text.size() + room);
      ASSERT_TRUE(bytes);
      std::memcpy(bytes->data(), text.data(), text.size());
      const auto m = message::parse(std::move(bytes), text.size(), true);
      EXPECT_EQ(m.has_value(), i % 2 == 0);
    }
  }
  EXPECT_EQ(pool.refused(), 0U);
}

TEST(Message, MayBeDroppedOnAnotherThread) {
  message_ptr m = *parse_octets(request_with(""));
  std::thread other([copy = m] { EXPECT_EQ(copy->call_id(), "c1@192.0.2.10"); });
  m.reset();
  other.join();
}

TEST(Message, CopiesCompactlyWithTheSameFacts) {
  for (const good_sample& s : good_samples()) {
    const auto parsed = parse_octets(s.octets);
    ASSERT_TRUE(parsed) << s.name;
    message_ptr original = *parsed;
    const message_ptr copy = original->compact_copy();
    EXPECT_EQ(copy->text(), original->text()) << s.name;
    const std::string branch(original->top_via().branch), via(original->top_via().text), call_id(original->call_id());
    const std::string method(original->method_text()), tag(original->from_tag()), body(original->body());
    const std::size_t lines = original->count(header::via);
    EXPECT_EQ(copy->pinned_bytes() < original->pinned_bytes(), true) << s.name;
    original.reset();
    EXPECT_EQ(copy->top_via().branch, branch) << s.name;
    EXPECT_EQ(copy->top_via().text, via) << s.name;
    EXPECT_GE(copy->top_via().text.data(), copy->text().data());
    EXPECT_LT(copy->top_via().text.data(), copy->text().data() + copy->text().size());
    EXPECT_EQ(copy->call_id(), call_id) << s.name;
    EXPECT_EQ(copy->method_text(), method) << s.name;
    EXPECT_EQ(copy->from_tag(), tag) << s.name;
    EXPECT_EQ(copy->body(), body) << s.name;
    EXPECT_EQ(copy->count(header::via), lines) << s.name;
    EXPECT_EQ(copy->compact_copy()->text(), copy->text());
  }
}

TEST(Message, ParsesItsOwnTextToTheSameFacts) {
  for (const good_sample& s : good_samples()) {
    const auto first = parse_octets(s.octets);
    ASSERT_TRUE(first) << s.name;
    const auto again = parse_octets((*first)->text());
    ASSERT_TRUE(again) << s.name;
    EXPECT_EQ((*again)->text(), (*first)->text()) << s.name;
    EXPECT_EQ((*again)->via_count(), (*first)->via_count()) << s.name;
    EXPECT_EQ((*again)->to_tag(), (*first)->to_tag()) << s.name;
    EXPECT_EQ((*again)->cseq().number, (*first)->cseq().number) << s.name;
  }
}

TEST(Message, IsIncompleteOrRefusedAtEveryPrefix) {
  for (const good_sample& s : good_samples()) {
    const auto whole = parse_octets(s.octets);
    ASSERT_TRUE(whole) << s.name;
    const std::size_t start = s.octets.find_first_not_of("\r\n");
    const std::size_t head_end = start + (*whole)->text().size() - (*whole)->body().size();
    for (std::size_t n = 0; n < head_end; ++n) {
      const auto cut = parse_octets(std::string_view(s.octets).substr(0, n));
      ASSERT_FALSE(cut) << s.name << " cut to " << n;
      ASSERT_NE(std::find(std::begin(reasons::all), std::end(reasons::all), cut.error().reason), std::end(reasons::all));
    }
    for (std::size_t n = head_end; n < start + (*whole)->text().size(); ++n) {
      const auto cut = parse_octets(std::string_view(s.octets).substr(0, n));
      ASSERT_EQ(cut.has_value(), !(*whole)->first(header::content_length)) << s.name << " cut to " << n;
    }
  }
}

TEST(Scanner, AgreesWithItsScalarTwin) {
  std::vector<std::string> inputs;
  for (const good_sample& s : good_samples()) inputs.push_back(s.octets);
  for (const bad_sample& s : bad_samples()) inputs.push_back(s.octets);
  const std::size_t plain = inputs.size();
  for (std::size_t i = 0; i < plain; ++i) {
    // Line ends at every place of a vector: shift by growing the method, and cut.
    for (std::size_t shift = 1; shift < 17; ++shift) {
      inputs.push_back(std::string(shift, 'A') + inputs[i].substr(0, inputs[i].size() - std::min(inputs[i].size(), shift)));
    }
  }
  for (const std::string& input : inputs) {
    std::string a = input + std::string(64, '\0');
    std::string b = input + std::string(64, '\r');  // what lies behind must not matter
    head_index ia{}, ib{};
    std::array<line, limits::lines + 1> la{}, lb{};
    const auto ra = scan_head(a.data(), input.size(), ia, la.data());
    const auto rb = scan_head_scalar(b.data(), input.size(), ib, lb.data());
    ASSERT_EQ(ra, rb) << input;
    ASSERT_EQ(a.substr(0, input.size()), b.substr(0, input.size()));
    if (!ra.empty()) continue;
    ASSERT_EQ(ia.lines, ib.lines);
    ASSERT_EQ(ia.body_begin, ib.body_begin);
    ASSERT_EQ(ia.start_line_size, ib.start_line_size);
    ASSERT_EQ(ia.first, ib.first);
    for (std::size_t i = 0; i < ia.lines; ++i) {
      ASSERT_EQ(la[i].begin, lb[i].begin);
      ASSERT_EQ(la[i].value_begin, lb[i].value_begin);
      ASSERT_EQ(la[i].value_size, lb[i].value_size);
      ASSERT_EQ(la[i].id, lb[i].id);
      ASSERT_EQ(la[i].next, lb[i].next);
    }
  }
}

}  // namespace
}  // namespace reveille::sip
