// etalon._core.SeriesEncoder.
#pragma once

#include "arrays.hpp"

namespace etalon::python {

void add_series(py::module_& module);

}  // namespace etalon::python
