/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CODING_BLOCK_CODE_H
#define INCLUDED_SEMCOM_PHY_CODING_BLOCK_CODE_H

#include "constellation.h"
#include "crc.h"
#include "ldpc_code.h"
#include "ldpc_decoder.h"
#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! Parameters of a coded link: those of both ends, and the receiver's methods.
struct block_code_options {
    std::string modulation = "qpsk"; //!< bpsk, qpsk, 16qam, 64qam, 256qam
    std::string rate = "3/4";        //!< 1/2, 2/3, 3/4, 5/6
    int length = 648;                //!< n: 648, 1296, 1944
    int crc = 16;                    //!< bits of each block's check: 16, 24, 32
    int repetition = 1;              //!< r: 1, 2, 4, 8 times each coded bit
    std::string method = "max_log";  //!< of the demapper: exact, max_log
    int iterations = 20;             //!< most of the decoder
};

/*!
 * Carries a frame of bits of any number as symbols: the classical channel coding.
 *
 * B payload bits are cut into C = ceil(B / (k - c)) blocks, c bits of check each. A block
 * carries p payload bits and their check, both scrambled; k - p - c zeros fill the LDPC
 * code's information up and are not sent (shortening). With q = c + n - k bits beside
 * the payload, the frame has C (p + q) coded bits, that repeat until its S symbols of b
 * bits are full. An interleaver spreads them over the frame, so that a fade hits all
 * blocks alike.
 *
 * The sender takes p' = ceil(B / C) and S = ceil(C (p' + q) r / b), then the largest p
 * that S symbols hold, and fills the payload up with zeros. The receiver, which knows S
 * and these options, has T = floor(S b / r), C = ceil(T / n) and p = floor(T / C) - q.
 * Both have the same C: p' + q <= n, and n C r is a multiple of b, so T <= n C; and
 * C p' >= B > (C - 1) (k - c), so T > n (C - 1).
 */
class block_code
{
public:
    //! The blocks of a frame.
    struct layout {
        uint64_t blocks; //!< C
        uint64_t bits;   //!< p, payload bits of each; 0 if the frame carries none
    };

    //! \throws std::invalid_argument if an option is out of range.
    explicit block_code(const block_code_options& options);

    //! S, symbols of a frame with \p bits payload bits, at least 1.
    uint64_t symbols(uint64_t bits) const;

    //! C and p of a frame of \p symbols; none: 0 and 0.
    layout payload(uint64_t symbols) const;

    //! The most payload bits for which symbols() is at most \p budget; 0 if there are
    //! none.
    uint64_t largest(uint64_t budget) const;

    //! b, bits of a symbol.
    int symbol_bits() const { return d_constellation.bits(); }

    /*!
     * Encodes a frame, as short as the bits allow or of a given length.
     *
     * \param[in] bits    \p count payload bits, one a byte; zeros fill the frame up.
     * \param[in] symbols of the frame; 0: symbols(count).
     * \throws std::invalid_argument if the frame does not hold the bits.
     */
    std::vector<std::complex<float>>
    encode(const uint8_t* bits, uint64_t count, uint64_t symbols = 0) const;

    /*!
     * Soft demapping in the order of the frame: \p count b ratios from as many symbols
     * with their noise variances (constellation::demap).
     */
    void demap(const std::complex<float>* symbols,
               const float* noise,
               size_t count,
               float* llrs) const;

    /*!
     * Decodes a frame from its ratios.
     *
     * \param[in]  llrs    [symbols b] ln P(bit 0) / P(bit 1).
     * \param[in]  symbols of the frame.
     * \param[out] bits    [C, p] payload bits, 0 where the decoder has not decided.
     * \param[out] good    [C] 1 where the code's and the check's parities hold.
     * \throws std::invalid_argument if no frame has so many symbols.
     */
    void decode(const float* llrs, uint64_t symbols, uint8_t* bits, uint8_t* good) const;

private:
    constellation d_constellation;
    demap_method d_method;
    ldpc_code d_code;
    crc d_crc;
    uint64_t d_repetition;
    int d_iterations;

    uint64_t beside_payload() const; // q
    uint64_t block_payload() const;  // k - c
    void encode_block(const uint8_t* payload,
                      uint64_t block,
                      uint64_t bits,
                      uint8_t* coded) const;
    bool decode_block(ldpc_decoder& decoder,
                      const float* llrs,
                      uint64_t block,
                      uint64_t bits,
                      uint8_t* payload) const;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
