// Edge and centre in one process, over a real socket between them.
#pragma once

#include "pipeline/collect.hpp"
#include "pipeline/edge.hpp"

namespace etalon {

struct RunReport {
  EdgeReport edge;
  CollectReport centre;
};

// Both halves of a recipe on a free port of this machine. `edge.address`, `centre.edge_failed` are
// set here.
Result<RunReport> run_both(const Recipe& recipe, EdgeOptions edge, CollectOptions centre);

// The collector's socket as a recipe describes it.
Result<Receiver> bind_receiver(const Recipe& recipe, const std::string& address);

}  // namespace etalon
