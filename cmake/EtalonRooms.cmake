# etalon_room(NAME [KNOWS room...] [LIBS target...] [TEST_LIBS target...] [WITHOUT file...]
#             [TOGETHER word])
#
# A room is the folder it is called from: every .cpp in it (and in its sub-folders) belongs to the room;
# *_test.cpp makes the room's unit-test program `NAME_test`, *_bench.cpp is built by bench/. The target is `etalon_NAME`.
function(etalon_room name)
  cmake_parse_arguments(ROOM "" "TOGETHER" "KNOWS;LIBS;TEST_LIBS;WITHOUT" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(name ${ROOM_WITHOUT})  # WITHOUT: names, without ".cpp", of what cannot be built here
    list(FILTER sources EXCLUDE REGEX "/${name}\\.cpp$")
  endforeach()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cpp$")

  list(TRANSFORM ROOM_KNOWS PREPEND etalon_)
  if(sources)
    add_library(etalon_${name} STATIC ${sources})
    target_precompile_headers(etalon_${name} PRIVATE ${ETALON_PRECOMPILED})
    set(scope PUBLIC)
    if(ETALON_SANITIZE)
      set_property(TARGET etalon_${name} PROPERTY COMPILE_DEFINITIONS ETALON_SANITIZED)
    endif()
  else()
    add_library(etalon_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(etalon_${name} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(etalon_${name} ${scope} ${ROOM_KNOWS} ${ROOM_LIBS})

  if(ETALON_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_compile_options(${name}_test PRIVATE ${ETALON_QUICK_COMPILE})
    target_precompile_headers(${name}_test PRIVATE ${ETALON_PRECOMPILED} <gtest/gtest.h>)
    target_link_libraries(${name}_test PRIVATE etalon_${name} ${ROOM_TEST_LIBS} GTest::gtest_main)
    etalon_discover(${name}_test unit ${ROOM_TOGETHER})
  endif()
endfunction()

# Registers each test of a GoogleTest program with ctest under one label; skipped tests are shown as skipped. Those with
# a word in their names that is given third are one test: they share in one process what is costly to start.
function(etalon_discover program label)
  set(settings LABELS ${label} TIMEOUT 300)
  set(filter)
  if(ARGC GREATER 2)
    set(filter TEST_FILTER "-*${ARGV2}*")
    add_test(NAME ${label}.${program}.${ARGV2} COMMAND ${program} --gtest_filter=*${ARGV2}*)
    set_tests_properties(${label}.${program}.${ARGV2} PROPERTIES ${settings}
      ENVIRONMENT "ETALON_SOURCE_DIR=${PROJECT_SOURCE_DIR}" SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
  endif()
  gtest_discover_tests(${program}
    TEST_PREFIX "${label}." DISCOVERY_TIMEOUT 60 ${filter}
    PROPERTIES ${settings}
    ENVIRONMENT "ETALON_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

# A test that is a script: exit 77 counts as skipped. Scripts take longer than unit tests and wait often: they start
# first (COST), so that what is short fills the gaps.
function(etalon_script_test name label)
  add_test(NAME ${label}.${name} COMMAND ${ARGN})
  set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT 900 COST 10
    ENVIRONMENT "ETALON_SOURCE_DIR=${PROJECT_SOURCE_DIR};ETALON_BINARY_DIR=${CMAKE_BINARY_DIR};ETALON=${CMAKE_BINARY_DIR}/bin/etalon")
endfunction()
