#include "sim/vlasov.hpp"

#include <algorithm>
#include <string>

#include "sim/advection.hpp"
#include "sim/electrostatics.hpp"
#include "sim/phase_space.hpp"

namespace etalon {
namespace {

Result<void> check(const VlasovParameters& p) {
  const auto fail = [](const std::string& what) { return Error{Errc::usage, "vlasov: " + what}; };
  const auto within = [](double x, double low, double high) { return x >= low && x <= high; };
  if (p.shape.rank() < 2) return fail("the shape has 2 to 6 axes, positions then velocities");
  for (std::size_t n : p.shape.extents())
    if (n < 6) return fail("the shape: an axis has at least 6 points");
  if (p.shape.count() > std::size_t{1} << 30) return fail("the shape: more than 2^30 points");
  if (!within(p.wavenumber, 1e-3, 1e3)) return fail("the wave number is 0.001 to 1000");
  if (!within(p.amplitude, 0, 1)) return fail("the amplitude is 0 to 1");
  if (!within(p.fastest, 1, 100)) return fail("the fastest velocity is 1 to 100");
  if (!within(p.time_step, 1e-6, 10)) return fail("the time step is 0.000001 to 10");
  return {};
}

}  // namespace

struct VlasovSimulation::Impl {
  Impl(const VlasovParameters& p, unsigned threads)
      : parameters(p), space(p), workers(threads), f(initial_distribution(p, space, workers)) {}

  // f moves along position `axis` by what each velocity does in the time.
  void move(std::size_t axis, double time) {
    const std::size_t n = space.shape[axis], own = space.positions() + axis;
    const std::size_t stride = space.stride(axis), run = space.stride(own);
    const std::size_t speeds = space.shape[own], groups = stride / run;
    const double cells = time * static_cast<double>(n) / space.edge;
    const std::size_t total = f.size() / (n * run);
    constexpr std::size_t at_once = 64;
    workers.for_each((total + at_once - 1) / at_once, [&](std::size_t block) {
      for (std::size_t i = block * at_once; i < std::min(total, (block + 1) * at_once); ++i)
        shift_lines({&f[i / groups * n * stride + i % groups * run], n, stride, run},
                    space.velocity(i % speeds, speeds) * cells);
    });
  }

  // f moves along every velocity that has a position by what the field does in the time.
  void kick(double time) {
    const auto field = this->field();
    const std::size_t per_cell = space.velocities.count();
    workers.for_each(space.cells.count(), [&](std::size_t cell) {
      for (std::size_t axis = 0; axis < space.positions(); ++axis) {
        const std::size_t n = space.velocities[axis];
        const std::size_t stride = space.stride(space.positions() + axis);
        const double points =
            -field[axis][cell] * time * static_cast<double>(n) / (2 * space.fastest);
        for (std::size_t outer = 0; outer < per_cell; outer += n * stride)
          shift_lines({&f[cell * per_cell + outer], n, stride, stride}, points);
      }
    });
  }

  std::vector<double> density() {
    const std::size_t per_cell = space.velocities.count();
    std::vector<double> out(space.cells.count());
    workers.for_each(out.size(), [&](std::size_t cell) {
      double sum = 0;
      for (std::size_t i = 0; i < per_cell; ++i) sum += f[cell * per_cell + i];
      out[cell] = sum * space.velocity_volume;
    });
    return out;
  }

  std::vector<std::vector<double>> field() {
    std::vector<double> charge = density();
    for (double& n : charge) n = 1 - n;
    return electric_field(space.cells, space.edge, charge, workers);
  }

  VlasovParameters parameters;
  PhaseSpace space;
  Workers workers;
  std::vector<double> f;
};

VlasovSimulation::VlasovSimulation(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VlasovSimulation::VlasovSimulation(VlasovSimulation&&) noexcept = default;
VlasovSimulation& VlasovSimulation::operator=(VlasovSimulation&&) noexcept = default;
VlasovSimulation::~VlasovSimulation() = default;

Result<VlasovSimulation> VlasovSimulation::create(const VlasovParameters& p, unsigned threads) {
  ETALON_TRY(check(p));
  return VlasovSimulation(std::make_unique<Impl>(p, threads));
}

void VlasovSimulation::step() {
  const double time = impl_->parameters.time_step;
  const std::size_t positions = impl_->space.positions();
  for (std::size_t axis = 0; axis < positions; ++axis) impl_->move(axis, time / 2);
  impl_->kick(time);
  for (std::size_t axis = 0; axis < positions; ++axis) impl_->move(axis, time / 2);
}

Array VlasovSimulation::distribution(DType dtype) const {
  Array out(dtype, impl_->space.shape);
  if (dtype == DType::f32)
    std::ranges::transform(impl_->f, out.as<float>().begin(),
                           [](double x) { return static_cast<float>(x); });
  else
    std::ranges::copy(impl_->f, out.as<double>().begin());
  return out;
}

double VlasovSimulation::electrons() const {
  double sum = 0;
  for (double n : impl_->density()) sum += n;
  return sum * impl_->space.cell_volume;
}

double VlasovSimulation::field_energy() const {
  double sum = 0;
  for (const auto& component : impl_->field())
    for (double e : component) sum += e * e;
  return 0.5 * sum * impl_->space.cell_volume;
}

}  // namespace etalon
