// What is read of a file beside its images, and what is said of what cannot be.
#include <gtest/gtest.h>

#include <cmath>

#include "store/hdf5_made_test.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

using NxmxMetadata = MadeHdf5;

TEST_F(NxmxMetadata, MetadataOfWrongKindIsLeftOutAndToldOf) {
  const std::string d = "/entry/instrument/detector/";
  const std::string name = made("a.h5", [&](hid_t file) {
    must(h5::write_array(file, "/entry/data/data", counting<std::uint16_t>({2, 3, 4}).view()));
    must(h5::write_text(file, d + "distance", "far"));
    must(h5::write_number(file, d + "x_pixel_size", std::nan(""), "m"));
    must(h5::write_number(file, d + "y_pixel_size", 75, "furlong\033[2J"));
    must(h5::write_number(file, d + "saturation_value", INFINITY));
    must(h5::write_number(file, d + "beam_center_x", 2, "mm"));
    must(h5::write_number(file, "/entry/start_time", 5));
    must(h5::make_group(file, d + "count_time", "NXcollection"));
    must(h5::write_array(file, d + "sequence_number", counting<std::uint64_t>({3}).view()));
  });
  const Heard heard;
  auto series = open_series(name);
  must(series);
  const SeriesInfo& info = (*series)->info();
  EXPECT_EQ(info.geometry.distance_m, 0);
  EXPECT_EQ(info.geometry.pixel_size_x_m, 0);
  EXPECT_EQ(info.count_time_s, 0);
  EXPECT_EQ(info.saturation_value, 0);
  EXPECT_TRUE(info.start_time.empty());
  EXPECT_FALSE((*series)->has_source_numbers());
  for (const std::string& said :
       {d + "distance: is no number", d + "x_pixel_size: is not finite",
        d + "y_pixel_size: no unit 'furlong?[2J' is known", d + "saturation_value: is not finite",
        d + "beam_center_x: is a length, and the size of a pixel is not known",
        std::string("/entry/start_time: is no text"), d + "count_time: is no number",
        d + "sequence_number: 3 values for 2 frames"})
    EXPECT_TRUE(heard.has(name + ": " + said)) << said << " is not in\n" << heard.all();
}

TEST_F(NxmxMetadata, NothingIsSaidOfMetadataThatFitOrAreNotThere) {
  const std::string d = "/entry/instrument/detector/";
  const Heard heard;
  must(open_series(made("bare.h5", [](hid_t file) {
    must(h5::write_array(file, "/data", counting<std::uint16_t>({2, 3, 4}).view()));
  })));
  must(open_series(made("good.h5", [&](hid_t file) {
    must(h5::write_array(file, "/entry/data/data", counting<std::uint16_t>({2, 3, 4}).view()));
    must(h5::write_number(file, d + "distance", 0.1, "m"));
    must(h5::write_number(file, d + "beam_center_x", 2));
    must(h5::write_text(file, d + "description", "a detector"));
    must(h5::write_array(file, d + "start_time", counting<double>({2}).view()));
    must(h5::write_array(file, d + "pixel_mask", counting<std::uint8_t>({3, 4}).view()));
  })));
  EXPECT_EQ(heard.all(), "");
}

TEST_F(NxmxMetadata, AMaskOfOtherImagesOrOfNoIntegersIsAnError) {
  const std::string mask = "/entry/instrument/detector/pixel_mask";
  int n = 0;
  const auto with = [&](const Array& array) {
    return made("m" + std::to_string(n++) + ".h5", [&](hid_t file) {
      must(h5::write_array(file, "/entry/data/data", counting<std::uint16_t>({2, 3, 4}).view()));
      must(h5::write_array(file, mask, array.view()));
    });
  };
  OpenOptions any;
  any.any_mask = true;
  for (const auto& [array, reason] :
       {std::pair(counting<std::uint32_t>({3, 5}), "3x5 and no mask of images of 3x4"),
        std::pair(counting<std::uint32_t>({4, 3}), "4x3 and no mask of images of 3x4"),
        std::pair(counting<std::uint32_t>({2, 3, 4}), "2x3x4 and no mask of images of 3x4"),
        std::pair(counting<float>({3, 4}), "f32 and no mask")}) {
    const std::string name = with(array);
    expect_error(open_series(name), Errc::malformed, {name + ": " + mask, reason});
    const Heard heard;
    const auto series = open_series(name, any);
    must(series);
    EXPECT_TRUE((*series)->info().pixel_mask.empty());
    EXPECT_TRUE(heard.has(name + ": " + mask)) << heard.all();
    EXPECT_TRUE(heard.has(": left out")) << heard.all();
  }
  for (const Shape& shape : {Shape{3, 4}, Shape{1, 3, 4}, Shape{12}}) {
    const auto series = open_series(with(counting<std::int8_t>(shape)));
    must(series);
    EXPECT_EQ((*series)->info().pixel_mask.size(), 12U);
    EXPECT_EQ((*series)->info().pixel_mask[11], 12U);
  }
}

