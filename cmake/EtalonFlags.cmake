# Flags for every target. Floating point that decides bytes or peaks is defined to the bit, hence no contraction;
# instruction sets are chosen at run time, hence no -march.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -ffp-contract=off)
# g++ 12 sees overlapping copies and strings of 2^63 bytes in std::string (GCC bug 105651) and unset members of
# std::variant that are not there.
add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                    $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow> $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>
                    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
# Three instruction sets cover the x86-64 machines in use (older ones run the reference); fewer compile faster.
add_compile_definitions(
  "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_AVX3_DL)")
if(ETALON_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
if(ETALON_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
# For files without loops over pixels, and for tests: what takes time lies in the rooms, and -O1 compiles in two
# thirds of the time.
set(ETALON_QUICK_COMPILE $<$<CONFIG:Release>:-O1>)
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # What it needs to know of precompiled headers.
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()
# What nearly every file includes, compiled once a room; a file names what it uses all the same.
set(ETALON_PRECOMPILED <algorithm> <array> <chrono> <cmath> <cstdint> <filesystem> <functional> <limits> <map> <memory>
  <mutex> <optional> <span> <string> <string_view> <utility> <variant> <vector>)
