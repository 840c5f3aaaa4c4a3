// Coders of floating-point fields side by side: Etalon, zfp, and those of shared objects that are
// not in Debian and are built elsewhere.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/codec.hpp"

namespace etalon::bench {

// Takes a whole array and the largest absolute error, uses one thread.
struct FieldCoder {
  std::string name;
  std::function<Bytes(const ArrayView&, double bound)> encode;  // empty: it failed
  std::function<bool(ByteSpan, double bound, const MutableArrayView&)> decode;
};

// A container as `etalon compress` writes it.
FieldCoder etalon_fields(const std::string& name, const CompressOptions& options);
// zfp, fixed accuracy; at most four axes.
FieldCoder zfp_fields();
// NAME=PATH or NAME=PATH#MODE: a shared object with these two functions of C, extents slowest
// first, results 0 bytes and not 0 where they fail, `out` by malloc:
//   size_t compress(const void* data, int f64, int rank, const size_t* extents, double bound,
//                   int mode, char** out);
//   int decompress(const char* in, size_t size, int f64, int rank, const size_t* extents,
//                  double bound, int mode, void* out);
Result<FieldCoder> shared_object_fields(const std::string& argument);

// How a coder did on a field. Times are CPU seconds, the least of some runs.
struct FieldFigures {
  bool worked = false;
  double bytes = 0, encode_s = 0, decode_s = 0;
  double error = 0;          // largest, of finite elements
  double psnr = 0;           // over finite elements, dB
  double specials_lost = 0;  // NaN and infinities that did not come back as such
};
// In a process of its own, since some peers crash; they have 300 seconds. While a coder fails, the
// two slowest axes are taken together.
FieldFigures measure(const FieldCoder& coder, const ArrayView& field, double bound);

}  // namespace etalon::bench
