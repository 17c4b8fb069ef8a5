#include "actors/parked_call.hpp"

#include <gtest/gtest.h>

namespace reveille {
namespace {

using enum parked_state;
using enum parked_action;
using ev = parked_event;

struct row {
  parked_state from;
  parked_event event;
  parked_state next;
  parked_action action;
};

void PrintTo(const row& r, std::ostream* out) { *out << name_of(r.from) << " on " << name_of(r.event); }

constexpr row table[] = {
    // from   event                      next     action
    {held, ev::push_queued, pushed, none},
    {held, ev::push_refused, refused, start_refused_grace},
    {held, ev::registered_here, dialled, dial},  // before its push was sent: released at once
    {held, ev::registered_elsewhere, dialled, dial},
    {held, ev::unregistered, left, start_left_grace},
    {held, ev::provisional, held, none},
    {held, ev::answered, held, none},
    {held, ev::rejected, held, none},
    {held, ev::lost, held, none},
    {held, ev::grace_over, held, none},
    {held, ev::call_over, ended, none},

    {pushed, ev::push_queued, pushed, none},
    {pushed, ev::push_refused, refused, start_refused_grace},
    {pushed, ev::registered_here, dialled, dial},
    {pushed, ev::registered_elsewhere, dialled, dial},
    {pushed, ev::unregistered, left, start_left_grace},
    {pushed, ev::provisional, pushed, none},
    {pushed, ev::answered, pushed, none},
    {pushed, ev::rejected, pushed, none},
    {pushed, ev::lost, pushed, none},
    {pushed, ev::grace_over, pushed, none},
    {pushed, ev::call_over, ended, none},

    {silent, ev::push_queued, silent, none},
    {silent, ev::push_refused, refused, start_refused_grace},
    {silent, ev::registered_here, dialled, dial},
    {silent, ev::registered_elsewhere, dialled, dial},
    {silent, ev::unregistered, left, start_left_grace},
    {silent, ev::provisional, silent, none},
    {silent, ev::answered, silent, none},
    {silent, ev::rejected, silent, none},
    {silent, ev::lost, silent, none},
    {silent, ev::grace_over, silent, none},
    {silent, ev::call_over, ended, none},

    {refused, ev::push_queued, refused, none},
    {refused, ev::push_refused, refused, none},
    {refused, ev::registered_here, dialled, dial},  // within the grace a REGISTER still releases
    {refused, ev::registered_elsewhere, dialled, dial},
    {refused, ev::unregistered, left, start_left_grace},
    {refused, ev::provisional, refused, none},
    {refused, ev::answered, refused, none},
    {refused, ev::rejected, refused, none},
    {refused, ev::lost, refused, none},
    {refused, ev::grace_over, ended, end_undialled},
    {refused, ev::call_over, ended, none},

    {left, ev::push_queued, left, none},
    {left, ev::push_refused, left, none},
    {left, ev::registered_here, dialled, dial},  // some apps un-register, then register, on waking
    {left, ev::registered_elsewhere, dialled, dial},
    {left, ev::unregistered, left, none},
    {left, ev::provisional, left, none},
    {left, ev::answered, left, none},
    {left, ev::rejected, left, none},
    {left, ev::lost, left, none},
    {left, ev::grace_over, ended, end_undialled},
    {left, ev::call_over, ended, none},

    {dialled, ev::push_queued, dialled, none},  // ECSS-10: the push still goes out
    {dialled, ev::push_refused, dialled, none},
    {dialled, ev::registered_here, dialled, resend},  // at most one live INVITE, but one that arrives
    {dialled, ev::registered_elsewhere, dialled, redial},
    {dialled, ev::unregistered, dialled, none},
    {dialled, ev::provisional, ringing, none},
    {dialled, ev::answered, ended, none},
    {dialled, ev::rejected, ended, none},
    {dialled, ev::lost, woken, none},
    {dialled, ev::grace_over, dialled, none},
    {dialled, ev::call_over, ended, none},

    {ringing, ev::push_queued, ringing, none},
    {ringing, ev::push_refused, ringing, none},
    {ringing, ev::registered_here, ringing, none},  // REGISTERs after a 18x cause nothing
    {ringing, ev::registered_elsewhere, ringing, none},
    {ringing, ev::unregistered, ringing, none},
    {ringing, ev::provisional, ringing, none},
    {ringing, ev::answered, ended, none},
    {ringing, ev::rejected, ended, none},
    {ringing, ev::lost, ended, none},
    {ringing, ev::grace_over, ringing, none},
    {ringing, ev::call_over, ended, none},

    {woken, ev::push_queued, woken, none},
    {woken, ev::push_refused, woken, none},
    {woken, ev::registered_here, dialled, dial},  // the same address may have come back to life
    {woken, ev::registered_elsewhere, dialled, dial},
    {woken, ev::unregistered, left, start_left_grace},
    {woken, ev::provisional, woken, none},
    {woken, ev::answered, woken, none},
    {woken, ev::rejected, woken, none},
    {woken, ev::lost, woken, none},
    {woken, ev::grace_over, woken, none},
    {woken, ev::call_over, ended, none},
};

class ParkedCallTransition : public ::testing::TestWithParam<row> {};

TEST_P(ParkedCallTransition, FollowsTheTable) {
  const row& r = GetParam();
  const parked_step got = advance(r.from, r.event);
  EXPECT_STREQ(name_of(got.next), name_of(r.next));
  EXPECT_STREQ(name_of(got.action), name_of(r.action));
}
INSTANTIATE_TEST_SUITE_P(Table, ParkedCallTransition, ::testing::ValuesIn(table));

TEST(ParkedCall, NothingRevivesADeviceThatHasEnded) {
  for (int e = 0; e <= static_cast<int>(ev::call_over); ++e) {
    EXPECT_EQ(advance(ended, static_cast<ev>(e)), (parked_step{ended, none})) << e;
  }
}

TEST(ParkedCall, TheTableIsTotal) {
  EXPECT_EQ(std::size(table), 8u * 11u);
}

TEST(ParkedCall, IsParkedOrLiveOrEndedButNeverTwo) {
  for (int s = 0; s <= static_cast<int>(ended); ++s) {
    const auto state = static_cast<parked_state>(s);
    EXPECT_EQ(is_parked(state) + is_live(state) + (state == ended), 1) << name_of(state);
  }
}

}  // namespace
}  // namespace reveille
