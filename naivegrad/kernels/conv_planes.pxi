# The planes of a convolution (see the design in conv.pyx): how the work is cut into blocks, what a
# block's planes hold, and where each tap finds its pixels in them.

cdef enum:
    PLANE_BYTES = 256 * 1024        # planes of a block of `correlate`: part of the L2 cache
    CORRELATE_PIXELS = 1024         # output pixels of such a block
    DOT_BYTES = 1024 * 1024         # planes of a block of `dot`, which are read in long runs
    DOT_PIXELS = 4096               # its pixels: many, for the sums across lanes not to show


cdef struct Geometry:
    # The sizes of a convolution; channels and filters are those of one group.
    Py_ssize_t images, groups, channels, filters
    Py_ssize_t height, width, kh, kw, out_height, out_width
    Py_ssize_t stride_h, stride_w, top, left, dilation_h, dilation_w


cdef struct Window:
    # Which source pixel each tap of a channel reads: tap (u, v) of output pixel (i, j) reads
    # row i * step_h + first_h[u], column j * step_w + first_w[v]; outside the source it is 0.
    Py_ssize_t channels, kh, kw
    Py_ssize_t height, width                # of the source
    Py_ssize_t out_height, out_width
    Py_ssize_t step_h, step_w
    Py_ssize_t* first_h                     # [kh]
    Py_ssize_t* first_w                     # [kw]
    # first_h[u] = (lowest + shift[u]) * step_h + rest[phase[u]]
    Py_ssize_t phases, lowest, span         # 0 <= shift[u] <= span
    Py_ssize_t* phase                       # [kh]
    Py_ssize_t* shift                       # [kh]
    Py_ssize_t* rest                        # [phases]


cdef struct Blocks:
    # How the work is cut. Images of a block may lie side by side: row i of a plane is then row i of
    # the first image, of the second, ...: small images make long runs of pixels too.
    Py_ssize_t images, rows, channels       # of one block
    Py_ssize_t pitch                        # from one row of a plane to the next
    Py_ssize_t plane                        # elements of a plane
    Py_ssize_t size                         # ... of all planes of a block (of an image, if apart)


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline Py_ssize_t floor_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return a // b if a >= 0 else -((b - 1 - a) // b)


cdef inline Py_ssize_t clip(Py_ssize_t a, Py_ssize_t low, Py_ssize_t high) noexcept nogil:
    return low if a < low else high if a > high else a


cdef void window_of(Window* window, Geometry* g, Py_ssize_t* table) noexcept nogil:
    """The window of conv2d: tap u of output row i reads row i * stride + u * dilation - top."""
    cdef Py_ssize_t k
    window.channels = g.channels
    window.kh = g.kh
    window.kw = g.kw
    window.height = g.height
    window.width = g.width
    window.out_height = g.out_height
    window.out_width = g.out_width
    window.step_h = g.stride_h
    window.step_w = g.stride_w
    place_tables(window, table)
    for k in range(g.kh):
        window.first_h[k] = k * g.dilation_h - g.top
    for k in range(g.kw):
        window.first_w[k] = k * g.dilation_w - g.left


cdef void place_tables(Window* window, Py_ssize_t* table) noexcept nogil:
    """Lay the five tables into 4 * kh + kw integers."""
    window.first_h = table
    window.phase = table + window.kh
    window.shift = table + 2 * window.kh
    window.rest = table + 3 * window.kh
    window.first_w = table + 4 * window.kh


cdef void find_phases(Window* window) noexcept nogil:
    """Fill in phases, lowest, span, phase, shift and rest from first_h."""
    cdef Py_ssize_t u, r, q, rest, low = 0, high = 0
    window.phases = 0
    for u in range(window.kh):
        q = floor_div(window.first_h[u], window.step_h)
        rest = window.first_h[u] - q * window.step_h
        window.shift[u] = q
        low = q if u == 0 or q < low else low
        high = q if u == 0 or q > high else high
        r = 0
        while r < window.phases and window.rest[r] != rest:
            r += 1
        if r == window.phases:
            window.rest[r] = rest
            window.phases += 1
        window.phase[u] = r
    for u in range(window.kh):
        window.shift[u] -= low
    window.lowest = low
    window.span = high - low


