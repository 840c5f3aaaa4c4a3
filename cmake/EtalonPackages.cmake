# What is linked, and from which Debian package it comes (tools/packages.txt lists them all).
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)         # libhwy-dev
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)       # libzstd-dev
if(NOT ETALON_CORE_ONLY)
  set(HDF5_PREFER_PARALLEL OFF)
  find_package(HDF5 REQUIRED COMPONENTS C)                     # libhdf5-dev
  if(HDF5_IS_PARALLEL)
    message(FATAL_ERROR "the HDF5 found is a parallel one; the serial one is needed (libhdf5-dev)")
  endif()
  find_package(BZip2 REQUIRED)                                 # libbz2-dev
  find_package(OpenSSL REQUIRED COMPONENTS Crypto)             # libssl-dev
  find_package(SQLite3 REQUIRED)                               # libsqlite3-dev
  find_package(nlohmann_json REQUIRED)                         # nlohmann-json3-dev
  find_package(tomlplusplus REQUIRED)                          # libtomlplusplus-dev
  find_package(CLI11 REQUIRED)                                 # libcli11-dev
  pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq)       # libzmq3-dev, cppzmq-dev
  # "-isystem DIR" of a .pc file is an include directory when CMake first runs and an option of the cache afterwards: the
  # same commands in another order, which would compile anew all that uses it. It is a directory always.
  set(zmq_directories "${ZMQ_CFLAGS}")
  list(REMOVE_ITEM zmq_directories -isystem)
  list(TRANSFORM zmq_directories REPLACE "^-I" "")
  set_target_properties(PkgConfig::ZMQ PROPERTIES INTERFACE_COMPILE_OPTIONS "" INTERFACE_INCLUDE_DIRECTORIES "${zmq_directories}")
  pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)  # libcpp-httplib-dev
  pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)       # liblz4-dev
  pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash) # libxxhash-dev
  pkg_check_modules(ZIP REQUIRED IMPORTED_TARGET libzip)       # libzip-dev
  pkg_check_modules(CAIRO REQUIRED IMPORTED_TARGET cairo)       # libcairo2-dev
endif()
# Optional: what is there is built, and `etalon version` says so.
option(ETALON_PYTHON "Build the Python package where pybind11 is installed" ON)
if(ETALON_PYTHON)
  set(Python_EXECUTABLE /usr/bin/python3 CACHE FILEPATH "Debian's Python")
  find_package(Python QUIET COMPONENTS Interpreter Development.Module) # python3-dev
  if(Python_FOUND)
    find_package(pybind11 CONFIG QUIET)                        # pybind11-dev
  endif()
endif()
option(ETALON_MPI "Build etalon-mpi where Open MPI and parallel HDF5 are installed" ON)
if(ETALON_MPI AND NOT ETALON_CORE_ONLY)
  find_package(MPI QUIET COMPONENTS C)                         # libopenmpi-dev
  pkg_check_modules(HDF5_MPI QUIET IMPORTED_TARGET hdf5-openmpi)  # libhdf5-openmpi-dev
endif()
option(ETALON_POSTGRES "Build ledgers on PostgreSQL where libpqxx is installed" ON)
if(ETALON_POSTGRES AND NOT ETALON_CORE_ONLY)
  pkg_check_modules(PQXX QUIET IMPORTED_TARGET libpqxx)        # libpqxx-dev
  pkg_check_modules(PQ QUIET IMPORTED_TARGET libpq)            # libpq-dev
endif()
if(ETALON_TESTS)
  find_package(GTest REQUIRED)                                 # libgtest-dev
  include(GoogleTest)
endif()
if(ETALON_BENCH)
  find_package(benchmark REQUIRED)                             # libbenchmark-dev
  pkg_check_modules(BLOSC REQUIRED IMPORTED_TARGET blosc)      # libblosc-dev
  pkg_check_modules(JXL REQUIRED IMPORTED_TARGET libjxl)       # libjxl-dev
  pkg_check_modules(CHARLS REQUIRED IMPORTED_TARGET charls)    # libcharls-dev
  # bitshuffle: an HDF5 plugin that exports the library's functions
  find_library(BITSHUFFLE_LIBRARY h5bshuf REQUIRED PATH_SUFFIXES hdf5/serial/plugins)
  find_library(ZFP_LIBRARY zfp REQUIRED)                       # libzfp-dev
endif()
