/* kernels/reduce_tile.h for both types. */

#include <math.h>
#include <stdint.h>

#define LANES 32
#define COLUMNS 256  /* that are reduced side by side, at most */

#define REAL float
#define FLAG int32_t
#define SUFFIX f32
#include "reduce_tile.h"
#undef REAL
#undef FLAG
#undef SUFFIX

#define REAL double
#define FLAG int64_t
#define SUFFIX f64
#include "reduce_tile.h"
#undef REAL
#undef FLAG
#undef SUFFIX

#undef LANES
