#include "store/hdf5.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <fstream>

#include "store/file.hpp"
#include "store/folder_test.hpp"
#include "store/hdf5_write.hpp"
#include "store/remarks.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

class Hdf5 : public TestFolder {
 protected:
  // A file that `fill` makes.
  template <typename F>
  std::string made(const std::string& name, F&& fill) {
    auto file = h5::create_file(path(name));
    EXPECT_TRUE(file.ok());
    fill(static_cast<hid_t>(*file));
    EXPECT_TRUE(h5::close_file(std::move(*file), name).ok());
    return path(name);
  }
};

template <typename R>
void must(const R& result) {
  ASSERT_TRUE(result.ok()) << result.error().message;
}

// A dataset of one element of any HDF5 type.
void odd_dataset(hid_t file, const char* name, hid_t type) {
  const h5::Lock lock;
  const h5::Id space(H5Screate(H5S_SCALAR));
  const h5::Id dataset(H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  ASSERT_TRUE(dataset.ok());
}

TEST_F(Hdf5, FilesThatAreNoneAreNamed) {
  expect_error(open_series(path("none.h5")), Errc::missing, {"none.h5", "No such file"});
  std::ofstream(path("text.h5")) << "this is no HDF5 file";
  expect_error(open_series(path("text.h5")), Errc::malformed, {"text.h5", "not an HDF5 file"});
  std::ofstream(path("empty.h5")).close();
  expect_error(open_series(path("empty.h5")), Errc::malformed, {"not an HDF5 file"});
  ASSERT_EQ(::mkfifo(path("pipe.h5").c_str(), 0600), 0);
  expect_error(open_series(path("pipe.h5")), Errc::malformed, {"pipe.h5", "is no file"});
}

TEST_F(Hdf5, TruncationFailsAtEveryLength) {
  const Array a = counting<std::uint16_t>({4, 30, 40});
  must(write_array(path("a.h5"), a.view(), false));
  auto bytes = read_file(path("a.h5"));
  must(bytes);
  for (std::size_t size = 0; size < bytes->size(); size += bytes->size() / 23) {
    std::ofstream(path("cut.h5"), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes->data()), static_cast<std::streamsize>(size));
    expect_error(read_array(path("cut.h5")), Errc::malformed, {"cut.h5"});
  }
}

TEST_F(Hdf5, MissingDatasetNamesThoseThatExist) {
  const std::string name = made("a.h5", [](hid_t file) {
    must(h5::write_array(file, "/here/images", counting<float>({2, 3, 4}).view()));
    must(h5::write_text(file, "/here/title", "hello"));
  });
  OpenOptions options;
  options.dataset = "/there";
  expect_error(open_series(name, options), Errc::missing,
               {"a.h5", "/there", "/here/images (2x3x4 f32)", "/here/title"});
  options.dataset = "/here";  // a group
  expect_error(open_series(name, options), Errc::missing, {"/here/images"});
  auto found = open_series(name);
  must(found);
  EXPECT_EQ((*found)->info().frames, 2U);
}

TEST_F(Hdf5, ElementsThatAreNoNumbersOfOursAreRefused) {
  const std::string name = made("a.h5", [](hid_t file) {
    const h5::Lock lock;
    const h5::Id half(H5Tcopy(H5T_IEEE_F32LE)), compound(H5Tcreate(H5T_COMPOUND, 8));
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    H5Tinsert(compound, "a", 0, H5T_NATIVE_INT);
    odd_dataset(file, "half", half);
    odd_dataset(file, "compound", compound);
    odd_dataset(file, "string", H5T_C_S1);
    odd_dataset(file, "reference", H5T_STD_REF_OBJ);
  });
  for (const auto& [dataset, type] :
       {std::pair{"half", "float16"}, std::pair{"compound", "compound"},
        std::pair{"string", "string"}, std::pair{"reference", "reference"}}) {
    OpenOptions options;
    options.dataset = dataset;
    expect_error(read_array(name, options), Errc::malformed, {dataset, type, "not supported"});
  }
  expect_error(read_array(name), Errc::missing, {"no dataset of images", "float16"});
}

