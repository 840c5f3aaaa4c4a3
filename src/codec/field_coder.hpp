// The fields engine's thorough coder: numbers as binary decisions, each foretold by several
// adaptive models whose votes are mixed in the logistic domain (M. Mahoney, "Adaptive weighing of
// context models", 2005). No tables are told, so that small fields stay small; every element waits
// for the one before.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "codec/field_rows.hpp"
#include "codec/side_coder.hpp"

namespace etalon::codec {

// ln(p / (1 - p)) of a probability in 1/4096, in 1/256, and back; integers from the tables alone.
extern const std::array<std::int16_t, 4096> stretch_table;
extern const std::array<std::uint16_t, 4096> squash_table;  // from -2048 on
inline int stretch(std::uint32_t p) { return stretch_table[p & 4095]; }
inline std::uint32_t squash(int x) {
  return squash_table[static_cast<std::size_t>((x < -2048 ? -2048 : x > 2047 ? 2047 : x) + 2048)];
}

// Probability of a 1 bit in 1/65536, from the mean of what was seen and later of the last ones.
class Vote {
 public:
  static constexpr unsigned slowest = 1000;

  std::uint32_t p() const { return p_; }
  bool is_fresh() const { return seen_ == 0; }
  void learn(bool bit) {
    // By 2 / (2 seen + 3) of the way, rounded towards where it is.
    const std::uint32_t way = bit ? 65535u - p_ : p_;
    const auto by = static_cast<std::uint32_t>(2 * std::uint64_t{way} * inverses[seen_] >> 32);
    p_ = static_cast<std::uint16_t>(bit ? p_ + by : p_ - by);
    if (seen_ < slowest) ++seen_;
  }

 private:
  // ceil(2^32 / (2 seen + 3)): quotients of numbers below 2^17 are exact.
  static const std::array<std::uint32_t, slowest + 1> inverses;
  std::uint16_t p_ = 32768;
  std::uint16_t seen_ = 0;
};

// Votes that a thread keeps: making all of them anew costs more than a small field does.
class Votes {
 public:
  explicit Votes(std::size_t n);
  ~Votes();
  Votes(const Votes&) = delete;
  Votes& operator=(const Votes&) = delete;

  Vote& operator[](std::size_t i) { return all_[i]; }
  void learn(std::size_t i, bool bit) {
    if (all_[i].is_fresh()) changed_.push_back(static_cast<std::uint32_t>(i));
    all_[i].learn(bit);
  }

 private:
  static std::vector<Vote>& kept();
  std::vector<Vote> all_;
  std::vector<std::uint32_t> changed_;
};

// Numbers are zigzagged quantizer steps, or exact_number.
template <typename Coder>  // SideEncoder or SideDecoder
class FieldCoder {
 public:
  static constexpr bool encodes = std::is_same_v<Coder, SideEncoder>;

  explicit FieldCoder(Coder& coder) : coder_(coder), votes_(contexts * nodes) {
    for (auto& w : weights_) w.fill(16000);
  }

  // Before the elements of a class.
  void open(const Level& shape, std::size_t level, unsigned cls) {
    const std::size_t row_length = shape.row_length(cls);
    const auto odd = static_cast<std::size_t>(std::popcount(cls));
    group_ = 3 * std::min<std::size_t>(level, 2) + std::min<std::size_t>(odd < 1 ? 1 : odd, 3) - 1;
    row_length_ = row_length;
    north_.assign(row_length + 2, 0);
    row_.assign(row_length + 2, 0);
    x_ = 0;
    // One step back along the first axis; a row where there are but two axes.
    back_ = row_length;
    for (std::size_t axis = 1; axis < shape.last(); ++axis)
      back_ *= shape.real(axis, cls >> axis & 1);
    again_ = false;
    up_ = 0;
    seen_.clear();
    seen_.reserve(shape.row_count(cls) * row_length);
  }

  // The next element's number; `number` is looked at by an encoder only. Elements that are not
  // coded are passed with `skip`.
  std::uint32_t code(std::uint32_t number, std::uint8_t activity) {
    choose(activity);
    bool exact = encodes && number == exact_number;
    exact = bit(exact_model_, exact);
    if (exact) {
      advance(0);
      return exact_number;
    }
    auto q = encodes ? static_cast<std::int32_t>(number >> 1 ^ (0u - (number & 1))) : 0;
    // Fields that repeat themselves do so for long.
    if (again_ && up_ != 0 && decide(again_node, q == up_)) {
      q = up_;
    } else if (decide(0, q != 0)) {
      const bool negative = decide_sign(q < 0);
      const auto magnitude = put_magnitude(static_cast<std::uint32_t>(q < 0 ? -q : q) - 1) + 1;
      q = negative ? -static_cast<std::int32_t>(magnitude) : static_cast<std::int32_t>(magnitude);
    } else {
      q = 0;
    }
    advance(q);
    return static_cast<std::uint32_t>(zigzag(std::int64_t{q}));
  }
  void skip() { advance(0); }

 private:
  static constexpr std::size_t nodes = 128, again_node = 127, sets = 5, group_contexts = 9;
  static constexpr std::size_t near = 16;  // classes of what lies beside
  // Where the sets' contexts begin.
  static constexpr std::size_t first_set[sets] = {
      0, group_contexts* activities, group_contexts* activities*(1 + near),
      group_contexts* activities*(1 + near) + group_contexts* activities / 4 * near,
      group_contexts* activities*(1 + near) + group_contexts* activities / 4 * near + near};
  static constexpr std::size_t contexts = first_set[4] + group_contexts * near * near;

