#include "store/bundle_make.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/crc32c.hpp"
#include "store/bundle_code.hpp"
#include "store/holes.hpp"
#include "store/ordering.hpp"
#include "store/validity.hpp"

namespace etalon {
namespace {

// Coded arrays in the order of the bundle, which differs from the scan's: what others need of an
// array comes before them.
class Maker {
 public:
  Maker(Scan scan, const BundleOptions& options)
      : scan_(std::move(scan)), options_(options), place_(scan_.arrays.size()) {
    how_.threads = options.threads;
    how_.level = options.level;
  }

  Result<Bytes> make(ByteSpan original) {
    plan_.format = scan_.format;
    plan_.packing = scan_.packing;
    plan_.unpacked = scan_.unpacked;
    plan_.skeleton = std::move(scan_.skeleton);
    plan_.file_size = original.size();
    plan_.file_checksum = crc32c(original);
    if (options_.reorder != Reorder::none) {
      ETALON_ASSIGN(order_, order_of(scan_, options_.positions));
      name_positions();
    }
    ETALON_TRY(add_topology());
    for (std::size_t i = 0; i < scan_.arrays.size(); ++i)
      if (!done(i)) ETALON_TRY(add(i));
    for (Segment s : scan_.segments) {
      for (Segment::Column& c : s.columns) c.array = *place_[c.array];
      plan_.segments.push_back(std::move(s));
    }
    choose_unsorted();
    plan_.exact = is_exact(original);
    return write_bundle(std::move(plan_), payloads_);
  }

 private:
  bool done(std::size_t i) const { return place_[i].has_value(); }

  // The order can be found again from the arrays that the bundle calls positions.
  void name_positions() {
    for (ScannedArray& a : scan_.arrays) {
      const auto& names = options_.positions;
      if (std::find(names.begin(), names.end(), a.name) != names.end())
        a.role = Role::positions;
      else if (a.role == Role::positions)
        a.role = Role::values;
    }
  }

  // The arrays of the topology first, so that all others may be walked.
  Result<void> add_topology() {
    if (scan_.topology.empty() || options_.reorder != Reorder::none) return {};
    std::vector<Array> arrays;
    for (const ScannedArray& a : scan_.arrays) arrays.push_back(a.elements);
    auto order = mesh_order(scan_.topology, arrays, scan_.nodes);
    if (!order.ok()) return {};  // cells that do not fit the nodes are no help
    mesh_ = std::move(*order);
    for (const Topology& t : scan_.topology)
      for (const std::uint32_t i : {t.array, t.offsets})
        if (!done(i)) ETALON_TRY(add(i));
    for (Topology t : scan_.topology) {
      t.array = *place_[t.array];
      t.offsets = *place_[t.offsets];
      plan_.topology.push_back(t);
    }
    plan_.nodes = scan_.nodes;
    how_.mesh = &*mesh_;
    return {};
  }

  // `other` holds the same valid elements: the one that takes less room is kept.
  Result<std::uint32_t> push(const ArrayView& elements, BundleArray about,
                             const Array* other = nullptr) {
    BundleArray about_other = about;
    auto bytes = encode_array(elements, about, how_);
    if (!bytes.ok()) return std::move(bytes).error().in("array '" + about.name + "'");
    if (other != nullptr) {
      auto less = encode_array(other->view(), about_other, how_);
      if (less.ok() && less->size() < bytes->size()) {
        bytes = std::move(less);
        about = std::move(about_other);
      }
    }
    plan_.arrays.push_back(std::move(about));
    payloads_.push_back(std::move(*bytes));
    return static_cast<std::uint32_t>(plan_.arrays.size() - 1);
  }

  // An array of the bundle's own.
  Result<std::uint32_t> push_own(const std::string& name, const ArrayView& elements) {
    BundleArray about;
    about.name = name;
    about.role = Role::own;
    about.dtype = elements.dtype;
    about.shape = elements.shape;
    return push(elements, about);
  }

  Result<void> add(std::size_t i) {
    ScannedArray& a = scan_.arrays[i];
    BundleArray about;
    about.name = a.name;
    about.role = a.role;
    about.dtype = a.elements.dtype();
    about.shape = a.elements.shape();
    if (is_float(about.dtype)) about.bound = options_.bound_of(a.name);
    Array elements = std::move(a.elements);
    std::vector<std::uint8_t> valid;
    if (options_.validity.kind != Validity::Kind::all) {
      ETALON_ASSIGN(valid, valid_elements(elements.view(), options_.validity));
    }
    about.bound = with_range(about.bound, elements.view(), valid);
    Array with_nan;  // holes that the codec itself leaves out
    if (!valid.empty()) {
      if (is_float(about.dtype)) {
        with_nan = elements;
        put_hole_bits(with_nan.mutable_view(), valid, nan_bits(about.dtype));
      }
      ETALON_TRY(mask_out(elements, valid, about));
    }
    const bool particles = !order_.empty() && about.shape.rank() > 0 &&
                           about.shape[0] == order_.size() && valid.empty();
    if (!particles) {
      ETALON_ASSIGN(place_[i], push(elements.view(), std::move(about),
                                    with_nan.count() > 0 ? &with_nan : nullptr));
      return {};
    }
    Array sorted = put_in_order(elements.view(), 0, order_);
    if (options_.reorder == Reorder::declared) {
      plan_.reordered = true;
      ETALON_ASSIGN(place_[i], push(sorted.view(), std::move(about)));
      return {};
    }
    return add_undone(i, elements, sorted, std::move(about));
  }

