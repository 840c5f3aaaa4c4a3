// What an analysis has found in the ranges that were looked at.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "analyse/frame_ranges.hpp"
#include "base/bytes.hpp"
#include "base/stopwatch.hpp"
#include "hand_out.hpp"
#include "store/series_reader.hpp"
#include "times.hpp"
#include "waiting.hpp"

namespace etalon::mpi {

// What goes on around the frames of a range.
class Steps {
 public:
  Steps(HandOut& hand_out, Times& times) : hand_out_(hand_out), times_(times) {}

  // Before a frame is read: others are answered, the next range is asked for.
  void begin_frame(bool last) {
    hand_out_.attend();
    if (last) hand_out_.ask();
  }
  Result<Frame> read(SeriesReader& reader, std::uint64_t index) {
    const Stopwatch reading(times_.reading);
    return reader.read(index);
  }
  double& reading() { return times_.reading; }

 private:
  HandOut& hand_out_;
  Times& times_;
};

class Findings {
 public:
  virtual ~Findings() = default;
  // All frames of a range, or an error. What is added up is not fit for use after an error; what is
  // kept by ranges has those that were whole.
  virtual Result<void> look_at(std::uint64_t number, const FrameRange& range, Steps& steps) = 0;
  // Whether ranges are added up: then pack() gives all of them, whichever are asked for.
  virtual bool adds_up() const = 0;
  virtual Bytes pack(std::span<const std::uint64_t> ranges) = 0;
  // Adds what another has packed of these ranges, which have so many frames; nothing on an error.
  virtual Result<void> merge(std::span<const std::uint64_t> ranges, std::uint64_t frames,
                             ByteSpan packed) = 0;
};

using MakeFindings = std::function<std::unique_ptr<Findings>()>;

// Findings that are kept by ranges. A derived class looks at a range, and packs and unpacks one.
template <typename OfRange>
class FindingsByRange : public Findings {
 public:
  bool adds_up() const override { return false; }
  Result<void> look_at(std::uint64_t number, const FrameRange& range, Steps& steps) override {
    ETALON_ASSIGN(OfRange found, find(range, steps));
    found_[number] = std::move(found);
    return {};
  }
  Bytes pack(std::span<const std::uint64_t> ranges) override {
    ByteWriter out;
    for (const std::uint64_t range : ranges) put(out, found_.at(range));
    return out.take();
  }
  Result<void> merge(std::span<const std::uint64_t> ranges, std::uint64_t frames,
                     ByteSpan packed) override {
    ByteReader in(packed);
    std::map<std::uint64_t, OfRange> more;
    std::uint64_t seen = 0;
    for (const std::uint64_t range : ranges) {
      ETALON_ASSIGN(OfRange found, get(in, range));
      seen += frames_of(found);
      more[range] = std::move(found);
    }
    if (!in.done() || seen != frames)
      return Error{Errc::malformed, "findings of other frames than its ranges have"};
    found_.merge(more);
    return {};
  }
  const std::map<std::uint64_t, OfRange>& found() const { return found_; }

 protected:
  virtual Result<OfRange> find(const FrameRange& range, Steps& steps) = 0;
  virtual void put(ByteWriter& out, const OfRange& found) const = 0;
  virtual Result<OfRange> get(ByteReader& in, std::uint64_t range) const = 0;
  virtual std::uint64_t frames_of(const OfRange& found) const = 0;

 private:
  std::map<std::uint64_t, OfRange> found_;
};

}  // namespace etalon::mpi
