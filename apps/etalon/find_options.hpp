// What `etalon find` was asked.
#pragma once

#include "finder_options.hpp"

namespace etalon::cli {

struct FindOptions {
  std::string file, dataset, dtype, shape;
  FinderOptions finder;
  bool learn = false;  // --auto
  unsigned threads = 0;
  bool json = false, csv = false;
};

void add_find_options(Command& command, std::shared_ptr<FindOptions> options);

}  // namespace etalon::cli
