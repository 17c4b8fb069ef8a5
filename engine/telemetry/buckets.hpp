/// The bucket bounds of the ground floor, where the engine's rooms look for them.
#pragma once

#include "core/buckets.hpp"
