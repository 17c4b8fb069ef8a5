#include "sip/edit.hpp"

#include <algorithm>
#include <cassert>
#include <span>

#include "sip/grammar.hpp"
#include "sip/received.hpp"

namespace reveille::sip {

void edits::add(std::uint32_t begin, std::uint32_t end, std::string_view text) {
  const piece p{begin, end, text};
  if (count_ < max_edits) {
    pieces_[count_++] = p;
  } else {
    more_.push_back(p);
  }
}

void edits::add(std::string_view replaced, std::string_view text) {
  const std::uint32_t begin = offset_of(replaced.data());
  add(begin, begin + static_cast<std::uint32_t>(replaced.size()), text);
}

std::string_view edits::keep_number(std::uint64_t n) {
  assert(numbers_used_ < numbers_.size());
  char(&digits)[20] = numbers_[numbers_used_++];
  return {digits, write_number(n, digits)};
}

void edits::replace_request_uri(std::string_view uri) {
  assert(of_.is_request());
  add(of_.request_uri(), uri);
}

void edits::insert_before_first_via(std::string_view lines) {
  const std::uint32_t at = of_.lines()[of_.first_line(header::via)].begin;
  add(at, at, lines);
}

void edits::append(std::string_view lines) { add(head_end(), head_end(), lines); }

void edits::remove_top_via() { remove_first_element(header::via); }

void edits::remove_first_element(header h) {
  const std::uint8_t i = of_.first_line(h);
  if (i == no_line) return;
  const line& l = of_.lines()[i];
  std::string_view rest = of_.value(l);
  std::string_view element;
  next_element(rest, element);
  if (rest.data() == nullptr) {
    add(l.begin, line_end(i), {});
    return;
  }
  const char* const next = chars::skip_blanks(rest.data(), rest.data() + rest.size());
  add(l.value_begin, offset_of(next), {});
}

void edits::remove_all(header h) {
  for (std::uint8_t i = of_.first_line(h); i != no_line; i = of_.lines()[i].next) {
    add(of_.lines()[i].begin, line_end(i), {});
  }
}

void edits::replace_value(header h, std::string_view value) {
  if (const auto old = of_.first(h)) {
    add(*old, value);
    return;
  }
  assert(h != header::other);
  append(name_of(h));
  append(": ");
  append(value);
  append("\r\n");
}

void edits::decrement_max_forwards(std::uint32_t initial) {
  const auto hops = of_.max_forwards();
  assert(!hops || *hops > 0);
  replace_value(header::max_forwards, keep_number(hops ? *hops - 1 : initial));
}

void edits::set_top_via_received(const endpoint& from) {
  const via_view& via = of_.top_via();
  const received_rule rule = received_rule_of(via, from);
  if (rule.cut_received || rule.set_rport) {
    std::string_view rest = via.params.text();
    grammar::param p;
    while (grammar::next_param(rest, p)) {
      if (chars::iequal(p.name, "received")) {
        add(p.text, {});
      } else if (rule.set_rport && chars::iequal(p.name, "rport")) {
        add(p.text, {});
      }
    }
  }
  const std::uint32_t end = offset_of(via.text.data()) + static_cast<std::uint32_t>(via.text.size());
  if (rule.set_rport) {
    add(end, end, ";rport=");
    add(end, end, keep_number(from.port));
  }
  if (rule.set_received) {
    add(end, end, ";received=");
    add(end, end, {address_, write_address(from, address_)});
  }
}

void edits::strip(const params_view& params, bool (*drop)(std::string_view name)) {
  std::string_view rest = params.text();
  grammar::param p;
  std::string_view run;  // neighbours that go are one edit
  while (grammar::next_param(rest, p)) {
    if (!drop(p.name)) continue;
    if (!run.empty() && run.data() + run.size() == p.text.data()) {
      run = {run.data(), run.size() + p.text.size()};
    } else {
      if (!run.empty()) add(run, {});
      run = p.text;
    }
  }
  if (!run.empty()) add(run, {});
}

void edits::strip_contact_params(bool (*drop)(std::string_view name)) {
  of_.for_each_element(header::contact, [&](std::string_view element) {
    name_addr_view contact;
    fault why = fault::none;
    if (grammar::name_addr(element.data(), element.data() + element.size(), contact, why) == nullptr) return;  // "*"
    strip(contact.uri.params, drop);
    strip(contact.params, drop);
  });
}

void edits::replace_body(std::string_view content_type, std::string_view body) {
  replace_value(header::content_length, keep_number(body.size()));
  if (body.empty()) {
    remove_all(header::content_type);
  } else {
    replace_value(header::content_type, content_type);
  }
  add(of_.index_.body_begin, of_.size_, body);
}

packet edits::serialise(slab_pool& pool) const {
  std::array<std::uint16_t, max_edits> few;
  std::vector<std::uint16_t> many;
  const std::size_t n = count_ + more_.size();
  std::span<std::uint16_t> order(few.data(), std::min(n, max_edits));
  if (n > max_edits) {
    many.resize(n);
    order = many;
  }
  const auto piece_at = [&](std::size_t i) -> const piece& { return i < max_edits ? pieces_[i] : more_[i - max_edits]; };
  // By place, insertions first, else as they came.
  const auto before = [](const piece& p, const piece& q) {
    return p.begin != q.begin ? p.begin < q.begin : p.begin == p.end && q.begin != q.end;
  };
  std::size_t expected = of_.size_;
  for (std::size_t i = 0; i < n; ++i) {
    const piece& p = piece_at(i);
    expected += p.text.size();
    std::size_t at = i;
    if (n <= max_edits) {  // insertion sort, for they come nearly sorted and are few
      for (; at > 0 && before(p, piece_at(order[at - 1])); --at) order[at] = order[at - 1];
    }
    order[at] = static_cast<std::uint16_t>(i);
  }
  if (n > max_edits) {
    std::sort(order.begin(), order.end(), [&](std::uint16_t a, std::uint16_t b) {
      return before(piece_at(a), piece_at(b)) || (a < b && !before(piece_at(b), piece_at(a)));
    });
  }
  writer out(pool, expected, ends_work(of_) ? slab_use::ending : slab_use::work);
  std::uint32_t done = 0;
  for (const std::uint16_t i : order) {
    const piece& p = piece_at(i);
    if (p.begin < done) {  // inside what is gone already
      done = std::max(done, p.end);
      continue;
    }
    out.text({of_.data_ + done, p.begin - done});
    out.text(p.text);
    done = p.end;
  }
  out.text({of_.data_ + done, of_.size_ - done});
  return out.finish();
}

}  // namespace reveille::sip
