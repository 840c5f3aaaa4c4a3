/* From C: a series whose frames come one by one, and the whole of it back. */
#include <etalon/etalon.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned char file[1 << 20];
static size_t size = 0;

static int take(void* user, const void* bytes, size_t count) {
  (void)user;
  if (count > sizeof file - size) return 1;
  memcpy(file + size, bytes, count);
  size += count;
  return 0;
}

int main(void) {
  static uint16_t frame[64 * 64];
  const size_t extents[] = {64, 64};
  etalon_options options = {.size = sizeof options, .bound = "abs:1", .threads = 2};
  etalon_encoder* encoder;
  etalon_array* array;
  etalon_error error;
  if (etalon_encoder_new(ETALON_U16, 2, extents, 1, &options, take, NULL, &encoder, &error)) {
    fprintf(stderr, "%s\n", error.message);
    return error.code;
  }
  for (int i = 0; i < 3; ++i) {
    for (size_t k = 0; k < 64 * 64; ++k) frame[k] = (uint16_t)((k * 2654435761u >> 29) + i);
    if (etalon_encoder_push(encoder, frame, sizeof frame, NULL, &error)) return error.code;
  }
  if (etalon_encoder_finish(encoder, &error)) return error.code;
  etalon_encoder_free(encoder);
  if (etalon_decompress(file, size, 1, &array, &error)) return error.code;
  etalon_view view = etalon_array_view(array);
  printf("etalon %s: %zu frames in %zu bytes\n", etalon_version(), view.extents[0], size);
  const int fine = view.extents[0] == 3;
  etalon_array_free(array);
  return fine ? 0 : 1;
}
