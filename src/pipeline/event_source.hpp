// Several streams as one source: the parts of a frame stand one below the other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/frame_source.hpp"

namespace etalon {

// A source that gives frames of several detectors: see docs/stream.md. Takes ownership; `stop` ends
// the parts' waiting. Errc::usage for parts of different type or width.
Result<std::unique_ptr<FrameSource>> combine_sources(
    std::vector<std::unique_ptr<FrameSource>> parts, std::vector<std::string> names,
    std::chrono::milliseconds deadline, std::shared_ptr<std::atomic<bool>> stop,
    const SourceOptions& options);

// The geometry and mask of the whole from those of its parts: panels and places as they are, moved
// down; one panel a part where it has none.
Result<SeriesInfo> combined_info(const std::vector<SeriesInfo>& parts,
                                 const std::vector<std::string>& names);

}  // namespace etalon
