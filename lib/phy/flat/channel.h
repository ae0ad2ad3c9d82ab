/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CHANNEL_H
#define INCLUDED_SEMCOM_PHY_CHANNEL_H

#include "csi.h"
#include "phy/jakes.h"
#include "phy/philox.h"
#include <string>
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! Models of the channel between K transmitters and M antennas.
enum class channel_model {
    none,        //!< Y = X, nothing else
    awgn,        //!< H = eye(M, K)
    rayleigh,    //!< entries CN(0, 1)
    rician,      //!< line of sight with a phase of its own for each entry, plus scatter
    rician_rank1 //!< line of sight with one phase for all entries, plus scatter
};

//! \throws std::invalid_argument if the name is none of the above.
channel_model parse_channel(const std::string& name);

//! Settings of a simulated channel.
struct channel_settings {
    channel_model model = channel_model::rayleigh;
    double snr_db = 10.0;  //!< [dB] of each stream at each antenna
    double rician_k = 4.0; //!< line-of-sight to scattered power, linear
    double doppler = 0.0;  //!< [cycles per symbol] largest Doppler shift, 0: block fading
    double gain_db = 0.0;  //!< [dB] of the receiver, on signal and noise alike
    uint64_t seed = 0;
    uint32_t link = 0; //!< 0 to 65535; links of one seed are independent

    //! \throws std::invalid_argument with the field at fault.
    void check() const;
};

//! Slots from one attempt at a frame to the next: far apart in time.
constexpr uint64_t repeat_slots = 1 << 16;

/*!
 * When a transmission is sent, in units of its own length, from its number (frame 32 bits
 * | fragment 12 | fragments - 1 12 | attempt 8, the lowest first): frame fragments +
 * fragment + attempt repeat_slots. That of a whole first attempt is its frame's number.
 */
double slot_of(uint64_t number);

/*!
 * Y = g exp(j theta) (H X + N), one draw of H, theta and N for each (seed, link, frame).
 *
 * N ~ CN(0, N0) with N0 = 10^(-snr_db / 10), theta uniform, g = 10^(gain_db / 20).
 * Rician with factor R: H = sqrt(R / (R + 1)) exp(j phi) + sqrt(1 / (R + 1)) CN(0, 1).
 * With Doppler the CN(0, 1) part is a sum of 16 sinusoids (Jakes' spectrum) in absolute
 * time t = slot_of(frame) * frame_length + n, held over runs of 8 symbols from the frame's first.
 * The truth of a whole frame is held in memory: about M K bytes a symbol with Doppler.
 */
class mimo_channel
{
public:
    /*!
     * \throws std::invalid_argument if a count is not within 1 to 8, or the model is none
     *         and the counts differ.
     */
    mimo_channel(int num_tx, int num_rx, const channel_settings& settings);

    //! \throws std::invalid_argument if the settings do not suit this channel.
    void check(const channel_settings& settings) const;

    //! New settings, from the next frame on; throws as check() does.
    void set(const channel_settings& settings);

    int num_tx() const { return d_num_tx; }
    int num_rx() const { return d_num_rx; }

    //! Draws the channel of frame \p frame, which has \p length symbols.
    void begin_frame(uint64_t frame, uint64_t length);

    //! True if H changes within a frame, every run of 8 symbols.
    bool moves() const;

    //! The truth of the frame, as a receiver would call it: a piece for each run of
    //! symbols.
    const packed_csi& truth() const { return d_truth; }

    /*!
     * Passes symbols of the frame through.
     *
     * \param[in]  in       K streams.
     * \param[out] out      M streams.
     * \param[in]  position Symbols of the frame before these.
     * \param[in]  count    How many.
     */
    void
    apply(const cfloat* const* in, cfloat* const* out, uint64_t position, size_t count);

private:
    //! Samples of noise made at a time: they stay in the first-level cache.
    static constexpr uint64_t noise_chunk = 512;

    int d_num_tx, d_num_rx;
    channel_settings d_settings;
    uint64_t d_frame = 0, d_length = 0;
    cdouble d_receiver = 1.0; // g exp(j theta)
    double d_noise_var = 0.0; // N0
    matrix d_line_of_sight;   // fixed part of H
    double d_scatter_gain = 0.0;
    packed_csi d_truth{ csi(1, 1) };      // of the frame
    std::vector<jakes_process> d_scatter; // entries of H, row by row
    std::vector<cfloat> d_noise;          // noise_chunk samples for each antenna
    uint64_t d_noise_start = 0;           // symbol of the frame that the first belongs to

    random_stream stream(uint64_t frame, uint32_t purpose) const;
    bool fades() const;
    void draw_line_of_sight();
    void draw_scatter();
    matrix scattered(uint64_t position) const;
    csi state(uint64_t position) const;
    void draw_noise(uint64_t position);
    void apply_run(const cfloat* const* in,
                   cfloat* const* out,
                   uint64_t position,
                   size_t count);
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
