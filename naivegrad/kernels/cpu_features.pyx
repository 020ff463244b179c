# What this processor can do, asked once when the kernels are imported; and how they were built.

cdef extern from *:
    """
    static int isa_level_(void) {
    #if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vl")) return 4;
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
            && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) return 3;
    #endif
        return 1;
    }
    #ifdef _OPENMP
    enum { has_openmp_ = 1 };
    #else
    enum { has_openmp_ = 0 };
    #endif
    #if defined(__clang__)
    static const char *compiler_ = __VERSION__;
    #elif defined(__GNUC__)
    static const char *compiler_ = "GCC " __VERSION__;
    #else
    static const char *compiler_ = "unknown";
    #endif
    #ifndef NAIVEGRAD_FLAGS
    #define NAIVEGRAD_FLAGS "unknown flags"
    #endif
    static const char *flags_ = NAIVEGRAD_FLAGS;
    """
    int isa_level_() noexcept nogil
    int has_openmp_
    const char *compiler_
    const char *flags_


def isa_level() -> int:
    """The x86-64 micro-architecture level that can be used here: 4, 3 or 1 (the baseline)."""
    return isa_level_()


def has_openmp() -> bool:
    """Whether the kernels were built with OpenMP."""
    return bool(has_openmp_)


def compiler() -> str:
    """The C compiler that built the kernels, and its version."""
    return compiler_.decode()


def flags() -> str:
    """The flags it was given for every kernel."""
    return flags_.decode()
