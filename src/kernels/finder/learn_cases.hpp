// Series whose spots are known, to learn settings from and to judge them.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/finder/finder.hpp"
#include "kernels/peakfinder8/peakfinder8_cases.hpp"

namespace etalon::learning {

struct Series {
  Geometry geometry;
  std::vector<Array> frames;
  std::vector<std::vector<std::array<double, 2>>> spots;  // y, x

  // Photons times `gain`: a background of `level` and spots of `height` above it.
  Series(double level, double height, double gain, std::size_t spots_a_frame, std::uint64_t seed) {
    geometry.ny = 220;
    geometry.nx = 240;
    geometry.centre_y = 108.3;
    geometry.centre_x = 121.6;
    pf8::Dice dice(seed);
    const std::vector<float> radius = radius_map(geometry);
    for (int frame = 0; frame < 5; ++frame) {
      std::vector<double> rate(geometry.pixels());
      for (std::size_t i = 0; i < rate.size(); ++i)
        rate[i] = level * (0.3 + std::exp(-std::pow(double{radius[i]} / 60 - 1, 2)));
      spots.emplace_back();
      for (std::size_t i = 0; i < spots_a_frame; ++i) {
        const double cy = 5 + 210 * dice.unit(), cx = 5 + 230 * dice.unit();
        spots.back().push_back({cy, cx});
        for (int dy = -3; dy <= 3; ++dy)
          for (int dx = -3; dx <= 3; ++dx) {
            const double y = std::floor(cy) + dy, x = std::floor(cx) + dx;
            const double r2 = (y - cy) * (y - cy) + (x - cx) * (x - cx);
            rate[static_cast<std::size_t>(y) * 240 + static_cast<std::size_t>(x)] +=
                height * std::exp(-r2 / 1.3);
          }
      }
      std::vector<std::int64_t> image(rate.size());
      for (std::size_t i = 0; i < rate.size(); ++i)
        image[i] = static_cast<std::int64_t>(
            std::lround(gain * static_cast<double>(dice.photons(std::min(rate[i], 600.0)))));
      frames.push_back(pf8::as_type(image, DType::i32, geometry));
    }
  }

  struct Score {
    double found, invented;  // shares of the spots
  };
  Score judge(const FinderSettings& settings) const {
    auto finder = Finder::create(geometry, Mask(geometry.pixels(), 1), settings);
    std::size_t there = 0, found = 0, invented = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const std::vector<Peak> peaks = *finder->find(frames[i].view());
      const auto near = [](const Peak& p, const std::array<double, 2>& spot) {
        return std::hypot(double{p.y} - spot[0], double{p.x} - spot[1]) < 2.5;
      };
      for (const auto& spot : spots[i])
        found += std::any_of(peaks.begin(), peaks.end(), [&](auto& p) { return near(p, spot); });
      for (const Peak& p : peaks)
        invented += std::none_of(spots[i].begin(), spots[i].end(),
                                 [&](auto& spot) { return near(p, spot); });
      there += spots[i].size();
    }
    return {double(found) / double(there), double(invented) / double(there)};
  }
};

}  // namespace etalon::learning
