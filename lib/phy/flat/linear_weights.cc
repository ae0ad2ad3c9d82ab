/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "linear_weights.h"
#include "phy/lanes.h"
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <limits>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! Of H^H H; H itself has the root of it.
constexpr double smallest_condition = 1e-12;

//! Channels of one call of solve().
constexpr size_t at_once = 8;

//! One complex number of each channel.
template <typename Lanes>
struct numbers {
    typename Lanes::doubles re, im;
};

//! sum += a b
template <typename Lanes>
SEMCOM_INLINE void
add_product(numbers<Lanes>& sum, const numbers<Lanes>& a, const numbers<Lanes>& b)
{
    sum.re += a.re * b.re - a.im * b.im;
    sum.im += a.re * b.im + a.im * b.re;
}

//! sum += a^* b
template <typename Lanes>
SEMCOM_INLINE void add_conjugate_product(numbers<Lanes>& sum,
                                         const numbers<Lanes>& a,
                                         const numbers<Lanes>& b)
{
    sum.re += a.re * b.re + a.im * b.im;
    sum.im += a.re * b.im - a.im * b.re;
}

//! sum += scale |a|^2
template <typename Lanes>
SEMCOM_INLINE void add_power(typename Lanes::doubles& sum,
                             const typename Lanes::doubles& scale,
                             const numbers<Lanes>& a)
{
    sum += scale * (a.re * a.re + a.im * a.im);
}

//! A Hermitian matrix of each channel: what lies below its diagonal, and the diagonal.
template <typename Lanes>
struct hermitian {
    numbers<Lanes> below[max_streams][max_streams];
    typename Lanes::doubles diagonal[max_streams];
};

//! Squared Frobenius norm.
template <typename Lanes>
SEMCOM_INLINE void
squared_norm(const hermitian<Lanes>& a, int size, typename Lanes::doubles& norm)
{
    const typename Lanes::doubles twice = typename Lanes::doubles{} + 2.0;
    norm = typename Lanes::doubles{};
    for (int i = 0; i < size; i++) {
        norm += a.diagonal[i] * a.diagonal[i];
        for (int j = 0; j < i; j++)
            add_power(norm, twice, a.below[i][j]);
    }
}

/*!
 * H^H H, for lmmse + S I. In double precision its inverse is off by 1e-16 times the
 * squared condition number of H, which up to 1e6 is less than what rounding H to float
 * does.
 */
template <typename Lanes>
SEMCOM_INLINE void make_gram(const numbers<Lanes>* h,
                             int num_rx,
                             int num_tx,
                             bool lmmse,
                             const typename Lanes::doubles& variance,
                             hermitian<Lanes>& gram)
{
    using doubles = typename Lanes::doubles;
    const doubles one = doubles{} + 1.0;
    doubles mean = {};
    for (int i = 0; i < num_tx; i++) {
        for (int j = 0; j < i; j++) {
            numbers<Lanes> sum = {};
            for (int m = 0; m < num_rx; m++)
                add_conjugate_product(sum, h[m * num_tx + i], h[m * num_tx + j]);
            gram.below[i][j] = sum;
        }
        gram.diagonal[i] = doubles{};
        for (int m = 0; m < num_rx; m++)
            add_power(gram.diagonal[i], one, h[m * num_tx + i]);
        mean += gram.diagonal[i] / static_cast<double>(num_tx);
    }
    // A transmitter that is not heard is lost anyway: any number of the others' size will
    // do to keep the matrix regular.
    for (int i = 0; lmmse && i < num_tx; i++)
        gram.diagonal[i] += gram.diagonal[i] == 0.0 ? mean : variance;
}

