#include "sip/message.hpp"

#include <cassert>
#include <cstring>
#include <new>

#include "sip/grammar.hpp"
#include "sip/parser.hpp"

namespace reveille::sip {
namespace {

constexpr std::size_t alignment = alignof(message);
static_assert(sizeof(message) + (limits::lines + 1) * sizeof(line) + alignment <= message::index_room);
static_assert(sizeof(message) % alignof(line) == 0);

constexpr std::size_t aligned(std::size_t n) { return (n + alignment - 1) / alignment * alignment; }

name_addr_view name_addr_in(std::string_view value) {
  name_addr_view out;
  fault why = fault::none;
  grammar::name_addr(value.data(), value.data() + value.size(), out, why);  // parse() has checked it
  return out;
}

/// Names beyond those with an id that have a compact form, each with its letter.
char compact_letter(std::string_view name) {
  struct form {
    std::string_view name;
    char letter;
  };
  static constexpr form forms[] = {
      {"Accept-Contact", 'a'},  {"Referred-By", 'b'}, {"Request-Disposition", 'd'}, {"Content-Encoding", 'e'},
      {"Reject-Contact", 'j'},  {"Refer-To", 'r'},    {"Subject", 's'},             {"Allow-Events", 'u'},
      {"Session-Expires", 'x'}, {"Identity", 'y'},    {"Identity-Info", 'n'},
  };
  for (const form& f : forms) {
    if (chars::iequal(f.name, name)) return f.letter;
  }
  return '\0';
}

}  // namespace

result<message_ptr, reject> message::parse(slab_ptr bytes, std::size_t size, bool datagram) {
  return message_parser::parse(std::move(bytes), size, datagram);
}

result<message_ptr, reject> message_parser::parse(slab_ptr bytes, std::size_t size, bool datagram) {
  assert(size <= bytes->capacity());
  char* data = bytes->data();
  std::size_t skipped = 0;
  while (size - skipped >= 2 && data[skipped] == '\r' && data[skipped + 1] == '\n') skipped += 2;
  if (skipped == size) return tl::unexpected(reject{0, reasons::empty});
  const std::string_view text(data + skipped, size - skipped);
  const std::size_t place = aligned(size);
  const bool inside = place + message::index_room <= bytes->capacity();
  void* const memory = inside ? data + place : ::operator new(message::index_room, std::nothrow);
  if (memory == nullptr) return tl::unexpected(reject{status_for(text, reasons::out_of_memory), reasons::out_of_memory});

  auto* const m = new (memory) message;
  m->storage_ = inside ? message::storage::in_slab : message::storage::beside;
  m->slab_ = std::move(bytes);
  m->data_ = data + skipped;
  m->size_ = static_cast<std::uint32_t>(size - skipped);
  const message_ptr owner(m);
  message_parser steps(*m);
  std::string_view why = size > limits::message ? reasons::message_too_long : std::string_view{};
  if (why.empty()) why = scan_head(m->data_, m->size_, m->index_, m->lines());
  if (why.empty()) why = steps.start_line();
  if (why.empty()) why = steps.header_fields();
  if (why.empty()) why = steps.body(datagram);
  if (why.empty()) return owner;
  return tl::unexpected(reject{status_for(text, why), why});
}

message::slice message::slice_of(std::string_view text) const {
  return {static_cast<std::uint16_t>(text.data() - data_), static_cast<std::uint16_t>(text.size())};
}

name_addr_view message::from() const { return name_addr_in(value(lines()[first_line(header::from)])); }
name_addr_view message::to() const { return name_addr_in(value(lines()[first_line(header::to)])); }

std::optional<std::string_view> message::first(header h) const {
  const std::uint8_t i = first_line(h);
  if (i == no_line) return std::nullopt;
  return value(lines()[i]);
}

std::string_view message::first_line_text(header h) const {
  const std::uint8_t i = first_line(h);
  if (i == no_line) return {};
  return {data_ + lines()[i].begin, static_cast<std::size_t>(lines()[i + 1].begin - lines()[i].begin)};
}

std::optional<std::string_view> message::first(std::string_view wanted) const {
  if (const header h = header_of(wanted); h != header::other) return first(h);
  const char letter = compact_letter(wanted);
  for (std::uint8_t i = first_line(header::other); i != no_line; i = lines()[i].next) {
    const std::string_view found = name(lines()[i]);
    if (chars::iequal(found, wanted) || (found.size() == 1 && chars::lower(found[0]) == letter)) {
      return value(lines()[i]);
    }
  }
  return std::nullopt;
}

std::size_t message::pinned_bytes() const {
  switch (storage_) {
    case storage::in_slab: return sizeof(slab) + slab_->capacity() + slab::tail_slack;
    case storage::beside: return sizeof(slab) + slab_->capacity() + slab::tail_slack + index_room;
    case storage::compact: break;
  }
  return sizeof(message) + (index_.lines + 1U) * sizeof(line) + size_;
}

message_ptr message::compact_copy() const {
  const std::size_t table = (index_.lines + 1U) * sizeof(line);
  auto* const copy = new (::operator new(sizeof(message) + table + size_)) message;
  std::memcpy(copy->lines(), lines(), table);
  copy->data_ = reinterpret_cast<char*>(copy->lines()) + table;
  std::memcpy(copy->data_, data_, size_);
  copy->storage_ = storage::compact;
  copy->method_ = method_;
  copy->cseq_method_ = cseq_method_;
  copy->via_count_ = via_count_;
  copy->size_ = size_;
  copy->cseq_number_ = cseq_number_;
  copy->max_forwards_ = max_forwards_;
  copy->expires_ = expires_;
  copy->status_ = status_;
  for (std::size_t i = 0; i < 3; ++i) copy->start_[i] = start_[i];
  copy->call_id_ = call_id_;
  copy->from_tag_ = from_tag_;
  copy->to_tag_ = to_tag_;
  copy->cseq_method_text_ = cseq_method_text_;
  copy->index_ = index_;
  const std::string_view vias = copy->value(copy->lines()[first_line(header::via)]);
  fault why = fault::none;
  grammar::via(vias.data(), vias.data() + vias.size(), copy->top_via_, why);
  return message_ptr(copy);
}

void intrusive_ptr_release(const message* m) {
  if (m->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  auto* const dead = const_cast<message*>(m);
  const slab_ptr last = std::move(dead->slab_);  // dropped last: the object may lie inside
  const bool own_block = dead->storage_ != message::storage::in_slab;
  dead->~message();
  if (own_block) ::operator delete(dead);
}

}  // namespace reveille::sip
