#include "pipeline/edge_records.hpp"

#include "etalon/version.hpp"
#include "kernels/jungfrau/jungfrau.hpp"
#include "stream/message_body.hpp"

namespace etalon {
namespace {

using cbor::List;
using cbor::Value;

Record step(std::string kind, std::vector<Artifact> inputs, std::vector<Artifact> outputs,
            Value settings) {
  return {std::move(kind), std::move(inputs), std::move(outputs), std::move(settings),
          std::string(program)};
}

void set_peakfinder8(const PeakParameters& p, Value& v) {
  v.set("threshold", double{p.threshold});
  v.set("snr", double{p.snr}).set("min_pixels", p.min_pixels).set("max_pixels", p.max_pixels);
  v.set("local_radius", p.local_radius).set("min_radius", double{p.min_radius});
  v.set("max_radius", double{p.max_radius});
}

void set_dispersion(const DispersionParameters& p, Value& v) {
  v.set("threshold", double{p.threshold}).set("gain", double{p.gain});
  v.set("kernel_size", List{p.kernel_size[0], p.kernel_size[1]}).set("min_local", p.min_local);
  v.set("sigma_background", double{p.sigma_background});
  v.set("sigma_strong", double{p.sigma_strong}).set("max_separation", double{p.max_separation});
  v.set("min_pixels", p.min_pixels).set("max_pixels", p.max_pixels);
  v.set("min_radius", double{p.min_radius}).set("max_radius", double{p.max_radius});
}

Value find_settings(const Recipe::Find& find, const Geometry& geometry) {
  Value v;
  v.set("method", semantics_of(find.method));
  if (find.method == FindMethod::peakfinder8)
    set_peakfinder8(find.parameters, v);
  else
    set_dispersion(find.dispersion, v);
  v.set("centre_x", geometry.centre_x).set("centre_y", geometry.centre_y);
  if (find.ice_rings != 0) v.set("ice_rings", find.ice_rings);
  if (find.max_elongation != 0) v.set("max_elongation", find.max_elongation);
  return v;
}

Value reduce_settings(const Recipe::Reduce& reduce) {
  List regions;
  for (const RegionRule& rule : reduce.regions) {
    Value v;
    v.set("kind", rule.spec.kind).set("bound", bound_value(rule.spec.bound));
    if (rule.spec.kind == "peaks") v.set("half", rule.half);
    for (const auto& [key, value] : rule.spec.parameters) v.set(key, value);
    regions.push_back(std::move(v));
  }
  Value v;
  v.set("bound", bound_value(reduce.bound)).set("regions", std::move(regions));
  return v;
}

}  // namespace

Value bound_value(const Bound& bound) { return Value(to_string(bound)); }

Artifact record_artifact(const Record& record) { return {"record", record.id(), ""}; }

void EdgeJournal::peaks(std::uint64_t number, const std::vector<Peak>& peaks) {
  ByteWriter head;
  head.put(number);
  head.put(static_cast<std::uint64_t>(peaks.size()));
  peaks_.add(head.buffer());
  peaks_.add(wire::pack_peaks(peaks));
  peaks_found_ += peaks.size();
}

void EdgeJournal::kept(const FrameSum& raw_sum, ByteSpan chunk) {
  kept_.push_back(raw_sum);
  chunks_.push_back(frame_sum(chunk));
}

void EdgeJournal::vetoed(const VetoRow& row) { vetoed_.push_back(row.raw_sum); }

std::vector<Record> EdgeJournal::records(const Recipe& recipe, const SeriesInfo& info,
                                         const Calibration& calibration,
                                         const std::vector<Artifact>& files,
                                         const std::vector<Artifact>& region_files,
                                         const std::map<std::string, std::uint64_t>& lost) {
  std::vector<Record> out;
  const Artifact recipe_file{"recipe", recipe.hash, ""};

  Value source;
  source.set("name", info.name).set("dataset", recipe.source.dataset);
  source.set("first", recipe.source.first).set("frames", raw_.size());
  source.set("dtype", name_of(info.dtype)).set("shape", List{info.geometry.ny, info.geometry.nx});
  if (!lost.empty()) {
    Value causes;
    for (const auto& [cause, count] : lost) causes.set(cause, count);
    source.set("lost", std::move(causes));
  }
  std::vector<Artifact> inputs = files;
  inputs.push_back(recipe_file);
  out.push_back(step("source", inputs, {{"frames", merkle_root(raw_), ""}}, source));

  Value mask;
  mask.set("pixel_mask", recipe.calibrate.pixel_mask)
      .set("mask_invalid", recipe.calibrate.mask_invalid);
  mask.set("masked", calibration.masked.all).set("masked_source", calibration.masked.source);
  mask.set("masked_file", calibration.masked.file)
      .set("masked_invalid", calibration.masked.invalid);
  mask.set("mask_sha256", calibration.hash.hex());
  if (recipe.calibrate.detector == "camera") mask.set("detector", "flat field");
  if (recipe.calibrate.detector == "jungfrau")
    mask.set("detector", jungfrau::semantics)
        .set("energy_kev", recipe.calibrate.energy_kev)
        .set("common_mode", recipe.calibrate.common_mode);
  inputs = {record_artifact(out.back())};
  if (calibration.mask_file) inputs.push_back({"mask", *calibration.mask_file, ""});
  if (calibration.geometry_file) inputs.push_back({"geometry", *calibration.geometry_file, ""});
  out.push_back(step("calibrate", inputs, {}, mask));

  Value find = find_settings(recipe.find, info.geometry);
  find.set("peaks", peaks_found_);
  out.push_back(
      step("find", {record_artifact(out.back())}, {{"peaks", peaks_.finish(), ""}}, find));

  Value veto;
  veto.set("min_peaks", recipe.veto.min_peaks).set("max_peaks", recipe.veto.max_peaks);
  veto.set("kept", kept_.size()).set("vetoed", vetoed_.size());
  out.push_back(step("veto", {record_artifact(out.back())},
                     {{"kept", merkle_root(kept_), ""}, {"vetoed", merkle_root(vetoed_), ""}},
                     veto));

  inputs = {record_artifact(out.back())};
  inputs.insert(inputs.end(), region_files.begin(), region_files.end());
  out.push_back(step("reduce", inputs, {{"chunks", merkle_root(chunks_), ""}},
                     reduce_settings(recipe.reduce)));
  return out;
}

}  // namespace etalon
