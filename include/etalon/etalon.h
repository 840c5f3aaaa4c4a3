/* Etalon's codec for C99 and for everything that calls C: error-bounded, region-aware compression
 * of dense arrays. The same bytes as etalon/codec.hpp and etalon/series.hpp, which say more.
 *
 * Every function that can fail returns an etalon_code, and fills *error where one is given. What a
 * function makes is given back with its _free; freeing NULL does nothing. All of it may be called
 * from any thread; one encoder belongs to one thread at a time. */
#ifndef ETALON_ETALON_H
#define ETALON_ETALON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#define ETALON_API __attribute__((visibility("default")))

typedef enum etalon_code {
  ETALON_OK = 0,
  ETALON_IO = 1,        /* an operation failed: no memory, a sink that gave up */
  ETALON_USAGE = 2,     /* senseless arguments */
  ETALON_MALFORMED = 3, /* bytes that are not what they should be */
  ETALON_CHECK = 4,     /* no bound meets the target */
  ETALON_MISSING = 5,
  ETALON_INTERRUPTED = 130
} etalon_code;

typedef struct etalon_error {
  int code;          /* an etalon_code */
  char message[508]; /* "WHERE: PLACE: REASON", cut off where it is longer; ends with a 0 */
} etalon_error;

/* Element types, in the machine's byte order. */
enum {
  ETALON_U8 = 1,
  ETALON_U16 = 2,
  ETALON_U32 = 3,
  ETALON_U64 = 4,
  ETALON_I8 = 5,
  ETALON_I16 = 6,
  ETALON_I32 = 7,
  ETALON_I64 = 8,
  ETALON_F32 = 9,
  ETALON_F64 = 10
};
enum { ETALON_MAX_RANK = 6 };

/* The caller's elements: dense, last axis fastest, aligned for their type. */
typedef struct etalon_view {
  const void* data;
  int dtype;
  int rank; /* 0 to 6 */
  size_t extents[ETALON_MAX_RANK];
} etalon_view;

/* Squares of side 2 half + 1 round centres that have a bound of their own; over the labels. */
typedef struct etalon_peaks {
  const char* bound;
  uint32_t half;
  const uint32_t* centres; /* y, x, y, x, ...: pixels */
  size_t count;            /* of centres */
} etalon_peaks;

/* All 0 but the size is lossless:
 *   etalon_options options = {.size = sizeof options, .bound = "abs:2"}; */
typedef struct etalon_options {
  size_t size;       /* sizeof(etalon_options): what the caller was compiled with */
  const char* bound; /* of elements in no region: "lossless" (also NULL), "abs:E", "rel:R",
                        "rel:R,range=A..B", "pwrel:R", "sigma:S,gain=G,noise=N"; for
                        etalon_compress also the targets "psnr:D", "ratio:X" */
  /* Regions: pixel i of the last two axes (y, x), or element i of all, has label_bounds[labels[i] -
     1], or `bound` where its label is 0. labels may be NULL. */
  const uint8_t* labels;
  size_t labels_count; /* as many as an image has pixels, or the array elements */
  const char* const* label_bounds;
  size_t label_bounds_count;
  const etalon_peaks* peaks; /* may be NULL; later ones win */
  size_t peaks_count;        /* with the label bounds at most 15 */
  const uint8_t* mask;       /* (y, x), 1 is good, or NULL; helps the ratio, changes no bound */
  size_t mask_count;
  int chunk_rank; /* 0: one image a chunk. Only etalon_compress looks at it */
  size_t chunk[ETALON_MAX_RANK];
  unsigned threads; /* 0: one per core. The bytes do not depend on it */
  int dither;       /* see etalon/codec.hpp; unsigned types come back signed and twice as wide */
  uint64_t seed;    /* of the dither. A chunk by itself needs a seed of its own */
  int level;        /* 1 (memory speed) to 9 (smallest); 0: the default, 5. See etalon/codec.hpp */
} etalon_options;