//! A = L D L^H becomes its inverse, U^H D^-1 U with U = L^-1.
template <typename Lanes>
SEMCOM_INLINE void invert(hermitian<Lanes>& a, int size)
{
    numbers<Lanes> scaled[max_streams]; // row i of L D
    for (int i = 0; i < size; i++) {
        for (int j = 0; j < i; j++) {
            numbers<Lanes> sum = {};
            for (int p = 0; p < j; p++)
                add_conjugate_product(sum, a.below[j][p], scaled[p]);
            scaled[j].re = a.below[i][j].re - sum.re;
            scaled[j].im = a.below[i][j].im - sum.im;
            a.below[i][j].re = scaled[j].re * a.diagonal[j];
            a.below[i][j].im = scaled[j].im * a.diagonal[j];
            a.diagonal[i] -=
                scaled[j].re * a.below[i][j].re + scaled[j].im * a.below[i][j].im;
        }
        a.diagonal[i] = 1.0 / a.diagonal[i];
    }
    for (int i = 0; i < size; i++)
        for (int j = 0; j < i; j++) {
            numbers<Lanes> sum = a.below[i][j];
            for (int p = j + 1; p < i; p++)
                add_product(sum, a.below[i][p], a.below[p][j]);
            a.below[i][j].re = -sum.re;
            a.below[i][j].im = -sum.im;
        }
    for (int i = 0; i < size; i++) {
        for (int j = 0; j < i; j++) {
            a.below[i][j].re *= a.diagonal[i];
            a.below[i][j].im *= a.diagonal[i];
        }
        for (int p = i + 1; p < size; p++) {
            numbers<Lanes> scaled_row;
            scaled_row.re = a.below[p][i].re * a.diagonal[p];
            scaled_row.im = a.below[p][i].im * a.diagonal[p];
            for (int j = 0; j < i; j++)
                add_conjugate_product(a.below[i][j], scaled_row, a.below[p][j]);
            add_power(a.diagonal[i], a.diagonal[p], a.below[p][i]);
        }
    }
}

//! Row \p i of (A H^H)^*, A Hermitian.
template <typename Lanes>
SEMCOM_INLINE void filter_row(const hermitian<Lanes>& a,
                              const numbers<Lanes>* h,
                              int num_rx,
                              int num_tx,
                              int i,
                              numbers<Lanes>* row)
{
    for (int m = 0; m < num_rx; m++) {
        const numbers<Lanes>* from = h + m * num_tx;
        row[m].re = a.diagonal[i] * from[i].re;
        row[m].im = a.diagonal[i] * from[i].im;
        for (int j = 0; j < i; j++)
            add_conjugate_product(row[m], a.below[i][j], from[j]);
        for (int j = i + 1; j < num_tx; j++)
            add_product(row[m], a.below[j][i], from[j]);
    }
}

//! Weights and noise variance of stream \p i from row i of (A^-1 H^H)^*, for \p used
//! channels.
template <typename Lanes>
SEMCOM_INLINE void write_stream(bool lmmse,
                                int num_rx,
                                int num_tx,
                                int i,
                                size_t used,
                                const numbers<Lanes>* h,
                                const typename Lanes::doubles& variance,
                                numbers<Lanes>* row,
                                cfloat* weights,
                                double* no_eff)
{
    using doubles = typename Lanes::doubles;
    constexpr double largest = std::numeric_limits<float>::max();
    const doubles zero = {}, lost = zero + infinity;
    doubles scale = zero + 1.0, noise = {};
    if (lmmse) {
        doubles gain = {};
        for (int m = 0; m < num_rx; m++)
            gain += row[m].re * h[m * num_tx + i].re + row[m].im * h[m * num_tx + i].im;
        scale = 1.0 / gain;
        noise = scale - 1.0;
        noise = noise > 0.0 ? noise : zero;
    } else {
        for (int m = 0; m < num_rx; m++)
            add_power(noise, variance, row[m]);
    }
    auto good = (scale > 0.0) & (noise >= 0.0) & (noise < infinity);
    for (int m = 0; m < num_rx; m++) {
        row[m].re *= scale;
        row[m].im *= -scale;
        good &= (row[m].re <= largest) & (row[m].re >= -largest) &
                (row[m].im <= largest) & (row[m].im >= -largest);
    }
    noise = good ? noise : lost;
    for (size_t l = 0; l < used; l++)
        no_eff[l * num_tx + i] = noise[l];
    for (int m = 0; m < num_rx; m++) {
        const doubles re = good ? row[m].re : zero, im = good ? row[m].im : zero;
        for (size_t l = 0; l < used; l++)
            weights[(l * num_tx + i) * num_rx + m] = cfloat(re[l], im[l]);
    }
}

/*!
 * What linear_weights() is given, and \p bound [R]: 1 / (|A| |A^-1|), A the matrix that
 * is inverted; 0 or NaN without one.
 */
struct problem {
    bool lmmse;
    int num_rx, num_tx;
    size_t count;
    const cdouble* h;
    const double* variance;
    cfloat* weights;
    double* no_eff;
    double* bound;
};