cdef Py_ssize_t best_count(Py_ssize_t total, Py_ssize_t unit, Py_ssize_t limit,
                           Py_ssize_t tile) noexcept nogil:
    """How many of `total` units of so many pixels make a block: at most `limit`, and at least half
    of it, such that the fewest tiles cover all."""
    cdef Py_ssize_t n, tiles, best = 0, fewest = 0
    limit = clip(limit, 1, total)
    for n in range(limit, limit // 2, -1):
        tiles = total // n * ceil_div(n * unit, tile) + ceil_div(total % n * unit, tile)
        if best == 0 or tiles < fewest:
            best, fewest = n, tiles
    return best


cdef void share_channels(Blocks* blocks, Window* window, Py_ssize_t images, Py_ssize_t bytes,
                         Py_ssize_t pieces) noexcept nogil:
    """Channels of a block: so many that the planes of its images fit, in `pieces` at the least."""
    cdef Py_ssize_t per_channel
    blocks.plane = (blocks.rows + window.span) * blocks.pitch
    per_channel = window.kw * window.phases * blocks.plane
    pieces = clip(ceil_div(images * window.channels * per_channel, bytes), pieces, window.channels)
    blocks.channels = ceil_div(window.channels, clip(pieces, 1, window.channels))
    blocks.size = blocks.channels * per_channel


cdef Blocks cut_correlation(Window* window, Py_ssize_t images, Py_ssize_t groups,
                            Py_ssize_t lanes, int threads) noexcept nogil:
    """Rows of an image, or whole images side by side; enough blocks for all threads."""
    cdef Blocks blocks
    cdef Py_ssize_t width = window.out_width, area = window.out_height * width, tile = 3 * lanes
    if area > CORRELATE_PIXELS:
        blocks.images = 1
        blocks.rows = best_count(window.out_height, width, CORRELATE_PIXELS // width, tile)
    else:
        blocks.images = best_count(images, area, CORRELATE_PIXELS // area, tile)
        blocks.rows = window.out_height
    while (groups * ceil_div(images, blocks.images) * ceil_div(window.out_height, blocks.rows)
           < 2 * threads):
        if blocks.images > 1:
            blocks.images = ceil_div(blocks.images, 2)
        elif blocks.rows > 1 and blocks.rows * width > 2 * tile:
            blocks.rows = ceil_div(blocks.rows, 2)
        else:
            break
    blocks.pitch = blocks.images * width
    share_channels(&blocks, window, 1, PLANE_BYTES // (VECTOR_BYTES // lanes), 1)
    return blocks


cdef Blocks cut_dot(Window* window, Py_ssize_t images, Py_ssize_t groups, Py_ssize_t lanes,
                    int threads, bint* apart) noexcept nogil:
    """Many pixels, of images apart; of images side by side where they are small.

    Rows and images decide in which order the pixels are summed: threads have no say in them.
    """
    cdef Blocks blocks
    cdef Py_ssize_t width = window.out_width, area = window.out_height * width, chunks
    chunks = ceil_div(window.out_height, clip(DOT_PIXELS // width, 1, window.out_height))
    blocks.rows = ceil_div(window.out_height, chunks)
    blocks.images = 1 if chunks > 1 else clip(DOT_PIXELS // area, 1, images)
    # `dot` takes pixels by whole vectors; a last one that is not full costs two
    chunks = ceil_div(window.out_height, blocks.rows)
    apart[0] = (area % lanes == 0 or area >= 12 * lanes) and (
        (window.out_height - (chunks - 1) * blocks.rows) * width >= lanes)
    blocks.pitch = width if apart[0] else blocks.images * width
    share_channels(&blocks, window, blocks.images if apart[0] else 1,
                   DOT_BYTES // (VECTOR_BYTES // lanes),
                   ceil_div(2 * threads, groups) if threads > 1 else 1)
    return blocks


cdef void list_taps(Window* window, Blocks* blocks, Py_ssize_t* tap,
                    Py_ssize_t* place) noexcept nogil:
    """Offset of each tap of a block's channels into the planes, and of its weight in a filter.

    Taps go by (c, v, u): those of one plane, which share most of their pixels, follow one another.
    """
    cdef Py_ssize_t c, u, v, t = 0
    for c in range(blocks.channels):
        for v in range(window.kw):
            for u in range(window.kh):
                tap[t] = (((c * window.kw + v) * window.phases + window.phase[u]) * blocks.plane
                          + window.shift[u] * blocks.pitch)
                place[t] = (c * window.kh + u) * window.kw + v
                t += 1


cdef void fill_planes(real* planes, real* source, Window* window, Blocks* blocks,
                      Py_ssize_t channels, Py_ssize_t row, Py_ssize_t rows) noexcept nogil:
    """Copy some channels of one image into planes, for output rows row, ..., row + rows - 1."""
    cdef Py_ssize_t c, v, r, i, j, top, above, below, low, high, first, width = window.out_width
    cdef Py_ssize_t step = window.step_w, step_h = window.step_h, all_rows = rows + window.span
    cdef real* line
    cdef real* to
    for r in range(window.phases):
        # plane row i holds source row top + i * step_h: rows above and from below on are padding
        top = (row + window.lowest) * step_h + window.rest[r]
        above = clip(-floor_div(top, step_h), 0, all_rows)
        below = clip(-floor_div(top - window.height, step_h), above, all_rows)
        for v in range(window.kw):
            # columns low <= j < high read the source, the others lie in the padding
            first = window.first_w[v]
            low = clip(-floor_div(first, step), 0, width)
            high = clip(-floor_div(first - window.width, step), low, width)
            for c in range(channels):
                to = planes + ((c * window.kw + v) * window.phases + r) * blocks.plane
                for i in range(above):
                    memset(to + i * blocks.pitch, 0, width * sizeof(real))
                for i in range(below, all_rows):
                    memset(to + i * blocks.pitch, 0, width * sizeof(real))
                if above == below:
                    continue
                to += above * blocks.pitch
                line = source + (c * window.height + top + above * step_h) * window.width + first
                if step == 1:
                    copy_rows(to, blocks.pitch, line, step_h * window.width, below - above, low,
                              high, width)
                    continue
                for i in range(below - above):
                    for j in range(low):
                        to[j] = 0
                    for j in range(low, high):
                        to[j] = line[j * step]
                    for j in range(high, width):
                        to[j] = 0
                    to += blocks.pitch
                    line += step_h * window.width