/* "0.1.0" */
ETALON_API const char* etalon_version(void);

/* Bytes that the library made. */
typedef struct etalon_bytes etalon_bytes;
ETALON_API const void* etalon_bytes_data(const etalon_bytes* bytes);
ETALON_API size_t etalon_bytes_size(const etalon_bytes* bytes);
ETALON_API void etalon_bytes_free(etalon_bytes* bytes);

/* An array that the library made. */
typedef struct etalon_array etalon_array;
ETALON_API etalon_view etalon_array_view(const etalon_array* array); /* valid until freed */
ETALON_API void etalon_array_free(etalon_array* array);

/* A whole array to a container, and back. options may be NULL: lossless. threads: 0 is one per
 * core. */
ETALON_API int etalon_compress(const etalon_view* array, const etalon_options* options,
                               etalon_bytes** out, etalon_error* error);
ETALON_API int etalon_decompress(const void* container, size_t size, unsigned threads,
                                 etalon_array** out, etalon_error* error);
/* The elements from begin[i] up to and without end[i] along each of the array's `rank` axes. Only
 * chunks that the box meets are decoded. */
ETALON_API int etalon_decompress_box(const void* container, size_t size, int rank,
                                     const size_t* begin, const size_t* end, etalon_array** out,
                                     etalon_error* error);

/* One chunk by itself: what the HDF5 filter stores. Decoding into the caller's memory: dtype and
 * shape must be the chunk's. */
ETALON_API int etalon_encode_chunk(const etalon_view* elements, const etalon_options* options,
                                   etalon_bytes** out, etalon_error* error);
ETALON_API int etalon_decode_chunk(const void* chunk, size_t size, etalon_array** out,
                                   etalon_error* error);
ETALON_API int etalon_decode_chunk_into(const void* chunk, size_t size, void* data, int dtype,
                                        int rank, const size_t* extents, etalon_error* error);

typedef struct etalon_info {
  size_t size; /* sizeof(etalon_info), set by the caller */
  int dtype;   /* of decoded elements */
  int source;  /* of the original ones: another type with dither */
  int rank;
  size_t extents[ETALON_MAX_RANK];
  size_t chunk[ETALON_MAX_RANK];
  uint64_t raw_bytes, bytes, chunks;
  uint64_t regions; /* with the default */
  double max_error; /* of the default, measured while encoding, in its bound's unit */
  char format[32];  /* "etalon 0.2" */
  char bound[160];  /* of the default, as text */
} etalon_info;
/* Of a container, or of a chunk by itself. */
ETALON_API int etalon_inspect(const void* bytes, size_t size, etalon_info* info,
                              etalon_error* error);

/* A series whose frames come one by one: etalon/series.hpp. The sink takes the container's next
 * bytes, in order, within etalon_encoder_new, _push and _finish; it returns 0, or anything else to
 * give up. */
typedef struct etalon_encoder etalon_encoder;
typedef int (*etalon_sink)(void* user, const void* bytes, size_t size);

/* A frame's dtype and extents (rank 0 to 5); frames_per_chunk: 0 is 1. */
ETALON_API int etalon_encoder_new(int dtype, int rank, const size_t* extents,
                                  size_t frames_per_chunk, const etalon_options* options,
                                  etalon_sink sink, void* user, etalon_encoder** out,
                                  etalon_error* error);
/* `size` is that of the frame's elements in bytes, which are copied. own: options of this frame,
 * instead of the encoder's, or NULL. */
ETALON_API int etalon_encoder_push(etalon_encoder* encoder, const void* frame, size_t size,
                                   const etalon_options* own, etalon_error* error);
ETALON_API int etalon_encoder_finish(etalon_encoder* encoder, etalon_error* error);
ETALON_API void etalon_encoder_free(etalon_encoder* encoder);

#ifdef __cplusplus
}
#endif
#endif
