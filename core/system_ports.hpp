/// The real clock and the kernel's randomness: the only place below the programs that reads either. And what a thread in the
/// background asks of the kernel.
#pragma once

#include "core/random.hpp"
#include "core/time.hpp"

namespace reveille {

class system_clock_port final : public clock {
 public:
  instant now() const override;
};

/// Buffered getrandom(2); fit for secrets.
class system_random final : public random_source {
 public:
  std::uint64_t next() override;

 private:
  std::uint64_t pool_[32] = {};
  std::size_t left_ = 0;
};

/// The calling thread gets what time the others leave, from now on. If the kernel refuses, that costs speed alone.
void let_others_go_first();

}  // namespace reveille
