// Where a rank's time goes.
#pragma once

#include <chrono>
#include <cstdint>

namespace etalon::mpi {

struct Times {
  double preparing = 0, reading = 0, computing = 0, saving = 0;  // seconds
  double all = 0;  // from the start to where everything found is together
  std::uint64_t frames = 0;

  double busy() const { return reading + computing; }
  double waiting() const { return all - preparing - reading - computing - saving; }
};

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace etalon::mpi
