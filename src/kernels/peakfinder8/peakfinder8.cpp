#include "kernels/peakfinder8/peakfinder8.hpp"

#include "kernels/dispatch.hpp"
#include "kernels/peakfinder8/peakfinder8_groups.hpp"

namespace etalon {

struct PeakFinder8::Impl {
  std::shared_ptr<const pf8::Plan> plan;
  PeakParameters parameters;
  pf8::RingScratch rings;
  pf8::GroupScratch groups;
  pf8::Background background;
};

PeakFinder8::PeakFinder8(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PeakFinder8::~PeakFinder8() = default;
PeakFinder8::PeakFinder8(PeakFinder8&&) noexcept = default;
PeakFinder8& PeakFinder8::operator=(PeakFinder8&&) noexcept = default;

PeakFinder8::PeakFinder8(const PeakFinder8& other) : impl_(std::make_unique<Impl>()) {
  impl_->plan = other.impl_->plan;
  impl_->parameters = other.impl_->parameters;
}
PeakFinder8& PeakFinder8::operator=(const PeakFinder8& other) { return *this = PeakFinder8(other); }

Result<PeakFinder8> PeakFinder8::create(const Geometry& geometry, const Mask& mask,
                                        const PeakParameters& parameters) {
  ETALON_ASSIGN(pf8::Plan plan, pf8::make_plan(geometry, mask, parameters));
  auto impl = std::make_unique<Impl>();
  impl->plan = std::make_shared<const pf8::Plan>(std::move(plan));
  impl->parameters = parameters;
  return PeakFinder8(std::move(impl));
}

Result<void> PeakFinder8::set_sensitivity(float threshold, float snr) {
  PeakParameters changed = impl_->parameters;
  changed.threshold = threshold;
  changed.snr = snr;
  ETALON_TRY(pf8::check_parameters(changed));
  impl_->parameters = changed;
  return {};
}

Result<std::vector<Peak>> PeakFinder8::find(const ArrayView& image) {
  Impl& own = *impl_;
  const Shape expected{own.plan->ny, own.plan->nx};
  if (!(image.shape == expected))
    return Error{Errc::malformed, "peakfinder8: image of " + to_string(image.shape) +
                                      ": expected " + to_string(expected)};
  if (!pf8::visit_image(image.dtype, [](auto) {}))
    return Error{Errc::malformed, "peakfinder8: image of " + std::string(name_of(image.dtype)) +
                                      ": expected u8, u16, u32, i16, i32 or f32"};
  const pf8::Scale scale = image.dtype == DType::f32 ? pf8::f32_scale(own.parameters)
                                                     : pf8::integer_scale(own.parameters);
  if (use_reference())
    pf8::background_ref(*own.plan, scale, image, own.background);
  else
    pf8::background_simd(*own.plan, scale, image, own.rings, own.background);
  return pf8::measure_groups(*own.plan, own.parameters, scale, image, own.background, own.groups);
}

}  // namespace etalon
