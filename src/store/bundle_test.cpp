#include "store/bundle.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "store/base64.hpp"
#include "store/bundle_make.hpp"
#include "store/foretell.hpp"
#include "store/holes.hpp"
#include "store/ordering.hpp"

namespace etalon {
namespace {

Bytes bytes(std::string_view text) {
  const ByteSpan b = bytes_of(text);
  return Bytes(b.begin(), b.end());
}

template <typename T>
Array array_of(std::initializer_list<T> values, const Shape& shape) {
  Array a(DTypeOf<T>::value, shape);
  std::copy(values.begin(), values.end(), a.template as<T>().begin());
  return a;
}

constexpr std::string_view vtk_file =
    "# vtk DataFile Version 3.0\nfour points\nASCII\nDATASET UNSTRUCTURED_GRID\n"
    "POINTS 4 double\n0 0.5 0  1e-05 -0 2.25\n3 4 5\n  6 7 8\n"
    "CELLS 2 8\n3 0 1 2\n3 1 2 3\nCELL_TYPES 2\n5\n5\n"
    "POINT_DATA 4\nSCALARS p float 1\nLOOKUP_TABLE default\n1.5\n2.25 nan\n-3\n";

TEST(Bundle, FilesComeBackByteForByte) {
  const auto made = make_bundle(bytes(vtk_file), {});
  ASSERT_TRUE(made.ok()) << made.error().message;
  const auto parsed = parse_bundle(*made);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_TRUE(parsed->plan.exact);
  EXPECT_EQ(parsed->plan.arrays.size(), 4U);
  const auto file = restore_file(*made, 1);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(text_of(*file), vtk_file);
}

TEST(Bundle, ConnectivityIsExactUnderABound) {
  BundleOptions options;
  options.bound = Bound::abs(0.5);
  options.array_bounds = {{"p", Bound::abs(0.125)}};
  const auto made = make_bundle(bytes(vtk_file), options);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const auto file = restore_file(*made, 1);
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto scan = scan_file(*file, [](const std::string&) { return false; });
  const auto before = scan_file(bytes_of(vtk_file), [](const std::string&) { return false; });
  ASSERT_TRUE(scan.ok() && before.ok());
  ASSERT_EQ(scan->arrays.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    const ScannedArray &a = before->arrays[i], &b = scan->arrays[i];
    if (a.role == Role::connectivity || a.role == Role::integers) {
      EXPECT_EQ(std::memcmp(a.elements.view().data, b.elements.view().data,
                            a.elements.view().size_bytes()),
                0);
    }
    if (a.name != "p") continue;
    const auto x = a.elements.as<float>(), y = b.elements.as<float>();
    for (std::size_t k : {0, 1, 3}) EXPECT_LE(std::abs(x[k] - y[k]), 0.125F);
    EXPECT_TRUE(std::isnan(y[2]));
  }
}

TEST(Bundle, NumbersThatNoFormatPrintsStayText) {
  std::string odd(vtk_file);
  odd.replace(odd.find("3 4 5"), 5, "3.00 4 5e0");
  const auto made = make_bundle(bytes(odd), {});
  ASSERT_TRUE(made.ok()) << made.error().message;
  const auto parsed = parse_bundle(*made);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->plan.arrays.size(), 3U);
  const auto file = restore_file(*made, 1);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(text_of(*file), odd);
}

TEST(Bundle, EveryFlippedBitIsRefused) {
  const auto made = make_bundle(bytes(vtk_file), {});
  ASSERT_TRUE(made.ok());
  for (std::size_t at = 8; at < made->size(); at += 5) {
    Bytes bad = *made;
    bad[at] ^= std::byte{4};
    const auto file = restore_file(bad, 1);
    ASSERT_FALSE(file.ok()) << at;
    EXPECT_EQ(file.error().code, Errc::malformed);
  }
}

TEST(Bundle, NamesThatAreNotThereAreUsage) {
  BundleOptions options;
  options.array_bounds = {{"q", Bound::abs(1)}};
  EXPECT_EQ(make_bundle(bytes(vtk_file), options).error().code, Errc::usage);
  options = {};
  options.reorder = Reorder::undone;
  options.positions = {"nowhere"};
  EXPECT_EQ(make_bundle(bytes(vtk_file), options).error().code, Errc::usage);
}

TEST(Foretell, ComesBackInEveryWayAndType) {
  for (const Foretold how : {Foretold::no, Foretold::before, Foretold::row, Foretold::within}) {
    const Array wide = array_of<std::int64_t>({5, -7, std::numeric_limits<std::int64_t>::min(), 1,
                                               std::numeric_limits<std::int64_t>::max(), 0},
                                              {2, 3});
    const Array narrow = array_of<std::uint8_t>({255, 0, 3, 200}, {4});
    for (const Array* a : {&wide, &narrow}) {
      const Array back = unforetell(foretell(a->view(), how).view(), how);
      EXPECT_EQ(std::memcmp(back.view().data, a->view().data, a->view().size_bytes()), 0);
    }
  }
}

TEST(Foretell, RowsLikeTheOneBeforeLeaveNothing) {
  const Array rows = array_of<std::int32_t>({3, 10, 11, 3, 10, 11}, {2, 3});
  const Array rest = foretell(rows.view(), Foretold::row);
  for (std::size_t i = 3; i < 6; ++i) EXPECT_EQ(rest.as<std::int32_t>()[i], 0);
}

TEST(Ordering, NeighboursOnTheCurveAreNear) {
  const Array x = array_of<float>({0, 9, 0.1F, 9.1F, std::nanf("")}, {5});
  const auto order = morton_order({x.view()});
  ASSERT_TRUE(order.ok());
  EXPECT_EQ(*order, (Permutation{0, 2, 1, 3, 4}));
  const Array sorted = put_in_order(x.view(), 0, *order);
  const Array back = put_back(sorted.view(), 0, *order);
  EXPECT_EQ(std::memcmp(back.view().data, x.view().data, x.view().size_bytes()), 0);
}

TEST(Ordering, AWalkMeetsCellsFromTheLowestNode) {
  const std::vector<Array> arrays = {array_of<std::int32_t>({4, 1, 1, 3, 0, 2}, {3, 2})};
  const auto order = mesh_order({{Topology::Form::table, 0, 0, 0, 0, 0}}, arrays, 6);
  ASSERT_TRUE(order.ok()) << order.error().message;
  EXPECT_EQ(*order, (Permutation{0, 2, 1, 4, 3, 5}));
  EXPECT_EQ(mesh_order({{Topology::Form::table, 0, 0, 0, 0, 0}}, arrays, 4).error().code,
            Errc::malformed);
}

TEST(Ordering, WhatIsNoPermutationIsRefused) {
  EXPECT_FALSE(permutation_of(array_of<std::int32_t>({0, 0}, {2}).view()).ok());
  EXPECT_FALSE(permutation_of(array_of<std::int32_t>({0, 2}, {2}).view()).ok());
  EXPECT_FALSE(permutation_of(array_of<std::int32_t>({-1, 0}, {2}).view()).ok());
}

TEST(Holes, AreFilledBetweenWhatIsValid) {
  Array a = array_of<double>({0, -99, -99, 3, -99}, {5});
  const std::vector<std::uint8_t> valid = {1, 0, 0, 1, 0};
  std::uint64_t bits = 0;
  ASSERT_TRUE(hole_bits(a.view(), valid, bits));
  fill_holes(a.mutable_view(), valid);
  EXPECT_NEAR(a.as<double>()[1], 1, 1e-9);
  EXPECT_NEAR(a.as<double>()[2], 2, 1e-9);
  EXPECT_EQ(a.as<double>()[4], 3);
  put_hole_bits(a.mutable_view(), valid, bits);
  EXPECT_EQ(a.as<double>()[1], -99);
  a.as<double>()[2] = 7;
  EXPECT_FALSE(hole_bits(a.view(), valid, bits));
}

TEST(Base64, KnowsTheVectorsOfItsStandard) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(to_base64(bytes_of(plain)), coded);
    const auto back = from_base64(coded);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(text_of(*back), plain);
  }
  EXPECT_FALSE(from_base64("Zg=").ok());
  EXPECT_FALSE(from_base64("Z!==").ok());
}

}  // namespace
}  // namespace etalon
