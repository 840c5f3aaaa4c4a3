// The state of an edge for Prometheus (text exposition format 0.0.4).
#pragma once

#include <string>

#include "pipeline/edge.hpp"

namespace etalon {

std::string edge_metrics(const EdgeStatus& status);

}  // namespace etalon