  static std::size_t class_of(std::uint32_t sum) {  // about half octaves
    if (sum < 4) return sum;
    const auto n = static_cast<unsigned>(std::bit_width(sum)) - 1;
    return std::min<std::size_t>(near - 1, 2 * n + (sum >> (n - 1) & 1));
  }
  static std::uint32_t size_of(std::int32_t q) {
    return static_cast<std::uint32_t>(q < 0 ? -q : q);
  }

  void choose(std::uint8_t activity) {
    const std::int32_t w = row_[x_], n = north_[x_ + 1], e = north_[x_ + 2], nw = north_[x_];
    const std::uint32_t beside = 2 * size_of(w) + 2 * size_of(n) + size_of(e) + size_of(nw);
    const std::size_t a = activity, near_class = class_of(beside);
    const std::size_t place = row_length_ <= near ? x_ : class_of(2 * size_of(w));
    const std::size_t signs =
        static_cast<std::size_t>(3 * (1 + (w > 0) - (w < 0)) + 1 + (n > 0) - (n < 0));
    context_[0] = first_set[0] + group_ * activities + a;
    context_[1] = first_set[1] + (group_ * activities + a) * near + near_class;
    context_[2] = first_set[2] + (group_ * (activities / 4) + a / 4) * near + place;
    context_[3] = first_set[3] + near_class;
    context_[4] = first_set[4] + (group_ * near + class_of(2 * size_of(up_))) * near + near_class;
    sign_context_ = signs;
    mix_ = near_class;
  }

  void advance(std::int32_t q) {
    again_ = q == up_ && seen_.size() >= back_;
    seen_.push_back(q);
    up_ = seen_.size() >= back_ ? seen_[seen_.size() - back_] : 0;
    row_[++x_] = q;
    if (x_ < row_length_) return;
    north_.swap(row_);
    north_[row_length_ + 1] = north_[row_length_];
    row_[0] = 0;
    x_ = 0;
  }

  bool bit(BitModel& model, bool b) {
    if constexpr (encodes) {
      coder_.put_bit(model, b);
      return b;
    } else {
      return coder_.get_bit(model);
    }
  }

  bool decide(std::size_t node, bool b) {
    std::array<std::size_t, sets> votes;
    std::array<int, sets> input;
    std::array<std::int32_t, sets>& w = weights_[node * near + mix_];
    std::int64_t dot = 0;
    for (std::size_t s = 0; s < sets; ++s) {
      votes[s] = node * contexts + context_[s];
      input[s] = stretch(votes_[votes[s]].p() >> 4);
      dot += std::int64_t{w[s]} * input[s];
    }
    const std::uint32_t p1 = squash(static_cast<int>(dot >> 16));
    std::uint32_t p0 = 65536 - (p1 << 4);
    p0 = p0 < 32 ? 32 : p0 > 65536 - 32 ? 65536 - 32 : p0;
    if constexpr (encodes)
      coder_.put_with(p0, b);
    else
      b = coder_.get_with(p0);
    const int error = (b ? 4095 : 0) - static_cast<int>(p1);
    std::uint16_t& seen = mixed_[node * near + mix_];
    const int rate = seen < 16 ? 4 : seen < 128 ? 2 : 1;
    seen = static_cast<std::uint16_t>(seen + (seen < 128));
    for (std::size_t s = 0; s < sets; ++s) {
      w[s] += (input[s] * error * rate + (1 << 9)) >> 10;
      votes_.learn(votes[s], b);
    }
    return b;
  }

  bool decide_sign(bool negative) { return bit(signs_[group_ * 9 + sign_context_], negative); }

  // Exp-Golomb: how many digits magnitude + 1 has, the two digits after the first, and the rest.
  std::uint32_t put_magnitude(std::uint32_t magnitude) {
    const std::uint32_t v = magnitude + 1;
    const unsigned digits = encodes ? static_cast<unsigned>(std::bit_width(v)) - 1 : 0;
    unsigned length = 0;
    while (length < 23 && decide(1 + length, encodes && length < digits)) ++length;
    std::uint32_t value = 1;
    for (unsigned k = 0; k < length; ++k) {
      const bool d = encodes && (v >> (length - 1 - k) & 1);
      bool got;
      if (k < 2)
        got = decide(24 + length * 4 + (k == 0 ? 0 : 1 + (value & 1)), d);
      else if (k < 4)
        got = bit(low_[length * 2 + k - 2], d);
      else
        got = raw(d);
      value = value << 1 | got;
    }
    return value - 1;
  }
  bool raw(bool b) {
    if constexpr (encodes) {
      coder_.put_raw(b, 1);
      return b;
    } else {
      return coder_.get_raw(1) != 0;
    }
  }

  Coder& coder_;
  Votes votes_;
  std::array<std::array<std::int32_t, sets>, nodes * near> weights_;
  std::array<std::uint16_t, nodes * near> mixed_{};  // how often each was used
  std::array<BitModel, 9 * group_contexts> signs_;
  std::array<BitModel, 64> low_;
  BitModel exact_model_;
  std::size_t group_ = 0, row_length_ = 0, x_ = 0, sign_context_ = 0, mix_ = 0;
  std::array<std::size_t, sets> context_{};
  std::vector<std::int32_t> row_, north_, seen_;  // seen_: the class so far
  std::size_t back_ = 1;
  std::int32_t up_ = 0;
  bool again_ = false;
};

}  // namespace etalon::codec
