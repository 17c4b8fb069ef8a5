/// How an accepted push reaches a simulated phone.
///
/// In one process: give mock_providers::server a device_sink. From a separate reveille-mock: connect a delivery_stream
/// to its control port, which feeds the same port from lines of JSON (the format is at the end of this file).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"
#include "pns/push_params.hpp"

namespace reveille::mock_providers {

/// One notification at a device. The views live during the call.
struct delivery {
  pns::provider provider = pns::provider::apns;
  std::string_view token;       ///< as in the request: the path of APNs, message.token or `to` of FCM
  std::string_view app;         ///< bundle id without suffix, or Firebase project
  std::string_view push_type;   ///< "voip", "alert", ...; "data" for FCM
  std::string_view id;          ///< apns-id, or FCM's message id
  std::string_view payload;     ///< JSON object: APNs' whole body, FCM's `data`
  wall_time accepted_at;        ///< when the provider answered 200
  wall_time delivered_at;       ///< later by the drawn latency, or by the time that the device was away
};

/// Port. Threads: called on the mock server's thread (delivery_stream: on the thread that calls read()); must not block
/// and must not call back into the server.
class device_sink {
 public:
  virtual ~device_sink() = default;
  virtual void deliver(const delivery& what) = 0;
};

/// The far end of a reveille-mock's control port. Threads: one.
class delivery_stream {
 public:
  /// Connects (blocking, loopback as a rule) and subscribes to every delivery.
  /// @param sink outlives the stream.
  static result<std::unique_ptr<delivery_stream>> connect(const std::string& host, std::uint16_t port,
                                                          device_sink& sink);
  virtual ~delivery_stream() = default;

  /// To poll for reading; owned by the stream.
  virtual int descriptor() const = 0;
  /// Takes what has arrived, without blocking, and calls the sink for each complete line. Malformed lines are counted.
  /// @return false once the mock is gone.
  virtual bool read() = 0;
  virtual std::uint64_t malformed() const = 0;

  /// The device goes out of reach: its provider keeps one notification per app for it (the newest), until it expires.
  /// Unknown tokens are made known. Blocks while the socket is full.
  virtual bool set_reachable(pns::provider provider, std::string_view token, bool reachable) = 0;
  /// The app was removed from the device at `when`: APNs answers 410 with that stamp, FCM UNREGISTERED.
  virtual bool unregister(pns::provider provider, std::string_view token, wall_time when) = 0;
};

/// One line of the control port, with its newline:
///   {"provider":"apns","token":"…","app":"com.example.phone","push_type":"voip","id":"…","accepted_at":ms,
///    "delivered_at":ms,"payload":{…}}
/// Lines to the mock: {"subscribe":true}, {"reachable":false,"provider":"apns","token":"…"},
/// {"unregister":ms,"provider":"fcm","token":"…"}, and the commands in docs/mock-providers.md. Appends to `out`.
void append_delivery_line(std::string& out, const delivery& what);

/// Reads such a line (without the newline) and calls the sink; false when it is none.
bool read_delivery_line(std::string_view line, device_sink& sink);

}  // namespace reveille::mock_providers