//! Solves \p p for M = \p num_rx and K = \p num_tx; streams of ill-conditioned channels
//! are left to the caller.
template <typename Lanes>
SEMCOM_INLINE void solve_size(const problem& p, int num_rx, int num_tx)
{
    using doubles = typename Lanes::doubles;
    constexpr size_t width = Lanes::samples;
    const size_t step = num_rx * num_tx;
    for (size_t first = 0; first < p.count; first += width) {
        const size_t used = std::min(width, p.count - first);
        const double *from[width], *variances[width]; // the last again in what is left
        for (size_t l = 0; l < width; l++) {
            const size_t r = first + std::min(l, used - 1);
            from[l] = reinterpret_cast<const double*>(p.h + r * step);
            variances[l] = p.variance + r;
        }
        numbers<Lanes> channel[max_streams * max_streams], row[max_streams];
        for (size_t e = 0; e < step; e++) {
            Lanes::gather(from, 2 * e, channel[e].re);
            Lanes::gather(from, 2 * e + 1, channel[e].im);
        }
        doubles s, norm, inverse_norm;
        Lanes::gather(variances, 0, s);
        hermitian<Lanes> inverse;
        make_gram(channel, num_rx, num_tx, p.lmmse, s, inverse);
        squared_norm(inverse, num_tx, norm);
        invert(inverse, num_tx);
        squared_norm(inverse, num_tx, inverse_norm);
        const doubles squared = s >= 0.0 ? 1.0 / (norm * inverse_norm) : doubles{};
        for (size_t l = 0; l < used; l++)
            p.bound[first + l] = std::sqrt(squared[l]);
        for (int i = 0; i < num_tx; i++) {
            filter_row(inverse, channel, num_rx, num_tx, i, row);
            write_stream(p.lmmse,
                         num_rx,
                         num_tx,
                         i,
                         used,
                         channel,
                         s,
                         row,
                         p.weights + first * step,
                         p.no_eff + first * num_tx);
        }
    }
}

template <typename Lanes>
SEMCOM_INLINE void solve_of(const problem& p)
{
    if (p.num_rx == 2 && p.num_tx == 2) // the commonest: known numbers stay in registers
        solve_size<Lanes>(p, 2, 2);
    else
        solve_size<Lanes>(p, p.num_rx, p.num_tx);
}

SEMCOM_LANES(void, solve, (const problem& p), (p))

//! One channel, for what is seldom done.
struct one_lane {
    using doubles = double;
};

//! True if the smallest eigenvalue of the matrix that is inverted is at least 1e-12 of
//! the largest.
bool well_conditioned(
    bool lmmse, int num_rx, int num_tx, const cdouble* h, double variance)
{
    numbers<one_lane> channel[max_streams * max_streams];
    for (int e = 0; e < num_rx * num_tx; e++)
        channel[e] = { h[e].real(), h[e].imag() };
    hermitian<one_lane> gram;
    make_gram(channel, num_rx, num_tx, lmmse, variance, gram);
    matrix lower(num_tx, num_tx); // what the solver reads
    for (int i = 0; i < num_tx; i++) {
        for (int j = 0; j < i; j++)
            lower(i, j) = cdouble(gram.below[i][j].re, gram.below[i][j].im);
        lower(i, i) = gram.diagonal[i];
    }
    const auto values = Eigen::SelfAdjointEigenSolver<matrix>(lower).eigenvalues();
    return values[0] >= smallest_condition * values[num_tx - 1];
}

} // namespace

void linear_weights(bool lmmse,
                    int num_rx,
                    int num_tx,
                    size_t count,
                    const cdouble* h,
                    const double* variance,
                    cfloat* weights,
                    double* no_eff)
{
    const size_t step = num_rx * num_tx;
    for (size_t first = 0; first < count; first += at_once) {
        const size_t used = std::min(at_once, count - first);
        double bounds[at_once];
        solve({ lmmse,
                num_rx,
                num_tx,
                used,
                h + first * step,
                variance + first,
                weights + first * step,
                no_eff + first * num_tx,
                bounds });
        for (size_t r = first; r < first + used; r++) {
            // The norms bound the condition within a factor of K, and nearly always
            // decide.
            const double bound = bounds[r - first];
            if (bound >= smallest_condition ||
                (bound * num_tx >= smallest_condition &&
                 well_conditioned(lmmse, num_rx, num_tx, h + r * step, variance[r])))
                continue;
            std::fill_n(weights + r * step, step, cfloat());
            std::fill_n(no_eff + r * num_tx, num_tx, infinity);
        }
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