TEST_F(Hdf5, AxesBeforeTheLastTwoAreRunThrough) {
  const Array a = counting<std::int32_t>({2, 3, 2, 4, 5});
  must(write_array(path("a.h5"), a.view(), false));
  auto series = open_series(path("a.h5"));
  must(series);
  ASSERT_EQ((*series)->info().frames, 12U);
  for (std::uint64_t i = 0; i < 12; ++i) {
    auto frame = (*series)->read(i);
    must(frame);
    EXPECT_EQ(frame->image.as<std::int32_t>()[0], static_cast<std::int32_t>(20 * i + 1));
  }
  must(write_array(path("one.h5"), counting<std::uint8_t>({4, 5}).view(), false));
  auto one = open_series(path("one.h5"));
  must(one);
  EXPECT_EQ((*one)->info().frames, 1U);
  must(write_array(path("line.h5"), counting<std::uint8_t>({4}).view(), false));
  OpenOptions options;
  options.dataset = "/data";
  expect_error(open_series(path("line.h5"), options), Errc::malformed, {"two axes"});
}

TEST_F(Hdf5, UnitsAreConverted) {
  const std::string d = "/entry/instrument/detector/";
  const std::string name = made("a.h5", [&](hid_t file) {
    must(h5::write_array(file, "/entry/data/data", counting<std::uint16_t>({2, 3, 4}).view()));
    must(h5::write_number(file, d + "x_pixel_size", 75, "um"));
    must(h5::write_number(file, d + "y_pixel_size", 0.075, "mm"));
    must(h5::write_number(file, d + "distance", 20, "cm"));
    must(h5::write_number(file, d + "beam_center_x", 0.15, "mm"));
    must(h5::write_number(file, d + "beam_center_y", 1.5, "pixel"));
    must(h5::write_number(file, d + "count_time", 5, "ms"));
    must(h5::write_number(file, d + "frame_time", 7, "fortnight"));
    must(h5::write_number(file, d + "saturation_value", 4095));
    must(h5::write_number(file, d + "sensor_thickness", 300));
    must(h5::write_number(file, "/entry/instrument/beam/incident_wavelength", 0.1, "nm"));
    must(h5::write_text(file, "/entry/start_time", "2026-01-02T03:04:05Z"));
    const Array mask = counting<std::uint32_t>({3, 4});
    must(h5::write_array(file, d + "pixel_mask", mask.view()));
  });
  auto series = open_series(name);
  must(series);
  const SeriesInfo& info = (*series)->info();
  EXPECT_DOUBLE_EQ(info.geometry.pixel_size_x_m, 75e-6);
  EXPECT_DOUBLE_EQ(info.geometry.pixel_size_y_m, 75e-6);
  EXPECT_DOUBLE_EQ(info.geometry.distance_m, 0.2);
  EXPECT_NEAR(info.geometry.centre_x, 2, 1e-12);
  EXPECT_DOUBLE_EQ(info.geometry.centre_y, 1.5);
  EXPECT_DOUBLE_EQ(info.geometry.wavelength_angstrom, 1);
  EXPECT_DOUBLE_EQ(info.count_time_s, 5e-3);
  EXPECT_EQ(info.frame_time_s, 0) << "a unit that is not known must not be guessed";
  EXPECT_EQ(info.sensor_thickness_m, 0) << "no sensor is 300 m thick";
  EXPECT_DOUBLE_EQ(info.saturation_value, 4095);
  EXPECT_EQ(info.start_time, "2026-01-02T03:04:05Z");
  ASSERT_EQ(info.pixel_mask.size(), 12U);
  EXPECT_EQ(info.pixel_mask[11], 12U);
}

// What readers say while this lives.
class Heard {
 public:
  Heard() {
    tell_remarks_to([this](const std::string& text) { all_ += text + "\n"; });
  }
  ~Heard() { tell_remarks_to({}); }
  Heard(const Heard&) = delete;
  Heard& operator=(const Heard&) = delete;
  const std::string& all() const { return all_; }
  bool has(const std::string& part) const { return all_.find(part) != std::string::npos; }

 private:
  std::string all_;
};

