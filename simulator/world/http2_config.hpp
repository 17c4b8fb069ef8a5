/// How pushes fare in a world whose senders speak HTTP/2 over byte pipes: plain values, drawn from the seed.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/time.hpp"
#include "engine/push/push_config.hpp"

namespace reveille::world {

struct pipe_faults {
  nanoseconds fastest = std::chrono::microseconds(100);   ///< of a piece, one way
  nanoseconds slowest = std::chrono::milliseconds(40);
  nanoseconds slowest_drain = std::chrono::milliseconds(3);  ///< from a write to the next, as a full socket makes wait
  double refused = 0.02;               ///< the connection cannot be opened
  double cut = 0.004;                  ///< per write: lost somewhere in it
  double silence = 0.001;              ///< per write: from here on nothing passes, and nobody is told
};

/// What the services do beside answering. Shares are of the pushes that would have been accepted.
struct http2_faults {
  double unavailable = 0.02;           ///< 503
  double throttled = 0.005;            ///< 429
  double suspect = 0.005;              ///< 400 BadDeviceToken
  double stale_410 = 0.02;             ///< "dead since" a time before the last REGISTER
  double expired_bearer = 0.005;       ///< 403 ExpiredProviderToken
  double refused_stream = 0.02;
  double internal_error = 0.01;        ///< reset, which says nothing about the push
  double silence = 0.01;               ///< no answer at all
  double slow = 0.05;                  ///< the answer takes a second or more
  double lost_after_acceptance = 0.05; ///< accepted, never delivered
  std::uint32_t goaway_every = 60;
  std::uint32_t close_every = 150;
  seconds storm_after{0};              ///< all fails from then, counted from the beginning; 0 = never
  seconds storm{8};
  bool silent_storm = false;           ///< no answers, instead of 503
  seconds access_token_life{3599};
  std::uint32_t apns_streams = 1000;   ///< once a push has been accepted; 1 before
  std::uint32_t google_streams = 100;
  bool lower_streams_on_refusal = false;
  seconds clock_ahead{0};              ///< of the services' clock: bearer tokens expire so much earlier
};

struct http2_config {
  pipe_faults pipes;
  http2_faults services;
  std::uint16_t apns_connections = 1;
  std::uint16_t fcm_connections = 2;
  push_mistakes planted;
};

}  // namespace reveille::world
