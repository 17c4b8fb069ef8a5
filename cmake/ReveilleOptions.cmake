# Flags, caches and the linker: everything that every target shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# Our own asserts stay on in release builds (they guard what only we can get wrong), so no -DNDEBUG.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g -D_GLIBCXX_ASSERTIONS")

add_library(reveille_options INTERFACE)
target_include_directories(reveille_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(reveille_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wswitch-enum -Werror)
find_package(Threads REQUIRED)
target_link_libraries(reveille_options INTERFACE Threads::Threads)

set(REVEILLE_SANITIZE "" CACHE STRING "Sanitizers to build with: empty, address,undefined or thread")
if(REVEILLE_SANITIZE)
  add_compile_options(-fsanitize=${REVEILLE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${REVEILLE_SANITIZE})
  # Instrumented, gcc 12 loses sight of what Boost.Beast and Boost.Optional initialise.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(REVEILLE_SANITIZE MATCHES "thread")
    # With its calls in between, gcc 12 loses sight of how long the text of a std::string is, and takes a vector of them
    # that grows (std::vector<pns::placed_fault>) for reading and writing beyond what was allocated.
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds> $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>)
    # It does not know std::atomic_thread_fence, which Asio and engine/store/doorbell.hpp use, and gcc says so at each. Both
    # only order flags there: what is handed over goes by a mutex or by an atomic that it does see.
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
  if(REVEILLE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

option(REVEILLE_FUZZ "Instrument the tree for libFuzzer and build tests/fuzz (clang only)" OFF)
if(REVEILLE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "REVEILLE_FUZZ needs -DCMAKE_CXX_COMPILER=clang++")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Precompiled headers need these allowances, see ccache(1) PRECOMPILED HEADERS.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    ${CCACHE_PROGRAM})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()

# One precompiled header for the library code and one for the tests.
file(WRITE "${CMAKE_BINARY_DIR}/pch/pch.cpp.in" "// carries the precompiled header\n")
configure_file("${CMAKE_BINARY_DIR}/pch/pch.cpp.in" "${CMAKE_BINARY_DIR}/pch/pch.cpp" COPYONLY)
add_library(reveille_pch OBJECT "${CMAKE_BINARY_DIR}/pch/pch.cpp")
target_link_libraries(reveille_pch PRIVATE reveille_options)
target_precompile_headers(reveille_pch PRIVATE
  <algorithm> <array> <cassert> <chrono> <cstddef> <cstdint> <cstring> <functional> <map> <memory>
  <optional> <span> <string> <string_view> <tuple> <unordered_map> <utility> <variant> <vector>)
