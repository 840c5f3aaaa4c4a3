#include "kernels/dispersion/dispersion.hpp"

#include "kernels/dispatch.hpp"
#include "kernels/dispersion/dispersion_plan.hpp"
#include "kernels/peakfinder8/peakfinder8_background.hpp"

namespace etalon {

struct Dispersion::Impl {
  std::shared_ptr<const dispersion::Plan> plan;
  DispersionParameters parameters;
  dispersion::Scratch scratch;
};

Dispersion::Dispersion(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Dispersion::~Dispersion() = default;
Dispersion::Dispersion(Dispersion&&) noexcept = default;
Dispersion& Dispersion::operator=(Dispersion&&) noexcept = default;

Dispersion::Dispersion(const Dispersion& other) : impl_(std::make_unique<Impl>()) {
  impl_->plan = other.impl_->plan;
  impl_->parameters = other.impl_->parameters;
}
Dispersion& Dispersion::operator=(const Dispersion& other) { return *this = Dispersion(other); }

Result<Dispersion> Dispersion::create(const Geometry& geometry, const Mask& mask,
                                      const DispersionParameters& parameters) {
  ETALON_ASSIGN(dispersion::Plan plan, dispersion::make_plan(geometry, mask, parameters));
  auto impl = std::make_unique<Impl>();
  impl->plan = std::make_shared<const dispersion::Plan>(std::move(plan));
  impl->parameters = parameters;
  return Dispersion(std::move(impl));
}

Result<std::vector<Peak>> Dispersion::find(const ArrayView& image) {
  const dispersion::Plan& plan = *impl_->plan;
  dispersion::Scratch& scratch = impl_->scratch;
  const Shape expected{plan.ny, plan.nx};
  if (!(image.shape == expected))
    return Error{Errc::malformed, "dispersion: image of " + to_string(image.shape) + ": expected " +
                                      to_string(expected)};
  const dispersion::Scale scale =
      dispersion::scale_of(impl_->parameters, image.dtype == DType::f32);
  scratch.state.resize(plan.good.size());
  scratch.values.resize(plan.good.size());
  const bool taken = pf8::visit_image(image.dtype, [&](auto zero) {
    const auto pixels = image.as<decltype(zero)>();
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const std::int32_t w = pf8::working_value(pixels[i], scale.per_unit);
      scratch.values[i] = plan.good[i] != 0 ? w : pf8::bad_value;
    }
  });
  if (!taken)
    return Error{Errc::malformed, "dispersion: image of " + std::string(name_of(image.dtype)) +
                                      ": expected u8, u16, u32, i16, i32 or f32"};
  if (use_reference())
    dispersion::dispersed_ref(plan, scale, scratch);
  else
    dispersion::dispersed_simd(plan, scale, scratch);
  dispersion::keep_strong(plan, scale, impl_->parameters.extended, scratch);
  return dispersion::measure_groups(plan, impl_->parameters, scale, scratch);
}

}  // namespace etalon
