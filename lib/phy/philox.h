/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_PHILOX_H
#define INCLUDED_SEMCOM_PHY_PHILOX_H

#include "types.h"
#include <array>
#include <cstddef>
#include <cstdint>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * One block of Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3", SC'11).
 *
 * \param[in] counter Position in the stream, four words.
 * \param[in] key     The stream's key, two words.
 * \return Four uniformly distributed words.
 */
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter,
                                   std::array<uint32_t, 2> key);

/*!
 * One stream of random numbers, named by what it is for, never by when it is drawn.
 *
 * The key is the seed and the counter is (block, frame low, frame high,
 * link * 65536 + purpose), so each (seed, link, frame, purpose) owns a stream of its own
 * and any element of it is found without drawing the ones before. Equal names give equal
 * numbers on every machine, whatever vector instructions it has.
 */
struct random_stream {
    uint64_t seed;
    uint64_t frame;
    uint32_t link;
    uint32_t purpose;
};

//! Purposes; the noise of antenna m has purpose m.
constexpr uint32_t purpose_fading = 0x100;
constexpr uint32_t purpose_line_of_sight = 0x101;
constexpr uint32_t purpose_carrier = 0x102;
constexpr uint32_t purpose_doppler = 0x103;

//! Purposes of the mock radio, whose links are its devices; antenna m has noise + m.
constexpr uint32_t purpose_transmit_phase = 0x200;
constexpr uint32_t purpose_receive_phase = 0x201;
constexpr uint32_t purpose_transmit_dc = 0x202;
constexpr uint32_t purpose_receive_dc = 0x203; // one for each antenna
constexpr uint32_t purpose_path_scatter = 0x204;
constexpr uint32_t purpose_path_phase = 0x205;
constexpr uint32_t purpose_drops = 0x206;
constexpr uint32_t purpose_antenna_noise = 0x210;

//! Streams longer than 2^33 numbers take a new frame for each run of so many.
constexpr uint64_t run_of_numbers = 1 << 20;

//! Element \p index of the uniform stream: (word >> 8 + 1/2) 2^-24 in float, in (0, 1].
float uniform(const random_stream& stream, uint64_t index);

/*!
 * Circular complex normal numbers of unit variance, CN(0, 1), by Box and Muller's method:
 * element n is sqrt(-ln u(2n)) exp(j 2 pi u(2n + 1)).
 *
 * \param[in]  stream The stream to draw from.
 * \param[in]  first  Index of the first element wanted, below 2^33.
 * \param[out] out    The elements [first, first + count).
 * \param[in]  count  How many.
 */
void complex_normal(const random_stream& stream,
                    uint64_t first,
                    cfloat* out,
                    size_t count);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