TEST_F(NxmxMetadata, WhateverIsNotZeroInAMaskIsBad) {
  Array wide = counting<std::int64_t>({3, 4});
  const std::int64_t values[] = {0, 1, std::int64_t{1} << 32, -1, std::int64_t{1} << 63};
  std::copy(std::begin(values), std::end(values), wide.as<std::int64_t>().begin());
  const auto series = open_series(made("wide.h5", [&](hid_t file) {
    must(h5::write_array(file, "/entry/data/data", counting<std::uint16_t>({2, 3, 4}).view()));
    must(h5::write_array(file, "/entry/instrument/detector/pixel_mask", wide.view()));
  }));
  must(series);
  const Mask good = (*series)->info().mask();
  EXPECT_EQ(std::vector<std::uint8_t>(good.begin(), good.begin() + 5),
            (std::vector<std::uint8_t>{1, 0, 0, 0, 0}));
}

TEST_F(NxmxMetadata, MasksOfBooleansAndThoseOfMastersAreRead) {
  const std::string name = made("a.h5", [](hid_t file) {
    must(h5::write_array(file, "/entry/data/data", counting<std::uint16_t>({2, 3, 4}).view()));
    must(h5::make_group(file, "/entry/instrument/detector/detectorSpecific", "NXcollection"));
    const h5::Lock lock;
    const h5::Id boolean(H5Tenum_create(H5T_NATIVE_INT8));
    const std::int8_t no = 0, yes = 1;
    H5Tenum_insert(boolean, "FALSE", &no);
    H5Tenum_insert(boolean, "TRUE", &yes);
    const hsize_t extents[] = {3, 4};
    const h5::Id space(H5Screate_simple(2, extents, nullptr));
    const h5::Id mask(H5Dcreate2(file, "/entry/instrument/detector/detectorSpecific/pixel_mask",
                                 boolean, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    const std::int8_t values[12] = {0, 0, 1, 0, 1};
    ASSERT_GE(H5Dwrite(mask, boolean, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  });
  const auto series = open_series(name);
  must(series);
  ASSERT_EQ((*series)->info().pixel_mask.size(), 12U);
  EXPECT_EQ((*series)->info().pixel_mask[2], 1U);
  EXPECT_EQ((*series)->info().pixel_mask[3], 0U);
  EXPECT_EQ((*series)->info().pixel_mask[4], 1U);
}

TEST_F(NxmxMetadata, AMaskWhoseLinkLeadsNowhereIsAnError) {
  const std::string mask = "/entry/instrument/detector/pixel_mask";
  const std::string name = made("a.h5", [&](hid_t file) {
    must(h5::write_array(file, "/entry/data/data", counting<std::uint16_t>({2, 3, 4}).view()));
    const h5::Lock lock;
    const h5::Id links(H5Pcreate(H5P_LINK_CREATE));
    H5Pset_create_intermediate_group(links, 1);
    H5Lcreate_external("gone.h5", "/mask", file, mask.c_str(), links, H5P_DEFAULT);
  });
  expect_error(open_series(name), Errc::missing, {name + ": " + mask, "gone.h5"});
}

TEST_F(NxmxMetadata, AMaskThatCannotBeReadIsNotLeftOut) {
  const std::string mask = "/entry/instrument/detector/pixel_mask";
  const std::string name = made("a.h5", [&](hid_t file) {
    must(h5::write_array(file, "/entry/data/data", counting<std::uint16_t>({2, 3, 4}).view()));
    write_unreadable(file, mask.c_str(), {3, 4});
  });
  expect_error(open_series(name), Errc::malformed, {"a.h5", mask, "cannot read"});
}

}  // namespace
}  // namespace etalon
