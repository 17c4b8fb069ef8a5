/// The real clock and the kernel's randomness: the only place below the programs that reads either.
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

}  // namespace reveille
