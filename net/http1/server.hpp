/// A small HTTP/1.1 server for operators: /metrics, health, the admin API. One thread of its own; connections, header,
/// body and time are bounded, so that a forgotten scraper or a stranger cannot cost the node anything.
///
/// Who connects is always heard (SPEC 8.4): when all places are taken, the connection that has waited longest without a
/// complete request head is closed. When each of them has one, a last place is kept for requests of probe_paths. One
/// file descriptor is kept back too, for when the process has no other.
///
/// Threads: the handler runs on the server's thread, one request at a time. Errors: start() says why it cannot listen;
/// whatever a peer does is answered with a status or a closed connection; a handler that throws costs its request a 500
/// (503 when memory was refused), nothing else.
#pragma once

#include "core/flow.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "net/http1/server_options.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace reveille::http1 {

struct request {
  std::string method;         ///< "GET"
  std::string path;           ///< as sent, without the query
  std::string query;          ///< after '?', as sent
  std::string authorization;  ///< the header's value, or ""
  std::string host;           ///< likewise; only HTTP/1.0 may leave it out
  std::string origin;         ///< likewise
  std::string body;
  endpoint peer;
};

struct response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;  ///< of a 405
};

using handler = std::function<response(const request&)>;

/// Plain numbers; any thread.
struct server_counters {
  std::uint64_t requests = 0;
  std::uint64_t refused_connections = 0;  ///< closed to make room for another, or for want of room or descriptors
  std::uint64_t bad_requests = 0;         ///< malformed, too large, too slow, or of a foreign web page
  std::uint64_t failed_requests = 0;      ///< whose handler threw
  std::size_t connections = 0;            ///< open now
};

class server {
 public:
  static result<std::unique_ptr<server>> start(const server_options& options, handler answer);
  /// Closes everything; the handler is not called any more when it returns.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  endpoint listening() const;  ///< with the port that was given
  server_counters counters() const;

 private:
  class impl;
  explicit server(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille::http1
