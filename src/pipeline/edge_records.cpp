#include "pipeline/edge_records.hpp"

#include <algorithm>

#include "etalon/version.hpp"
#include "kernels/jungfrau/jungfrau.hpp"
#include "pipeline/veto.hpp"
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

void set_finder(const FinderSettings& find, Value& v) {
  v.set("method", semantics_of(find.method));
  if (find.method == FindMethod::peakfinder8)
    set_peakfinder8(find.parameters, v);
  else
    set_dispersion(find.dispersion, v);
}

Value find_settings(const Recipe::Find& find, const Geometry& geometry) {
  Value v;
  set_finder(find, v);
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

// Roots over all frames, in the order of their numbers, and over kept and vetoed ones, in the order
// in which they are stored.
struct Roots {
  std::vector<FrameSum> raw, peaks, kept, chunks, vetoed, audited;
  std::uint64_t peaks_found = 0, audit_hits = 0;

  explicit Roots(const std::vector<FrameFacts>& facts) {
    std::vector<const FrameFacts*> sorted;
    for (const FrameFacts& f : facts) sorted.push_back(&f);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto* a, const auto* b) { return a->number < b->number; });
    for (const FrameFacts* f : sorted) {
      raw.push_back(f->raw_sum);
      peaks.push_back(f->peaks_sum);
    }
    for (const FrameFacts& f : facts) {
      peaks_found += f.peaks;
      (f.is_kept() ? kept : vetoed).push_back(f.raw_sum);
      if (f.chunk) (f.is_kept() ? chunks : audited).push_back(f.chunk->sum);
      if (f.judged_hit.value_or(false)) ++audit_hits;
    }
  }
};

}  // namespace

Value bound_value(const Bound& bound) { return Value(to_string(bound)); }

cbor::Value parameters_value(const ActionParameters& parameters) {
  cbor::Value v(cbor::Map{});
  for (const auto& [name, value] : parameters)
    std::visit([&, key = name](const auto& x) { v.set(key, cbor::Value(x)); }, value);
  return v;
}

Artifact record_artifact(const Record& record) { return {"record", record.id(), ""}; }

void EdgeJournal::acted(const std::vector<FastAction>& actions) {
  actions_.insert(actions_.end(), actions.begin(), actions.end());
}

// Which rules there were, and each action that they took: [frame, rule from 1, id], in this order.
// After a kill, rejected frames are looked at again after kept ones behind them.
Record EdgeJournal::fast_record(const Recipe& recipe, Artifact found) const {
  List rules, actions;
  for (const Recipe::FastRule& rule : recipe.fast.rules) {
    Value v;
    v.set("when", rule.text.when).set("action", rule.text.action);
    v.set("hold_frames", rule.hold_frames);
    v.set("parameters", parameters_value(rule.text.parameters));
    rules.push_back(std::move(v));
  }
  std::vector<FastAction> sorted = actions_;
  std::sort(sorted.begin(), sorted.end(), [](const FastAction& a, const FastAction& b) {
    return std::pair(a.frame, a.rule) < std::pair(b.frame, b.rule);
  });
  for (const FastAction& a : sorted)
    actions.push_back(List{a.frame, std::uint64_t{a.rule} + 1, wire::to_bytes(a.id.bytes)});
  Value settings;
  settings.set("rules", std::move(rules)).set("actions", actions_.size());
  return step("fast", {std::move(found)},
              {{"actions", sha256(cbor::encode(Value(std::move(actions)))), ""}}, settings);
}

std::vector<Record> EdgeJournal::records(const Recipe& recipe, const SeriesInfo& info,
                                         const Calibration& calibration,
                                         const std::vector<Artifact>& files,
                                         const std::vector<Artifact>& region_files,
                                         const std::map<std::string, std::uint64_t>& lost) {
  std::vector<Record> out;
  const Roots roots(facts_);
  const Artifact recipe_file{"recipe", recipe.hash, ""};

  Value source;
  source.set("name", info.name).set("dataset", recipe.source.dataset);
  source.set("first", recipe.source.first).set("frames", roots.raw.size());
  source.set("dtype", name_of(info.dtype)).set("shape", List{info.geometry.ny, info.geometry.nx});
  if (!lost.empty()) {
    Value causes;
    for (const auto& [cause, count] : lost) causes.set(cause, count);
    source.set("lost", std::move(causes));
  }
  std::vector<Artifact> inputs = files;
  inputs.push_back(recipe_file);
  out.push_back(step("source", inputs, {{"frames", merkle_root(roots.raw), ""}}, source));

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
  if (recipe.calibrate.dark_every != 0)
    mask.set("dark_every", recipe.calibrate.dark_every)
        .set("dark_offset", recipe.calibrate.dark_offset)
        .set("dark_memory", recipe.calibrate.dark_memory);
  inputs = {record_artifact(out.back())};
  if (calibration.mask_file) inputs.push_back({"mask", *calibration.mask_file, ""});
  if (calibration.geometry_file) inputs.push_back({"geometry", *calibration.geometry_file, ""});
  out.push_back(step("calibrate", inputs, {}, mask));

  Value find = find_settings(recipe.find, info.geometry);
  find.set("peaks", roots.peaks_found);
  out.push_back(
      step("find", {record_artifact(out.back())}, {{"peaks", merkle_root(roots.peaks), ""}}, find));

  if (!recipe.fast.rules.empty()) out.push_back(fast_record(recipe, record_artifact(out.back())));

  Value veto;
  veto.set("min_peaks", recipe.veto.min_peaks).set("max_peaks", recipe.veto.max_peaks);
  veto.set("min_score", recipe.veto.min_score);
  veto.set("resolution_angstrom", recipe.veto.resolution_angstrom);
  veto.set("resolution_peaks", recipe.veto.resolution_peaks);
  veto.set("kept", roots.kept.size()).set("vetoed", roots.vetoed.size());
  const FinderSettings judge = judge_settings(recipe);
  Value audit;
  audit.set("share", recipe.audit.share).set("seed", recipe.audit.seed);
  Value eyes;
  set_finder(judge, eyes);
  audit.set("judge", std::move(eyes));
  audit.set("min_peaks", recipe.audit.min_peaks.value_or(recipe.veto.min_peaks));
  audit.set("audited", roots.audited.size()).set("hits", roots.audit_hits);
  veto.set("audit", std::move(audit));
  out.push_back(step("veto", {record_artifact(out.back())},
                     {{"kept", merkle_root(roots.kept), ""},
                      {"vetoed", merkle_root(roots.vetoed), ""},
                      {"audited", merkle_root(roots.audited), ""}},
                     veto));

  inputs = {record_artifact(out.back())};
  inputs.insert(inputs.end(), region_files.begin(), region_files.end());
  out.push_back(step("reduce", inputs, {{"chunks", merkle_root(roots.chunks), ""}},
                     reduce_settings(recipe.reduce)));
  return out;
}

}  // namespace etalon
