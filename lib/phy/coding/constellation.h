/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CODING_CONSTELLATION_H
#define INCLUDED_SEMCOM_PHY_CODING_CONSTELLATION_H

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! How a soft demapper sums over the symbols that a bit leaves.
enum class demap_method {
    exact,  //!< the logarithm of the sum of exponentials
    max_log //!< its largest term
};

//! \throws std::invalid_argument if the name is none of the above.
demap_method parse_demap(const std::string& name);

//! The largest magnitude of a log-likelihood ratio: a bit that is certain.
constexpr float certain_llr = 1000.0f;

/*!
 * The Gray-coded constellations of IEEE Std 802.11-2016, 17.3.5.8 (256-QAM: 21.3.10.9),
 * of unit average power: bpsk, qpsk, 16qam, 64qam, 256qam. The first half of a symbol's
 * bits says the real part, the second the imaginary one (bpsk: one bit, real); a first
 * bit of 1 is the positive half.
 */
class constellation
{
public:
    //! \throws std::invalid_argument if the name is none of the above.
    explicit constellation(const std::string& name);

    //! b, bits of a symbol.
    int bits() const { return d_bits; }

    //! Maps \p count symbols from b times as many bits, one a byte.
    void map(const uint8_t* bits, size_t count, std::complex<float>* symbols) const;

    /*!
     * Log-likelihood ratios ln P(bit 0) / P(bit 1) of y = x + n, with all x as likely and
     * n complex normal, of a variance known for each symbol. None is larger than
     * certain_llr.
     *
     * Degenerate input: a symbol that is not finite, or a noise that is infinite, NaN or
     * negative, says nothing: 0. A noise of 0 gives hard decisions, +-certain_llr, and 0
     * right between two symbols.
     *
     * \param[in]  symbols [count]
     * \param[in]  noise   [count] variance of the complex noise.
     * \param[out] llrs    [count b]
     */
    void demap(const std::complex<float>* symbols,
               const float* noise,
               size_t count,
               demap_method method,
               float* llrs) const;

private:
    int d_bits, d_rail_bits, d_rails;
    std::vector<float> d_levels; // by the bits of a rail, the first bit highest
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