TEST_F(Hdf5, MetadataOfWrongKindIsLeftOutAndToldOf) {
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

TEST_F(Hdf5, NothingIsSaidOfMetadataThatFitOrAreNotThere) {
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

TEST_F(Hdf5, AMaskOfOtherImagesOrOfNoIntegersIsAnError) {
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

TEST_F(Hdf5, WhateverIsNotZeroInAMaskIsBad) {
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

TEST_F(Hdf5, MasksOfBooleansAndThoseOfMastersAreRead) {
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

TEST_F(Hdf5, VirtualDatasetsThatShowThemselvesAreRefusedNotRead) {
  const std::string d = "/entry/instrument/detector/";
  const auto shows = [](hid_t file, const std::string& name, const std::string& of,
                        std::uint64_t times = 1) {
    std::vector<h5::VirtualPiece> pieces;
    for (std::uint64_t i = 0; i < times; ++i) pieces.push_back({i, 1, 0, ".", of});
    must(h5::write_virtual(file, name, DType::u32, {3 * times, 4}, pieces));
  };
  const auto made_with = [&](const std::string& name, auto&& fill) {
    return made(name, [&](hid_t file) {
      must(h5::write_array(file, "/entry/data/data", counting<std::uint16_t>({2, 3, 4}).view()));
      fill(file);
    });
  };
  const std::string self = made_with("self.h5", [&](hid_t file) {
    shows(file, d + "pixel_mask", d + "pixel_mask");
    shows(file, d + "distance", d + "distance");
  });
  {
    const Heard heard;
    expect_error(open_series(self), Errc::malformed, {"self.h5", "pixel_mask", "shows itself"});
    EXPECT_TRUE(heard.has(d + "distance: is no number")) << heard.all();
  }
  expect_error(open_series(made_with("two.h5",
                                     [&](hid_t file) {
                                       shows(file, d + "pixel_mask", "/other");
                                       shows(file, "/other", d + "pixel_mask");
                                     })),
               Errc::malformed, {"two.h5", "pixel_mask", "shows itself"});
  expect_error(open_series(made_with("deep.h5",
                                     [&](hid_t file) {
                                       shows(file, d + "pixel_mask", "/0");
                                       for (int i = 0; i < 10; ++i)
                                         shows(file, "/" + std::to_string(i),
                                               "/" + std::to_string(i + 1));
                                     })),
               Errc::malformed, {"deep.h5", "pixel_mask", "virtual more than 4 deep"});
  expect_error(open_series(made_with(
                   "wide.h5",
                   [&](hid_t file) {
                     shows(file, d + "pixel_mask", "/0", 101);
                     shows(file, "/0", "/1", 101);
                     shows(file, "/1", "/2", 101);
                     must(h5::write_array(file, "/2", counting<std::uint32_t>({1, 4}).view()));
                   })),
               Errc::malformed, {"wide.h5", "pixel_mask", "more than 1000000 datasets"});
  // What others show is read; what is gone is what HDF5 makes of it.
  must(write_array(path("rows.h5"), counting<std::uint32_t>({3, 4}).view(), false));
  const auto series = open_series(made_with("good.h5", [&](hid_t file) {
    must(h5::write_virtual(file, d + "pixel_mask", DType::u32, {3, 4},
                           {{0, 3, 0, "rows.h5", "/data"}}));
    must(h5::write_virtual(file, d + "distance", DType::u32, {1, 4},
                           {{0, 1, 0, "gone.h5", "/data"}}));
  }));
  must(series);
  EXPECT_EQ((*series)->info().pixel_mask[11], 12U);
}

TEST_F(Hdf5, AMaskWhoseLinkLeadsNowhereIsAnError) {
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

TEST_F(Hdf5, ExternalLinksAreFollowedAndBrokenOnesNamed) {
  must(write_array(path("images.h5"), counting<std::uint16_t>({2, 3, 4}).view(), false));
  const std::string name = made("master.h5", [](hid_t file) {
    const h5::Lock lock;
    const h5::Id links(H5Pcreate(H5P_LINK_CREATE));
    H5Pset_create_intermediate_group(links, 1);
    H5Lcreate_external("images.h5", "/data", file, "/entry/data/data", links, H5P_DEFAULT);
    H5Lcreate_external("gone.h5", "/data", file, "/entry/gone", links, H5P_DEFAULT);
  });
  auto series = open_series(name);
  must(series);
  auto frame = (*series)->read(1);
  must(frame);
  EXPECT_EQ(frame->image.as<std::uint16_t>()[0], 13U);
  OpenOptions options;
  options.dataset = "/entry/gone";
  expect_error(open_series(name, options), Errc::missing, {"master.h5", "/entry/gone"});
}

TEST_F(Hdf5, NothingElseIsTakenForImagesWhoseLinkIsBroken) {
  const std::string name = made("master.h5", [](hid_t file) {
    must(h5::write_array(file, "/entry/instrument/detector/pixel_mask",
                         counting<std::uint32_t>({3, 4}).view()));
    const h5::Lock lock;
    const h5::Id links(H5Pcreate(H5P_LINK_CREATE));
    H5Pset_create_intermediate_group(links, 1);
    H5Lcreate_external("gone.h5", "/data", file, "/entry/data/data", links, H5P_DEFAULT);
  });
  expect_error(open_series(name), Errc::missing, {"master.h5: /entry/data/data", "gone.h5"});
}

// A dataset of u16 in one chunk, which has passed a filter that nobody has.
void write_unreadable(hid_t file, const char* name, std::vector<hsize_t> extents) {
  const h5::Lock lock;
  const int rank = static_cast<int>(extents.size());
  const h5::Id plist(H5Pcreate(H5P_DATASET_CREATE)), links(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(links, 1);
  const hsize_t zero[] = {0, 0, 0};
  const h5::Id space(H5Screate_simple(rank, extents.data(), nullptr));
  H5Pset_chunk(plist, rank, extents.data());
  H5Pset_filter(plist, 32009, H5Z_FLAG_OPTIONAL, 0, nullptr);
  const h5::Id dataset(H5Dcreate2(file, name, H5T_NATIVE_UINT16, space, links, plist, H5P_DEFAULT));
  ASSERT_TRUE(dataset.ok());
  const std::vector<std::byte> chunk(128);
  ASSERT_GE(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, zero, chunk.size(), chunk.data()), 0);
}

TEST_F(Hdf5, AFilterThatIsNotThereIsNamed) {
  const std::string name = made("a.h5", [&](hid_t file) {
    write_unreadable(file, "data", {1, 8, 8});
  });
  auto series = open_series(name);
  must(series);
  expect_error((*series)->read(0), Errc::malformed, {"/data", "frame 0", "32009", "not installed"});
}

TEST_F(Hdf5, AMaskThatCannotBeReadIsNotLeftOut) {
  const std::string mask = "/entry/instrument/detector/pixel_mask";
  const std::string name = made("a.h5", [&](hid_t file) {
    must(h5::write_array(file, "/entry/data/data", counting<std::uint16_t>({2, 3, 4}).view()));
    write_unreadable(file, mask.c_str(), {3, 4});
  });
  expect_error(open_series(name), Errc::malformed, {"a.h5", mask, "cannot read"});
}

TEST_F(Hdf5, SizesThatCannotBeAreRefused) {
  const std::string name = made("a.h5", [&](hid_t file) {
    const h5::Lock lock;
    const h5::Id plist(H5Pcreate(H5P_DATASET_CREATE));
    const hsize_t extents[] = {1 << 20, 1 << 20, 1 << 10}, chunk[] = {1, 64, 64};
    const h5::Id space(H5Screate_simple(3, extents, nullptr));
    H5Pset_chunk(plist, 3, chunk);
    H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    const h5::Id dataset(
        H5Dcreate2(file, "data", H5T_NATIVE_UINT16, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    ASSERT_TRUE(dataset.ok());
  });
  expect_error(read_array(name), Errc::malformed, {"bytes"});
  expect_error(open_series(name), Errc::malformed, {"bytes"});
}

TEST_F(Hdf5, BigEndianElementsComeInOurOrder) {
  const std::string name = made("a.h5", [&](hid_t file) {
    const h5::Lock lock;
    const hsize_t extents[] = {2, 2};
    const std::int32_t values[] = {1, -2, 3, -4};
    const h5::Id space(H5Screate_simple(2, extents, nullptr));
    const h5::Id dataset(
        H5Dcreate2(file, "data", H5T_STD_I32BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    ASSERT_GE(H5Dwrite(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  });
  auto array = read_array(name);
  must(array);
  EXPECT_EQ(array->dtype(), DType::i32);
  EXPECT_EQ(array->as<std::int32_t>()[3], -4);
}

TEST(Hdf5Data, FilesOfOtherProgramsRead) {
  struct Case {
    const char *file, *shape;
    std::uint64_t frames;
  };
  const Case cases[] = {
      {"detector/hexrd_ceria/ceria_50x30_740mm_000005_Pilatus2M.hdf5", "1x1679x1475", 1},
      {"detector/dioptas_13id/testasapo1_1009_00002_m1_part00000.nxs", "10x516x1554", 10},
      {"detector/tomo_tomopy/tooth.h5", "181x2x640", 181},
      {"detector/tomo_savu/xrd_test.nxs", "2x2x2x100x1000", 8},
  };
  int found = 0;
  for (const Case& c : cases) {
    const std::string path = shared_data(c.file);
    if (path.empty()) continue;
    ++found;
    auto array = read_array(path);
    must(array);
    EXPECT_EQ(to_string(array->shape()), c.shape) << path;
    auto series = open_series(path);
    must(series);
    EXPECT_EQ((*series)->info().frames, c.frames) << path;
    auto last = (*series)->read(c.frames - 1);
    must(last);
    const auto frame = last->image.view().bytes();
    const auto all = array->view().bytes();
    EXPECT_TRUE(std::equal(frame.begin(), frame.end(), all.end() - frame.size())) << path;
  }
  if (found == 0) GTEST_SKIP() << "no such files";
}

}  // namespace
}  // namespace etalon
