#include "store/hdf5.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <fstream>

#include "store/file.hpp"
#include "store/hdf5_made_test.hpp"
#include "store/hdf5_write.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

using Hdf5 = MadeHdf5;

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

TEST_F(Hdf5, LinksToPipesAreNotWaitedFor) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const std::string name = made("master.h5", [&](hid_t file) {
    const h5::Lock lock;
    const h5::Id links(H5Pcreate(H5P_LINK_CREATE));
    H5Pset_create_intermediate_group(links, 1);
    H5Lcreate_external("pipe", "/data", file, "/entry/data/data", links, H5P_DEFAULT);
    H5Lcreate_external(path("pipe").c_str(), "/", file, "/entry/instrument", links, H5P_DEFAULT);
  });
  OpenOptions options;
  options.dataset = "/entry/data/data";
  expect_error(open_series(name, options), Errc::missing,
               {"master.h5", "/entry/data/data", "an external link to", "pipe, which is no file"});
  EXPECT_FALSE(open_series(name, {}).ok());
  auto file = h5::File::open(name);
  must(file);
  EXPECT_FALSE(file->exists("/entry/instrument/detector"));
  EXPECT_FALSE(file->number("/entry/instrument/detector/distance"));
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

TEST_F(Hdf5, AFilterThatIsNotThereIsNamed) {
  const std::string name = made("a.h5", [&](hid_t file) {
    write_unreadable(file, "data", {1, 8, 8});
  });
  auto series = open_series(name);
  must(series);
  expect_error((*series)->read(0), Errc::malformed, {"/data", "frame 0", "32009", "not installed"});
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
