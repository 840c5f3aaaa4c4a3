// The tokens of a field as its encoder finds them, kept with their activities until tables can be
// made for them.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "codec/field_model.hpp"
#include "codec/field_walk.hpp"
#include "codec/scratch.hpp"

namespace etalon::codec {

class FieldTokens {
 public:
  static constexpr std::uint8_t silent = 0xFF;  // activity of what has no symbol

  // `exact_bits` is what an element takes that keeps its bits.
  FieldTokens(const std::vector<Level>& levels, std::size_t labels, double exact_bits);

  // Room for the next stripe.
  std::uint8_t* token_row() { return tokens_.data() + done_; }
  std::uint8_t* activity_row() { return activities_.data() + done_; }
  std::uint8_t* label_row() { return labels_.data() + done_; }
  bool has_labels() const { return labels_.size() != 0; }

  // The stripe's first count() symbols are there; `all` says that none of them is silent and all
  // are of label 0.
  void close(const Stripe& s, bool all);
  // Once a class is whole whose stripes were closed with `all`.
  void settle(std::size_t level, unsigned cls);

  // Makes the model's tables and adds what tokens take to label_bits. Brings the coded symbols.
  Bytes finish(FieldModel& model, std::vector<double>& label_bits);

 private:
  using Histograms = std::array<Histogram, activities>;

  Histograms& histograms_of(std::size_t group);
  // Joins histograms in their place.
  std::vector<TableRun> choose_runs(Histograms& histograms, std::size_t most, FieldModel& model,
                                    double& bits) const;
  void replace_activities(const FieldModel& model);

  const std::vector<Level>& levels_;
  double exact_bits_;
  Scratch<std::uint8_t> tokens_, activities_, labels_;
  std::size_t done_ = 0;
  std::vector<std::unique_ptr<Histograms>> histograms_;
  // More counters for large classes, since the same one cannot be raised again at once.
  static constexpr std::size_t others = 3;
  std::unique_ptr<std::array<Histograms, others>> other_;
  bool any_other_ = false, any_silent_ = false;
};

}  // namespace etalon::codec
