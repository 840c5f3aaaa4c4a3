# libetalon: what the public headers promise, base to codec in one shared library; found by find_package(etalon) and pkg-config.
include(CMakePackageConfigHelpers)

add_library(etalon_shared SHARED
  $<TARGET_OBJECTS:etalon_base> $<TARGET_OBJECTS:etalon_frame>
  $<TARGET_OBJECTS:etalon_kernels> $<TARGET_OBJECTS:etalon_codec>)
add_library(etalon::etalon ALIAS etalon_shared)
set_target_properties(etalon_shared PROPERTIES
  OUTPUT_NAME etalon EXPORT_NAME etalon VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_include_directories(etalon_shared INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(etalon_shared INTERFACE cxx_std_20)
target_link_libraries(etalon_shared PRIVATE PkgConfig::HWY PkgConfig::ZSTD Threads::Threads)

install(TARGETS etalon_shared EXPORT etalon LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/etalon DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET etalon_cli)
  install(TARGETS etalon_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET etalon_mpi)
  install(TARGETS etalon_mpi etalon_mpi_analyse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET h5etalon)
  install(TARGETS h5etalon LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/hdf5/plugins)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/etalon)
install(EXPORT etalon NAMESPACE etalon:: FILE etalonTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/etalonConfig.cmake.in etalonConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(etalonConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/etalonConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/etalonConfigVersion.cmake DESTINATION ${package_dir})
file(RELATIVE_PATH up_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/etalon.pc.in etalon.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/etalon.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
