#include "kernels/bit_shuffle/bit_shuffle.hpp"

#include <gtest/gtest.h>

#include "etalon/backend.hpp"
#include "kernels/bit_shuffle/bit_shuffle_cases.hpp"
#include "kernels/dispatch.hpp"

namespace etalon {
namespace {

using namespace bit_shuffle_cases;

TEST(BitShuffle, EveryBackendDoesWhatTheDefinitionSays) {
  for (const std::string& backend : backends()) {
    ASSERT_TRUE(set_backend(backend).ok());
    for (const std::size_t size : {1, 2, 3, 4, 5, 6, 7, 8})
      for (const std::size_t groups : {1, 2, 15, 16, 17, 31, 32, 33, 47, 512, 1000}) {
        const Bytes plain = random_block(8 * groups * size, static_cast<unsigned>(groups));
        const Bytes expected = shuffled_by_definition(plain, size);
        Bytes shuffled(plain.size()), back(plain.size());
        bit_shuffle(plain, shuffled, size);
        EXPECT_EQ(shuffled, expected) << backend << ", size " << size << ", groups " << groups;
        bit_unshuffle(expected, back, size);
        EXPECT_EQ(back, plain) << backend << ", size " << size << ", groups " << groups;
        if (size == 1 || size == 2 || size == 4) {
          EXPECT_EQ(backend_that_ran(), backend);
        }
      }
  }
  ASSERT_TRUE(set_backend("auto").ok());
}

TEST(BitShuffle, NothingToShuffleIsNothing) {
  Bytes none;
  bit_shuffle(none, none, 2);
  bit_unshuffle(none, none, 2);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace etalon
