// Frames of detectors' streams.
#pragma once

#include <memory>
#include <string>

#include "pipeline/frame_source.hpp"

namespace etalon {

// What open_frames() does with an address, or several with commas between.
Result<std::unique_ptr<FrameSource>> open_stream(const Recipe& recipe, const std::string& source,
                                                 const SourceOptions& options);

}  // namespace etalon
