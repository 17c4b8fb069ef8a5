/// A client and a server session joined by byte pipes, for tests: no sockets, no time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "net/http2/client_session.hpp"
#include "net/http2/server_session.hpp"

namespace reveille::http2::testing {

struct outcome {
  std::string what;   ///< "answered", "unsent", "refused", "ambiguous"
  int status = 0;
  std::string body;
  std::map<std::string, std::string> headers;
  bool truncated = false;
  std::uint32_t code = 0;
};

class recording_client : public client_listener {
 public:
  void answered(std::uint64_t tag, const response& a) override {
    outcome o{"answered", a.status, std::string(a.body), {}, a.truncated, 0};
    for (std::size_t i = 0; i < a.headers.size(); ++i) o.headers[std::string(a.headers.at(i).name)] = a.headers.at(i).value;
    ++calls[tag];
    outcomes[tag] = o;
  }
  void lost(std::uint64_t tag, loss how, std::uint32_t code) override {
    ++calls[tag];
    const char* const names[] = {"unsent", "refused", "ambiguous"};
    outcomes[tag] = {names[static_cast<int>(how)], 0, {}, {}, false, code};
  }
  void settings_changed() override { ++settings; }
  void goaway_received(const goaway_notice& n) override {
    goaways.push_back(n.last_stream);
    debug_data = n.debug_data;
  }
  void pong() override { ++pongs; }

  std::string what(std::uint64_t tag) const {
    const auto found = outcomes.find(tag);
    return found == outcomes.end() ? "" : found->second.what;
  }

  std::map<std::uint64_t, outcome> outcomes;
  std::map<std::uint64_t, int> calls;
  std::vector<std::uint32_t> goaways;
  std::string debug_data;
  int settings = 0;
  int pongs = 0;
};

struct seen_request {
  std::uint32_t stream = 0;
  std::string method, scheme, authority, path, body;
  std::map<std::string, std::string> headers;
  bool truncated = false;
};

class recording_server : public server_listener {
 public:
  void requested(const server_request& r) override {
    seen_request s{r.stream, std::string(r.method), std::string(r.scheme), std::string(r.authority),
                   std::string(r.path), std::string(r.body), {}, r.truncated};
    for (std::size_t i = 0; i < r.headers.size(); ++i) s.headers[std::string(r.headers.at(i).name)] = r.headers.at(i).value;
    requests.push_back(std::move(s));
  }
  void stream_reset(std::uint32_t stream, std::uint32_t) override { resets.push_back(stream); }

  std::vector<seen_request> requests;
  std::vector<std::uint32_t> resets;
};

class session_pair {
 public:
  explicit session_pair(client_config c = {}, server_config s = {}) : client(client_side, c), server(server_side, s) {}

  /// Octets that reach the other end in pieces of `piece` octets; true if anything moved.
  bool to_server(std::size_t piece = 1 << 20) { return move(client, server, piece); }
  bool to_client(std::size_t piece = 1 << 20) { return move(server, client, piece); }
  void settle(std::size_t piece = 1 << 20) {
    for (int i = 0; i < 10'000; ++i) {
      const bool there = to_server(piece);
      const bool back = to_client(piece);
      if (!there && !back) return;
    }
    FAIL() << "the sessions never come to rest";
  }

  stream_handle post(std::uint64_t tag, std::string_view body = "{}", std::string_view path = "/3/device/aa") {
    request r;
    r.authority = "localhost";
    r.path = path;
    r.headers = std::span<const header>(headers);
    r.body = body;
    return client.submit(r, tag);
  }
  /// Answers all requests seen so far.
  void answer_all(int status, std::string_view body = {}) {
    for (const seen_request& r : server_side.requests) server.respond(r.stream, status, {}, body);
    server_side.requests.clear();
  }

  recording_client client_side;
  recording_server server_side;
  std::vector<header> headers;
  client_session client;
  server_session server;
  std::size_t moved_to_server = 0;

 private:
  template <class From, class To>
  bool move(From& from, To& to, std::size_t piece) {
    std::vector<std::uint8_t> bytes;
    from.produce(bytes, 1 << 20);
    if constexpr (std::is_same_v<To, server_session>) moved_to_server += bytes.size();
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      to.receive(std::span(bytes).subspan(i, std::min(piece, bytes.size() - i)));
    }
    return !bytes.empty();
  }
};

}  // namespace reveille::http2::testing
