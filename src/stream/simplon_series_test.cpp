#include "stream/simplon_series.hpp"

#include <gtest/gtest.h>

namespace etalon {
namespace {

Bytes start_of(std::uint64_t images, std::uint64_t series = 1) {
  SimplonStart start;
  start.series_id = series;
  start.number_of_images = images;
  return encode_simplon(start, DectrisCompression::none);
}

Bytes image_of(std::uint64_t id, std::uint64_t series = 1, std::size_t nx = 5) {
  SimplonImage image;
  image.series_id = series;
  image.image_id = id;
  std::vector<std::pair<std::string, Array>> channels;
  channels.emplace_back("threshold_1", Array(DType::u16, {3, nx}));
  channels[0].second.as<std::uint16_t>()[0] = static_cast<std::uint16_t>(id);
  return encode_simplon_image(image, encode_simplon_data(channels, DectrisCompression::bslz4));
}

Bytes end_of(std::uint64_t series = 1) { return encode_simplon(SimplonEnd{series, ""}); }

// Numbers in the order in which they are given out, each with its own pixels.
std::vector<std::uint64_t> drain(SimplonSeries& series) {
  std::vector<std::uint64_t> ids;
  while (auto image = series.next()) {
    EXPECT_EQ(image->data.at(0).second.unpack()->as<std::uint16_t>()[0], image->image_id);
    ids.push_back(image->image_id);
  }
  return ids;
}

std::vector<std::uint64_t> played(SimplonSeries& series, const std::vector<Bytes>& messages) {
  std::vector<std::uint64_t> ids;
  for (const Bytes& message : messages) {
    series.take(SharedBytes(message));
    for (const std::uint64_t id : drain(series)) ids.push_back(id);
  }
  series.finish();
  for (const std::uint64_t id : drain(series)) ids.push_back(id);
  EXPECT_TRUE(series.accounts().balanced());
  return ids;
}

using Ids = std::vector<std::uint64_t>;

TEST(SimplonSeries, AllThatWasAnnounced) {
  SimplonSeries series;
  EXPECT_EQ(played(series, {start_of(3), image_of(0), image_of(1), image_of(2), end_of()}),
            (Ids{0, 1, 2}));
  EXPECT_TRUE(series.whole());
  EXPECT_EQ(series.accounts().missing + series.accounts().not_sent, 0u);
}

TEST(SimplonSeries, OrderIsRestoredAndDuplicatesGo) {
  SimplonSeries series;
  EXPECT_EQ(played(series, {start_of(4), image_of(1), image_of(3), image_of(0), image_of(1),
                            image_of(3), image_of(2), end_of()}),
            (Ids{0, 1, 2, 3}));
  EXPECT_EQ(series.accounts().duplicate, 2u);
  EXPECT_EQ(series.accounts().out_of_order, 2u);
  EXPECT_TRUE(series.whole());
}

TEST(SimplonSeries, WithoutAStartImagesWaitAndThenGoOn) {
  SimplonSeries late_start;
  late_start.take(SharedBytes(image_of(0)));
  EXPECT_FALSE(late_start.next());
  late_start.take(SharedBytes(start_of(2)));
  EXPECT_EQ(drain(late_start), (Ids{0}));
  EXPECT_EQ(late_start.accounts().before_start, 1u);

  SimplonSeries no_start(2);
  EXPECT_EQ(played(no_start, {image_of(0), image_of(1), image_of(2), end_of()}), (Ids{0, 1, 2}));
  EXPECT_FALSE(no_start.start());
  EXPECT_FALSE(no_start.whole());
}

TEST(SimplonSeries, EveryOtherImageStolenIsSeen) {
  SimplonSeries series(1);
  EXPECT_EQ(played(series, {start_of(8), image_of(0), image_of(2), image_of(4), end_of()}),
            (Ids{0, 2, 4}));
  EXPECT_EQ(series.accounts().missing, 2u);
  EXPECT_EQ(series.accounts().not_sent, 3u);
  EXPECT_FALSE(series.whole());
}

TEST(SimplonSeries, TooLateIsNotMissing) {
  SimplonSeries series(1);
  EXPECT_EQ(played(series, {start_of(6), image_of(0), image_of(4), image_of(5), image_of(2),
                            image_of(2), end_of()}),
            (Ids{0, 4, 5}));
  EXPECT_EQ(series.accounts().late, 1u);
  EXPECT_EQ(series.accounts().duplicate, 1u);
  EXPECT_EQ(series.accounts().missing, 2u);
}

TEST(SimplonSeries, EndThatOvertakesDropsNothing) {
  SimplonSeries series;
  series.take(SharedBytes(start_of(3)));
  series.take(SharedBytes(image_of(0)));
  series.take(SharedBytes(end_of()));
  EXPECT_EQ(drain(series), (Ids{0}));
  EXPECT_TRUE(series.ended());
  EXPECT_FALSE(series.whole());
  series.take(SharedBytes(image_of(2)));
  series.take(SharedBytes(image_of(1)));
  EXPECT_EQ(drain(series), (Ids{1, 2}));
  EXPECT_TRUE(series.whole());
  EXPECT_EQ(series.accounts().after_end, 2u);
}

TEST(SimplonSeries, WhatIsNotOursIsCounted) {
  SimplonSeries series;
  Bytes damaged = image_of(1);
  damaged.resize(damaged.size() / 2);
  EXPECT_EQ(
      played(series, {start_of(2), image_of(0), damaged, Bytes(5), image_of(1, 9),
                      image_of(1, 1, 6), image_of(7), end_of(9), start_of(5, 9), image_of(1)}),
      (Ids{0, 1}));
  EXPECT_EQ(series.accounts().corrupt, 2u);
  EXPECT_EQ(series.accounts().unexpected, 3u);
  EXPECT_EQ(series.accounts().starts, 2u);
  EXPECT_FALSE(series.ended());
  EXPECT_FALSE(series.last_error().empty());
}

TEST(SimplonSeries, WhatAnEarlierSeriesLeftIsNotThisOne) {
  for (const std::vector<Bytes>& left : {std::vector<Bytes>{end_of(7)},
                                         {start_of(9, 7)},  // armed, and armed again
                                         {image_of(5, 7, 6), image_of(6, 7, 6), end_of(7)}}) {
    SimplonSeries series;
    std::vector<Bytes> all = left;
    for (Bytes message : {start_of(3), image_of(0), image_of(1), image_of(2), end_of()})
      all.push_back(std::move(message));
    EXPECT_EQ(played(series, all), (Ids{0, 1, 2}));
    EXPECT_TRUE(series.whole());
    EXPECT_FALSE(series.superseded());
    EXPECT_EQ(series.accounts().unexpected, left.size() == 3 ? 2U : 0U);
    EXPECT_EQ(series.accounts().before_start + series.accounts().missing, 0U);
  }
}

TEST(SimplonSeries, AnotherStartAfterTheFirstImageIsTheEnd) {
  SimplonSeries series;
  EXPECT_EQ(played(series, {start_of(3), image_of(0), start_of(9, 7), image_of(0, 7)}), (Ids{0}));
  EXPECT_TRUE(series.superseded());
  EXPECT_EQ(series.accounts().unexpected, 1U);
  EXPECT_EQ(series.accounts().not_sent, 2U);
}

}  // namespace
}  // namespace etalon
