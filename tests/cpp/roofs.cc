/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
// What one core of this machine can do at most, for tests/benchmarks/costs.py: prints
// bytes a second (two read, one written) from the first-level cache, from the second,
// from memory, and floating-point operations a second (multiplications and additions that
// are not fused, as the kernels are compiled). Processor time, the best of several.
#include "phy/lanes.h"
#include <time.h>
#include <algorithm>
#include <cstdio>
#include <vector>

using namespace gr::semcom::phy;

namespace {

constexpr int turns = 7, chains = 12;

double seconds()
{
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

template <typename Lanes>
SEMCOM_INLINE void move_of(const float* in, float* out, size_t count)
{
    using vector = typename Lanes::vector;
    for (size_t n = 0; n < count; n += 2 * Lanes::samples) {
        vector& y = *reinterpret_cast<vector*>(out + n);
        y += *reinterpret_cast<const vector*>(in + n);
    }
}

//! \p rounds multiplications and additions of each part of \p chains vectors; how many.
template <typename Lanes>
SEMCOM_INLINE double compute_of(float* x, size_t rounds)
{
    using vector = typename Lanes::vector;
    vector sums[chains];
    for (auto& sum : sums)
        sum = *reinterpret_cast<const vector*>(x);
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int i = 0; i < chains; i++) {
            sums[i] = sums[i] * 0.999f;
            sums[i] = sums[i] + 1e-3f;
        }
    for (const auto& sum : sums)
        *reinterpret_cast<vector*>(x) += sum;
    return 2.0 * chains * 2.0 * Lanes::samples * rounds;
}

SEMCOM_LANES(void, move, (const float* in, float* out, size_t count), (in, out, count))
SEMCOM_LANES(double, compute, (float* x, size_t rounds), (x, rounds))

double bytes_a_second(size_t kib)
{
    const size_t count = kib * 1024 / sizeof(float) / 2, repeats = 262144 / kib + 1;
    std::vector<float> in(count), out(count);
    double best = 0.0;
    for (int t = 0; t < turns; t++) {
        const double began = seconds();
        for (size_t r = 0; r < repeats; r++) {
            move(in.data(), out.data(), count);
            asm volatile("" ::"r"(out.data()) : "memory");
        }
        best =
            std::max(best, 3.0 * sizeof(float) * count * repeats / (seconds() - began));
    }
    return best;
}

double flops()
{
    float x[16] = {};
    double best = 0.0;
    for (int t = 0; t < turns; t++) {
        const double began = seconds(), done = compute(x, 2000000);
        asm volatile("" ::"r"(x) : "memory");
        best = std::max(best, done / (seconds() - began));
    }
    return best;
}

} // namespace

int main()
{
    std::printf("%g %g %g %g\n",
                bytes_a_second(16),
                bytes_a_second(256),
                bytes_a_second(262144),
                flops());
}
