#include "store/image_source.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "store/array_writer.hpp"
#include "store/byte_stream.hpp"
#include "store/folder_test.hpp"
#include "store/hdf5_write.hpp"

namespace etalon {
namespace {

class Images : public TestFolder {
 protected:
  static Array counting(const Shape& shape, DType dtype = DType::u16) {
    Array array(dtype, shape);
    visit(dtype, [&](auto zero) {
      const auto values = array.as<decltype(zero)>();
      std::iota(values.begin(), values.end(), decltype(zero){});
    });
    return array;
  }
  std::string write(const std::string& name, const Array& array) {
    const auto done = write_array(path(name), array.view(), true);
    EXPECT_TRUE(done.ok()) << done.error().message;
    return path(name);
  }
  // Image by image, twice, against the whole.
  static void expect_same(ImageSource& source, const Array& whole) {
    for (int pass = 0; pass < 2; ++pass) {
      Bytes all;
      Array image(source.dtype(), source.image_shape());
      while (true) {
        const auto more = source.next(image.mutable_view());
        ASSERT_TRUE(more.ok()) << more.error().message;
        if (!*more) break;
        const auto bytes = image.view().bytes();
        all.insert(all.end(), bytes.begin(), bytes.end());
      }
      EXPECT_TRUE(std::equal(all.begin(), all.end(), whole.view().bytes().begin(),
                             whole.view().bytes().end()));
      ASSERT_TRUE(source.rewind().ok());
    }
    EXPECT_EQ(source.shape(), whole.shape());
  }
};

TEST_F(Images, AreThoseOfTheArrayInEveryFormat) {
  for (const Shape& shape : {Shape{}, Shape{7}, Shape{3, 4}, Shape{5, 3, 4}, Shape{2, 3, 4, 5},
                             Shape{0, 4, 5}, Shape{3, 0, 5}, Shape{2, 1, 3, 2, 4, 3}})
    for (const char* ending : {".npy", ".h5", ".raw"}) {
      const Array whole = counting(shape, DType::i32);
      const std::string name = write("a" + std::string(ending), whole);
      OpenOptions options;
      options.dtype = DType::i32;
      options.shape = shape;
      auto source = open_images(name, options);
      if (shape.rank() == 0 && std::string(ending) == ".raw") continue;  // no shape was given
      ASSERT_TRUE(source.ok()) << source.error().message;
      expect_same(**source, whole);
      const auto all = (*open_images(name, options))->read_all();
      ASSERT_TRUE(all.ok()) << all.error().message;
      EXPECT_EQ(all->shape(), shape);
      EXPECT_TRUE(std::equal(all->view().bytes().begin(), all->view().bytes().end(),
                             whole.view().bytes().begin(), whole.view().bytes().end()));
    }
}

TEST_F(Images, ComeFromChunksOfAnyShape) {
  const Array whole = counting({3, 7, 8, 9});
  for (const std::array<hsize_t, 4>& chunk :
       {std::array<hsize_t, 4>{1, 3, 8, 9}, {2, 7, 4, 4}, {1, 1, 8, 9}, {3, 20, 3, 9}}) {
    {
      auto file = h5::create_file(path("c.h5"));
      ASSERT_TRUE(file.ok());
      const h5::Lock lock;
      const hsize_t extents[] = {3, 7, 8, 9}, most[] = {20, 20, 20, 20};
      const h5::Id space(H5Screate_simple(4, extents, most)), plist(H5Pcreate(H5P_DATASET_CREATE));
      H5Pset_chunk(plist, 4, chunk.data());
      H5Pset_deflate(plist, 1);
      const h5::Id set(
          H5Dcreate2(*file, "d", H5T_NATIVE_UINT16, space, H5P_DEFAULT, plist, H5P_DEFAULT));
      ASSERT_GE(H5Dwrite(set, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, whole.view().data),
                0);
    }
    auto source = open_images(path("c.h5"));
    ASSERT_TRUE(source.ok()) << source.error().message;
    expect_same(**source, whole);
  }
}

TEST_F(Images, AreCountedByTheirBytes) {
  const Array whole = counting({6, 4, 5});
  const std::string name = write("a.raw", whole);
  OpenOptions options;
  options.shape = {0, 4, 5};
  options.any_length = true;
  auto source = open_images(name, options);
  ASSERT_TRUE(source.ok()) << source.error().message;
  EXPECT_EQ((*source)->shape(), (Shape{6, 4, 5}));
  expect_same(**source, whole);
  options.shape = {0, 3, 4, 5};
  EXPECT_EQ((*open_images(name, options))->shape(), (Shape{2, 3, 4, 5}));
  options.shape = {0, 4, 4, 5};
  expect_error(open_images(name, options), Errc::malformed,
               {"a.raw", "no whole number", "1x4x4x5"});
  options.shape = {0, 0, 5};
  expect_error(open_images(name, options), Errc::usage, {"cannot be counted"});
}

TEST_F(Images, WrongSizesAreMalformed) {
  const std::string name = write("a.raw", counting({6, 4, 5}));
  OpenOptions options;
  for (const Shape& shape : {Shape{5, 4, 5}, Shape{7, 4, 5}, Shape{0, 4, 5}}) {
    options.shape = shape;
    expect_error(open_images(name, options), Errc::malformed, {"a.raw", "240 bytes"});
  }
  options.shape = {std::size_t{1} << 62, 4, 5};
  expect_error(open_images(name, options), Errc::malformed, {"too many"});
}

TEST_F(Images, WriterTakesPieces) {
  const Array whole = counting({4, 6, 5});
  for (const char* ending : {".npy", ".h5", ".raw"}) {
    const std::string name = path("w" + std::string(ending));
    auto writer = ArrayWriter::create(name, DType::u16, whole.shape(), false);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t half = 0; half < 2; ++half) {
        const ArrayView piece{whole.view()[i].data + half * 30, DType::u16, {1, 3, 5}};
        ASSERT_TRUE(writer->write(piece, {i, half * 3, 0}).ok());
      }
    EXPECT_FALSE(std::filesystem::exists(name));
    ASSERT_TRUE(writer->commit().ok());
    OpenOptions options;
    options.shape = whole.shape();
    const auto back = read_array(name, options);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_TRUE(std::equal(back->view().bytes().begin(), back->view().bytes().end(),
                           whole.view().bytes().begin(), whole.view().bytes().end()));
    expect_error(ArrayWriter::create(name, DType::u16, whole.shape(), false), Errc::usage,
                 {"exists already"});
  }
  {
    auto dropped = ArrayWriter::create(path("dropped.h5"), DType::u16, whole.shape(), false);
    ASSERT_TRUE(dropped.ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path("dropped.h5")));
  EXPECT_FALSE(std::filesystem::exists(path("dropped.h5.part.etalon")));
}

TEST_F(Images, SourcesReadWhereBytesLie) {
  const Array whole = counting({100}, DType::u8);
  const std::string name = write("s.raw", whole);
  auto source = open_source(name);
  ASSERT_TRUE(source.ok());
  EXPECT_EQ((*source)->size(), 100u);
  Bytes room;
  const auto part = (*source)->read(40, 5, room);
  ASSERT_TRUE(part.ok());
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(static_cast<std::size_t>((*part)[i]), 40 + i);
  EXPECT_EQ(open_source(path("none")).error().code, Errc::missing);

  auto stream = ByteStream::open(name);
  ASSERT_TRUE(stream.ok());
  ASSERT_EQ(stream->peek(6)->size(), 6u);
  Bytes some(10);
  ASSERT_EQ(*stream->read(some), 10u);
  EXPECT_EQ(some[0], std::byte{0});
  EXPECT_EQ(some[9], std::byte{9});
  ASSERT_TRUE(stream->seek(95).ok());
  ASSERT_EQ(*stream->read(some), 5u);
  EXPECT_EQ(some[4], std::byte{99});
}

}  // namespace
}  // namespace etalon
