#include "codec/field_tokens.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "codec/tokens.hpp"

namespace etalon::codec {
namespace {

bool none(const Histogram& h) {
  std::uint32_t any = 0;
  for (const std::uint32_t n : h) any |= n;
  return any == 0;
}

}  // namespace

FieldTokens::FieldTokens(const std::vector<Level>& levels, std::size_t labels, double exact_bits)
    : levels_(levels), exact_bits_(exact_bits), histograms_(labels * groups_per_label) {
  const std::size_t count = symbol_count(levels);
  tokens_ = Scratch<std::uint8_t>(count);
  activities_ = Scratch<std::uint8_t>(count + row_slack);
  if (labels > 1) labels_ = Scratch<std::uint8_t>(count);
}

FieldTokens::Histograms& FieldTokens::histograms_of(std::size_t group) {
  auto& h = histograms_[group];
  if (!h) h = std::make_unique<Histograms>();
  return *h;
}

void FieldTokens::close(const Stripe& s, bool all) {
  const std::size_t n = s.count();
  std::uint8_t* const token = token_row();
  std::uint8_t* const activity = activity_row();
  std::memset(token + n, 0, s.symbols() - n);
  std::memset(activity + n, silent, s.symbols() - n);
  constexpr std::size_t many = std::size_t{1} << 15;
  const Level& l = levels_[s.level];
  if (all && l.row_count(s.cls) * s.row_length < many) {
    Histograms& h = histograms_of(group_of(0, s.level, s.cls));
    for (std::size_t i = 0; i < n; ++i) ++h[activity[i]][token[i]];
  } else if (all) {
    if (!other_) other_ = std::make_unique<std::array<Histograms, others>>();
    any_other_ = true;
    std::array<std::uint32_t*, 1 + others> h;
    h[0] = histograms_of(group_of(0, s.level, s.cls))[0].data();
    for (std::size_t k = 0; k < others; ++k) h[1 + k] = (*other_)[k][0].data();
    std::size_t i = 0;
    for (; i + h.size() <= n; i += h.size())
      for (std::size_t k = 0; k < h.size(); ++k) ++h[k][activity[i + k] << 8 | token[i + k]];
    for (; i < n; ++i) ++h[0][activity[i] << 8 | token[i]];
  } else {
    any_silent_ = true;
    for (std::size_t i = 0; i < n; ++i) {
      if (activity[i] == silent) continue;
      const std::size_t label = has_labels() ? label_row()[i] : 0u;
      ++histograms_of(group_of(label, s.level, s.cls))[activity[i]][token[i]];
    }
  }
  done_ += s.symbols();
}

void FieldTokens::settle(std::size_t level, unsigned cls) {
  if (!std::exchange(any_other_, false)) return;
  Histograms& h = histograms_of(group_of(0, level, cls));
  for (std::size_t a = 0; a < activities; ++a)
    for (Histograms& other : *other_)
      for (std::size_t t = 0; t < 256; ++t) h[a][t] += std::exchange(other[a][t], 0);
}

// Neighbouring activities have a table together where that is cheaper.
std::vector<TableRun> FieldTokens::choose_runs(Histograms& histograms, std::size_t most,
                                               FieldModel& model, double& bits) const {
  struct Run {
    std::uint8_t first;
    Histogram* histogram;
    std::size_t end;  // of its tokens, the escape aside
    double bits;
    double gain = 0;  // of joining the next one
  };
  constexpr double run_bits = 16;
  const auto bits_of = [](Histogram& h, std::size_t end) {  // h[end] is 0, or the escape
    if (end == escape_symbol) return entropy_bits(h);
    h[end] = h[escape_symbol];  // its place does not matter
    const double all = entropy_bits(std::span(h).first(end + 1));
    h[end] = 0;
    return all;
  };
  std::vector<Run> runs;
  for (std::size_t a = 0; a < activities; ++a) {
    Histogram& h = histograms[a];
    if (none(h)) continue;
    Run run{static_cast<std::uint8_t>(a), &h, escape_symbol, 0};
    while (run.end > 0 && h[run.end - 1] == 0) --run.end;
    run.bits = bits_of(h, run.end);
    runs.push_back(run);
  }
  Histogram sum{};
  const auto add = [&](const Run& a, const Run& b, Histogram& to) {
    const std::size_t end = std::max(a.end, b.end);
    for (std::size_t t = 0; t < end; ++t) to[t] = (*a.histogram)[t] + (*b.histogram)[t];
    to[escape_symbol] = (*a.histogram)[escape_symbol] + (*b.histogram)[escape_symbol];
    return end;
  };
  const auto join = [&](Run& a, const Run& b) {
    a.end = add(a, b, *a.histogram);
    a.bits = bits_of(*a.histogram, a.end);
  };
  const auto find_gain = [&](std::size_t r) {
    if (r + 1 >= runs.size()) return;
    const std::size_t end = add(runs[r], runs[r + 1], sum);
    runs[r].gain = runs[r].bits + runs[r + 1].bits + run_bits - bits_of(sum, end);
  };
  for (std::size_t r = 0; r < runs.size(); ++r) find_gain(r);
  while (runs.size() > 1) {
    const auto best = std::max_element(runs.begin(), runs.end() - 1,
                                       [](const Run& a, const Run& b) { return a.gain < b.gain; });
    if (best->gain <= 0 && runs.size() <= most) break;
    const auto at = static_cast<std::size_t>(best - runs.begin());
    join(*best, best[1]);
    runs.erase(best + 1);
    find_gain(at);
    if (at > 0) find_gain(at - 1);
  }
  std::vector<TableRun> chosen;
  for (const Run& r : runs) {
    Histogram& h = *r.histogram;
    // A table of exact elements alone would have no last symbol to end with.
    if (r.end == 0) h[0] = 1;
    chosen.push_back({chosen.empty() ? std::uint8_t{0} : r.first});
    model.tables.push_back(normalize(h));
    bits += cost_bits(h, model.tables.back());
    for (std::size_t t = 0; t < escape_symbol; ++t)
      if (h[t] != 0) bits += h[t] * double(raw_bits_of(static_cast<std::uint8_t>(t), wide_split));
    bits += h[escape_symbol] * exact_bits_;
  }
  return chosen;
}

void FieldTokens::replace_activities(const FieldModel& model) {
  const auto map = table_map(model);
  const auto last = static_cast<std::uint8_t>(model.tables.size() - 1);
  std::uint8_t* a = activities_.data();
  const std::uint8_t* label = labels_.data();
  (void)for_each_class(levels_, [&](std::size_t level, unsigned cls) {
    const auto& own = map[group_of(0, level, cls)];
    return for_each_stripe(levels_, level, cls, [&](const Stripe& s) -> Result<void> {
      const std::size_t n = s.symbols();
      if (!any_silent_) {
        // Nothing is silent but what fills the last group.
        look_up(own.data(), a, n);
        std::memset(a + s.count(), last, n - s.count());
      } else {
        for (std::size_t i = 0; i < n; ++i) {
          const std::size_t own_label = has_labels() ? label[i] : 0u;
          a[i] = a[i] == silent ? last : map[group_of(own_label, level, cls)][a[i]];
        }
        if (has_labels()) label += n;
      }
      a += n;
      return {};
    });
  });
}

Bytes FieldTokens::finish(FieldModel& model, std::vector<double>& label_bits) {
  const auto used = static_cast<std::size_t>(std::count_if(
      histograms_.begin(), histograms_.end(), [](const auto& h) { return h != nullptr; }));
  for (std::size_t group = 0; group < histograms_.size(); ++group) {
    std::vector<TableRun> runs;
    if (histograms_[group])
      runs = choose_runs(*histograms_[group], max_tables / used, model,
                         label_bits[group / groups_per_label]);
    model.runs.push_back(std::move(runs));
  }
  model.tables.push_back(normalize(Histogram{}));
  replace_activities(model);
  return rans_encode(activities_.span().first(tokens_.size()), tokens_.span(), model.tables);
}

}  // namespace etalon::codec
