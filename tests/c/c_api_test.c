/* etalon/etalon.h from C99: round trips, regions, series, and what is refused. */
#include "etalon/etalon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                                   \
    }                                                                               \
  } while (0)

enum { FRAMES = 5, NY = 60, NX = 80, PIXELS = NY * NX };
static uint16_t photons[FRAMES * PIXELS];
static uint8_t labels[PIXELS];

static etalon_view whole(void) {
  etalon_view view = {photons, ETALON_U16, 3, {FRAMES, NY, NX}};
  return view;
}

static void make_photons(void) {
  uint32_t state = 1;
  for (size_t i = 0; i < FRAMES * PIXELS; ++i) {
    state = state * 1664525u + 1013904223u;
    photons[i] = (uint16_t)(state >> 29);
  }
}

/* The largest difference where `label` is, or anywhere for label < 0. */
static int worst(const uint16_t* decoded, int label) {
  int most = 0;
  for (size_t i = 0; i < FRAMES * PIXELS; ++i) {
    int error = abs((int)decoded[i] - (int)photons[i]);
    if ((label < 0 || labels[i % PIXELS] == label) && error > most) most = error;
  }
  return most;
}

/* Refused with this code, a message and nothing made. */
static void refused(int code, int wanted, const etalon_error* error) {
  CHECK(code == wanted);
  CHECK(error->code == wanted);
  CHECK(strlen(error->message) > 0 && strlen(error->message) < sizeof error->message);
}

static void lossless_round_trip(void) {
  etalon_view view = whole();
  etalon_bytes* bytes = NULL;
  etalon_array* array = NULL;
  etalon_error error;
  CHECK(etalon_compress(&view, NULL, &bytes, &error) == ETALON_OK);
  CHECK(error.code == ETALON_OK && error.message[0] == 0);
  CHECK(etalon_bytes_size(bytes) < sizeof photons / 2);
  CHECK(etalon_decompress(etalon_bytes_data(bytes), etalon_bytes_size(bytes), 0, &array, NULL) ==
        ETALON_OK);
  etalon_view back = etalon_array_view(array);
  CHECK(back.dtype == ETALON_U16 && back.rank == 3);
  CHECK(back.extents[0] == FRAMES && back.extents[1] == NY && back.extents[2] == NX);
  CHECK(memcmp(back.data, photons, sizeof photons) == 0);
  etalon_array_free(array);

  size_t begin[3] = {1, 10, 20}, end[3] = {3, 12, 50};
  CHECK(etalon_decompress_box(etalon_bytes_data(bytes), etalon_bytes_size(bytes), 3, begin, end,
                              &array, &error) == ETALON_OK);
  back = etalon_array_view(array);
  CHECK(back.extents[0] == 2 && back.extents[1] == 2 && back.extents[2] == 30);
  CHECK(memcmp(back.data, photons + PIXELS + 10 * NX + 20, 30 * sizeof(uint16_t)) == 0);
  etalon_array_free(array);
  end[2] = NX + 1;
  refused(etalon_decompress_box(etalon_bytes_data(bytes), etalon_bytes_size(bytes), 3, begin, end,
                                &array, &error),
          ETALON_USAGE, &error);
  CHECK(array == NULL);

  etalon_info info = {.size = sizeof info};
  CHECK(etalon_inspect(etalon_bytes_data(bytes), etalon_bytes_size(bytes), &info, &error) == 0);
  CHECK(info.dtype == ETALON_U16 && info.source == ETALON_U16 && info.rank == 3);
  CHECK(info.extents[1] == NY && info.chunk[0] == 1 && info.chunks == FRAMES);
  CHECK(info.raw_bytes == sizeof photons && info.bytes == etalon_bytes_size(bytes));
  CHECK(strcmp(info.bound, "lossless") == 0 && strncmp(info.format, "etalon ", 7) == 0);
  CHECK(info.regions == 1 && info.max_error == 0);
  etalon_bytes_free(bytes);
}

