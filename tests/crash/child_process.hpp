/// Parts of a test that run in a process of their own.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

namespace reveille {

/// Runs `body` in a process of its own, so that this one never opens a store: RocksDB's threads do not survive a fork.
/// @return whether it came to its end without a failed expectation
template <class Body>
bool holds_in_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    std::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int how = 0;
  ::waitpid(child, &how, 0);
  return how == 0;
}

}  // namespace reveille