  // Sorted with the permutation beside it; all of the particles' arrays are coded both ways, and
  // choose_unsorted takes the smaller.
  Result<void> add_undone(std::size_t i, const Array& elements, const Array& sorted,
                          BundleArray about) {
    if (!permutation_) {
      Array numbers(DType::u32, Shape{order_.size()});
      std::copy(order_.begin(), order_.end(), numbers.as<std::uint32_t>().begin());
      ETALON_ASSIGN(permutation_, push_own("permutation", numbers.view()));
    }
    BundleArray plain = about;
    about.order = Order::stored;
    about.axis = 0;
    about.permutation = *permutation_;
    ETALON_ASSIGN(place_[i], push(sorted.view(), std::move(about)));
    auto bytes = encode_array(elements.view(), plain, how_);
    if (!bytes.ok()) return std::move(bytes).error().in("array '" + plain.name + "'");
    unsorted_.push_back({*place_[i], std::move(plain), std::move(*bytes)});
    return {};
  }

  // Fills what does not count, and notes what it was.
  Result<void> mask_out(Array& elements, const std::vector<std::uint8_t>& valid,
                        BundleArray& about) {
    about.has_mask = true;
    if (!hole_bits(elements.view(), valid, about.fill)) {
      about.fill = is_float(about.dtype) ? nan_bits(about.dtype) : 0;
      refilled_ = true;
    }
    fill_holes(elements.mutable_view(), valid);
    Array mask(DType::u8, about.shape);
    std::copy(valid.begin(), valid.end(), mask.as<std::uint8_t>().begin());
    ETALON_ASSIGN(about.mask, push_own("valid", mask.view()));
    return {};
  }

  bool is_exact(ByteSpan original) {
    if (plan_.reordered || refilled_) return false;
    for (const BundleArray& a : plan_.arrays)
      if (a.bound.kind != Bound::Kind::lossless) return false;
    ParsedBundle bundle{plan_, {}};
    for (const Bytes& p : payloads_) bundle.payloads.push_back(p);
    const auto arrays = decode_arrays(bundle, options_.threads);
    if (!arrays.ok()) return false;
    const auto file = rebuild_file(plan_, *arrays);
    return file.ok() && std::equal(file->begin(), file->end(), original.begin(), original.end());
  }

  // Undone reordering stays only where it saves more than its permutation takes.
  void choose_unsorted() {
    if (!permutation_) return;
    std::size_t sorted = payloads_[*permutation_].size(), plain = 0;
    for (const Unsorted& u : unsorted_) {
      sorted += payloads_[u.place].size();
      plain += u.bytes.size();
    }
    if (sorted < plain) return;
    for (Unsorted& u : unsorted_) {
      plan_.arrays[u.place] = std::move(u.about);
      payloads_[u.place] = std::move(u.bytes);
    }
    // The permutation is of no use, and takes no room.
    Array none(DType::u32, Shape{0});
    BundleArray about;
    about.name = "permutation";
    about.role = Role::own;
    about.dtype = DType::u32;
    about.shape = none.shape();
    if (auto bytes = encode_array(none.view(), about, how_); bytes.ok()) {
      plan_.arrays[*permutation_] = about;
      payloads_[*permutation_] = std::move(*bytes);
    }
  }

  struct Unsorted {
    std::uint32_t place;
    BundleArray about;
    Bytes bytes;
  };

  Scan scan_;
  const BundleOptions& options_;
  CodeOptions how_;
  std::vector<std::optional<std::uint32_t>> place_;  // of the scan's arrays in the bundle
  std::optional<Permutation> mesh_;
  Permutation order_;
  std::optional<std::uint32_t> permutation_;
  std::vector<Unsorted> unsorted_;
  bool refilled_ = false;
  BundlePlan plan_;
  std::vector<Bytes> payloads_;
};

}  // namespace

const Bound& BundleOptions::bound_of(const std::string& name) const {
  for (auto own = array_bounds.rbegin(); own != array_bounds.rend(); ++own)
    if (own->first == name) return own->second;
  return bound;
}

Result<Permutation> order_of(const Scan& scan, const std::vector<std::string>& positions) {
  const auto named = [&](const std::string& name) {
    return std::find(positions.begin(), positions.end(), name) != positions.end();
  };
  for (const std::string& name : positions)
    if (std::none_of(scan.arrays.begin(), scan.arrays.end(),
                     [&](const ScannedArray& a) { return a.name == name; }))
      return Error{Errc::usage, "positions: there is no array '" + name + "'"};
  std::vector<ArrayView> arrays;
  for (const ScannedArray& a : scan.arrays)
    if (named(a.name)) arrays.push_back(a.elements.view());
  return morton_order(arrays);
}

Scan scan_of_array(const Array& array, ByteSpan header, std::string format) {
  Scan scan;
  scan.format = std::move(format);
  scan.skeleton.assign(header.begin(), header.end());
  scan.arrays.push_back({"data", is_float(array.dtype()) ? Role::values : Role::integers, array});
  Segment s;
  s.gap = header.size();
  s.count = array.count();
  s.columns.resize(1);
  scan.segments.push_back(std::move(s));
  return scan;
}

Result<Bytes> make_bundle(Scan scan, ByteSpan original, const BundleOptions& options) {
  for (const auto& [name, bound] : options.array_bounds)
    if (std::none_of(scan.arrays.begin(), scan.arrays.end(),
                     [&name = name](const ScannedArray& a) { return a.name == name; }))
      return Error{Errc::usage, "--array " + name + ": there is no such array"};
  return Maker(std::move(scan), options).make(original);
}

Result<Bytes> make_bundle(ByteSpan file, const BundleOptions& options) {
  const auto exact = [&](const std::string& name) {
    return options.bound_of(name).kind == Bound::Kind::lossless;
  };
  ETALON_ASSIGN(Scan scan, scan_file(file, exact));
  return make_bundle(std::move(scan), file, options);
}

}  // namespace etalon
