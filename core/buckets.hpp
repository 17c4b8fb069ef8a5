/// The fixed bucket bounds of our histograms, in seconds or items. Chosen once: changing one breaks every recorded
/// rate.
#pragma once

namespace reveille::buckets {

/// Work inside the node: REGISTER, store operations. From 100 us (a memtable write) to 1 s (a stalled disk).
inline constexpr double fast[] = {.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1};
/// REGISTER of a woken phone to its INVITE with the kernel: tens of microseconds while there is a core to spare.
inline constexpr double release[] = {.00001, .00002, .00003, .00005, .000075, .0001, .00015, .00025, .0005,
                                     .001,   .0025,  .005,   .01,    .025,    .05,   .1,     .25,    1};
/// A push, from the order to the provider's answer.
inline constexpr double push[] = {.005, .01, .025, .05, .1, .15, .25, .5, 1, 2.5, 5, 10};
/// A phone that wakes: radio, operating system, app, REGISTER.
inline constexpr double wake[] = {.1, .25, .5, .75, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 20, 30};
/// INVITE in to INVITE out: 1 ms when dialled at once, up to the answer deadline when parked.
inline constexpr double post_dial[] = {.001, .005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2, 3, 5, 10, 20, 30};
/// Items of one batch.
inline constexpr double batch[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
/// Missed calls told by one push.
inline constexpr double told[] = {1, 2, 3, 5, 10, 20, 50, 100};

}  // namespace reveille::buckets