static void every_type(void) {
  static const size_t sizes[] = {0, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
  static uint64_t memory[64 * 64];
  for (int dtype = ETALON_U8; dtype <= ETALON_F64; ++dtype) {
    memset(memory, 0, sizeof memory);
    for (size_t i = 0; i < 64 * 64; ++i) ((uint8_t*)memory)[i * sizes[dtype]] = (uint8_t)(i % 11);
    etalon_view view = {memory, dtype, 2, {64, 64}};
    etalon_bytes* bytes = NULL;
    static uint64_t back[64 * 64];
    memset(back, 255, sizeof back);
    CHECK(etalon_encode_chunk(&view, NULL, &bytes, NULL) == ETALON_OK);
    CHECK(etalon_decode_chunk_into(etalon_bytes_data(bytes), etalon_bytes_size(bytes), back, dtype,
                                   2, view.extents, NULL) == ETALON_OK);
    CHECK(memcmp(memory, back, 64 * 64 * sizes[dtype]) == 0);
    etalon_bytes_free(bytes);
  }
}

static void regions_and_targets(void) {
  const char* bounds[] = {"lossless", "abs:1"};
  for (size_t y = 0; y < NY; ++y)
    for (size_t x = 0; x < NX; ++x) labels[y * NX + x] = (uint8_t)(y < 10 ? 1 : x < 10 ? 2 : 0);
  etalon_options options = {.size = sizeof options, .bound = "abs:3", .threads = 2};
  options.labels = labels;
  options.labels_count = PIXELS;
  options.label_bounds = bounds;
  options.label_bounds_count = 2;
  etalon_view view = whole();
  etalon_bytes* bytes = NULL;
  etalon_array* array = NULL;
  etalon_error error;
  CHECK(etalon_compress(&view, &options, &bytes, &error) == ETALON_OK);
  CHECK(etalon_decompress(etalon_bytes_data(bytes), etalon_bytes_size(bytes), 1, &array, NULL) ==
        ETALON_OK);
  CHECK(worst(etalon_array_view(array).data, 1) == 0);
  CHECK(worst(etalon_array_view(array).data, 2) == 1);
  CHECK(worst(etalon_array_view(array).data, 0) == 3);
  etalon_info info = {.size = sizeof info};
  CHECK(etalon_inspect(etalon_bytes_data(bytes), etalon_bytes_size(bytes), &info, NULL) == 0);
  CHECK(info.regions == 3 && info.max_error == 3 && strcmp(info.bound, "abs:3") == 0);
  etalon_array_free(array);
  etalon_bytes_free(bytes);

  options.label_bounds_count = 1; /* label 2 has none */
  refused(etalon_compress(&view, &options, &bytes, &error), ETALON_USAGE, &error);
  CHECK(bytes == NULL);

  const uint32_t centres[] = {30, 40, 0, 79};
  const etalon_peaks peaks = {"lossless", 2, centres, 2};
  etalon_options round = {
      .size = sizeof round, .bound = "abs:3", .peaks = &peaks, .peaks_count = 1};
  CHECK(etalon_compress(&view, &round, &bytes, &error) == ETALON_OK);
  CHECK(etalon_decompress(etalon_bytes_data(bytes), etalon_bytes_size(bytes), 1, &array, NULL) ==
        ETALON_OK);
  memset(labels, 0, sizeof labels);
  for (size_t y = 28; y <= 32; ++y) memset(labels + y * NX + 38, 1, 5);
  for (size_t y = 0; y <= 2; ++y) memset(labels + y * NX + 77, 1, 3);
  CHECK(worst(etalon_array_view(array).data, 1) == 0);
  CHECK(worst(etalon_array_view(array).data, 0) == 3);
  etalon_array_free(array);
  etalon_bytes_free(bytes);

  etalon_options target = {.size = sizeof target, .bound = "ratio:20"};
  CHECK(etalon_compress(&view, &target, &bytes, &error) == ETALON_OK);
  CHECK(etalon_bytes_size(bytes) * 20 <= sizeof photons);
  etalon_bytes_free(bytes);
  refused(etalon_encode_chunk(&view, &target, &bytes, &error), ETALON_USAGE, &error);
}

static void levels(void) {
  size_t sizes[10] = {0};
  for (int level = 0; level <= 10; ++level) {
    etalon_options options = {.size = sizeof options, .bound = "abs:1", .level = level};
    etalon_view view = whole();
    etalon_bytes* bytes = NULL;
    etalon_array* array = NULL;
    etalon_error error;
    int code = etalon_compress(&view, &options, &bytes, &error);
    if (level == 10) {
      refused(code, ETALON_USAGE, &error);
      break;
    }
    CHECK(code == ETALON_OK);
    sizes[level] = etalon_bytes_size(bytes);
    CHECK(etalon_decompress(etalon_bytes_data(bytes), sizes[level], 1, &array, NULL) == ETALON_OK);
    CHECK(worst(etalon_array_view(array).data, -1) == 1);
    etalon_array_free(array);
    etalon_bytes_free(bytes);
  }
  CHECK(sizes[0] == sizes[5] && sizes[9] <= sizes[5] && sizes[5] < sizes[1]);
}

struct sink {
  unsigned char* bytes;
  size_t size, calls, fails_at;
};

static int take(void* user, const void* bytes, size_t size) {
  struct sink* sink = user;
  if (++sink->calls == sink->fails_at) return 7;
  sink->bytes = realloc(sink->bytes, sink->size + size);
  memcpy(sink->bytes + sink->size, bytes, size);
  sink->size += size;
  return 0;
}

static void series(void) {
  const size_t extents[] = {NY, NX};
  etalon_options options = {
      .size = sizeof options, .bound = "abs:1", .threads = 3, .dither = 1, .seed = 9};
  struct sink sink = {NULL, 0, 0, 0};
  etalon_encoder* encoder = NULL;
  etalon_error error;
  CHECK(etalon_encoder_new(ETALON_U16, 2, extents, 0, &options, take, &sink, &encoder, &error) ==
        ETALON_OK);
  for (size_t i = 0; i < FRAMES; ++i)
    CHECK(etalon_encoder_push(encoder, photons + i * PIXELS, PIXELS * 2, NULL, &error) == 0);
  CHECK(etalon_encoder_finish(encoder, &error) == ETALON_OK);
  etalon_encoder_free(encoder);
  etalon_view view = whole();
  etalon_bytes* bytes = NULL;
  CHECK(etalon_compress(&view, &options, &bytes, &error) == ETALON_OK);
  CHECK(sink.size == etalon_bytes_size(bytes));
  CHECK(memcmp(sink.bytes, etalon_bytes_data(bytes), sink.size) == 0);
  etalon_bytes_free(bytes);

  /* A sink that gives up, and frames that do not fit. */
  sink.calls = sink.size = 0;
  sink.fails_at = 3;
  options.threads = 1;
  CHECK(etalon_encoder_new(ETALON_U16, 2, extents, 1, &options, take, &sink, &encoder, &error) ==
        ETALON_OK);
  refused(etalon_encoder_push(encoder, photons, PIXELS, NULL, &error), ETALON_USAGE, &error);
  CHECK(etalon_encoder_push(encoder, photons, PIXELS * 2, NULL, &error) == ETALON_OK);
  refused(etalon_encoder_push(encoder, photons, PIXELS * 2, NULL, &error), ETALON_IO, &error);
  CHECK(strstr(error.message, "7") != NULL);
  refused(etalon_encoder_finish(encoder, &error), ETALON_IO, &error);
  etalon_encoder_free(encoder);
  free(sink.bytes);
}

static void refusals(void) {
  etalon_view view = whole();
  etalon_bytes* bytes = NULL;
  etalon_array* array = NULL;
  etalon_error error;
  etalon_options options = {.size = sizeof options, .bound = "abs:-1"};
  refused(etalon_compress(&view, &options, &bytes, &error), ETALON_USAGE, &error);
  options.bound = "peanuts";
  refused(etalon_compress(&view, &options, &bytes, &error), ETALON_USAGE, &error);
  options.bound = "lossless";
  options.size = 0;
  refused(etalon_compress(&view, &options, &bytes, &error), ETALON_USAGE, &error);
  view.dtype = 11;
  refused(etalon_compress(&view, NULL, &bytes, &error), ETALON_USAGE, &error);
  view = whole();
  view.rank = 7;
  refused(etalon_compress(&view, NULL, &bytes, &error), ETALON_USAGE, &error);
  view = whole();
  view.data = NULL;
  refused(etalon_compress(&view, NULL, &bytes, &error), ETALON_USAGE, &error);
  view.data = (const char*)photons + 1;
  refused(etalon_compress(&view, NULL, &bytes, &error), ETALON_USAGE, &error);
  refused(etalon_compress(NULL, NULL, &bytes, &error), ETALON_USAGE, &error);
  view = whole();
  refused(etalon_compress(&view, NULL, NULL, &error), ETALON_USAGE, &error);
  refused(etalon_decompress("not a container", 15, 1, &array, &error), ETALON_MALFORMED, &error);
  CHECK(array == NULL);
  refused(etalon_decode_chunk("", 0, &array, &error), ETALON_MALFORMED, &error);
  etalon_info info = {.size = sizeof info};
  refused(etalon_inspect("Etc, but no chunk", 17, &info, &error), ETALON_MALFORMED, &error);

  /* Every flipped byte of a container is noticed. */
  CHECK(etalon_compress(&view, NULL, &bytes, NULL) == ETALON_OK);
  size_t size = etalon_bytes_size(bytes);
  unsigned char* damaged = malloc(size);
  for (size_t at = 0; at < size; at += 97) {
    memcpy(damaged, etalon_bytes_data(bytes), size);
    damaged[at] ^= 16;
    refused(etalon_decompress(damaged, size, 1, &array, &error), ETALON_MALFORMED, &error);
  }
  free(damaged);
  etalon_bytes_free(bytes);

  CHECK(etalon_bytes_data(NULL) == NULL && etalon_bytes_size(NULL) == 0);
  etalon_bytes_free(NULL);
  etalon_array_free(NULL);
  etalon_encoder_free(NULL);
  refused(etalon_encoder_finish(NULL, &error), ETALON_USAGE, &error);
}

/* A caller compiled when etalon_options ended after `bound`. */
static void an_older_caller(void) {
  struct {
    size_t size;
    const char* bound;
  } old = {sizeof old, "abs:1"};
  etalon_view view = whole();
  etalon_bytes* bytes = NULL;
  etalon_info info = {.size = sizeof info};
  CHECK(etalon_compress(&view, (const etalon_options*)(const void*)&old, &bytes, NULL) == 0);
  CHECK(etalon_inspect(etalon_bytes_data(bytes), etalon_bytes_size(bytes), &info, NULL) == 0);
  CHECK(strcmp(info.bound, "abs:1") == 0);
  etalon_bytes_free(bytes);
}

int main(void) {
  make_photons();
  CHECK(strchr(etalon_version(), '.') != NULL);
  lossless_round_trip();
  every_type();
  regions_and_targets();
  levels();
  series();
  refusals();
  an_older_caller();
  if (failures != 0) fprintf(stderr, "%d checks failed\n", failures);
  return failures != 0;
}
