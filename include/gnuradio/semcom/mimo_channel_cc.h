/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_MIMO_CHANNEL_CC_H
#define INCLUDED_SEMCOM_MIMO_CHANNEL_CC_H

#include <gnuradio/block.h>
#include <gnuradio/semcom/api.h>
#include <cstdint>
#include <string>

namespace gr {
namespace semcom {

/*!
 * \brief A simulated channel of K transmitters and M antennas, new for each frame.
 * \ingroup semcom
 *
 * \details
 *
 *     Y = g exp(j theta) (H X + N)
 *
 * X [K, L] has unit average power in each stream, and N ~ CN(0, N0) with
 * N0 = 10^(-snr_db / 10): the SNR is that of each stream at each antenna. theta (uniform)
 * and g = 10^(gain_db / 20) act in the receiver on signal and noise alike, and it has
 * to estimate them. Models:
 *
 * - \p none: Y = X, nothing else (M = K).
 * - \p awgn: H = eye(M, K).
 * - \p rayleigh: entries CN(0, 1).
 * - \p rician: sqrt(R / (R + 1)) exp(j phi) + sqrt(1 / (R + 1)) CN(0, 1), R = rician_k,
 *   with a phase phi of its own for each entry.
 * - \p rician_rank1: the same with one phi for all entries.
 *
 * With doppler > 0 the CN(0, 1) part of the last three moves with Jakes' spectrum, a sum
 * of 16 sinusoids per entry in absolute time t = frame * frame_length + n, where frame is
 * the sequence number; H is held over runs of 8 symbols from the frame's first.
 *
 * Everything random is a function of (seed, link, sequence number), by Philox4x32-10:
 * equal seeds give equal results in any flowgraph, on any machine, and in the Torch
 * channel used for training; a lost frame does not shift the others.
 *
 * Input: K streams of complex items in step, each with a tag \p semcom_frame (sequence
 * number . length) on the first item of each frame.
 *
 * Output: M streams of complex items with the same \p semcom_frame tags. Port 0 has a tag
 * \p csi_true at each frame's start: the vector of ls_estimator_cc with
 * H = g exp(j theta) H, noise_var = g^2 N0, err_var = 0, of one piece, or with Doppler of
 * one for each run of 8 symbols. The message port \p channel carries (sequence number .
 * vector) of each frame. No other tag passes. A sample that is not finite spoils that
 * sample at all antennas.
 *
 * An item outside a frame, a frame inside another, and streams out of step end the stream
 * with an error (errors.h).
 *
 * Example, the 2x2 uplink and the sidelink of one scenario:
 * \code
 * auto uplink = gr::semcom::mimo_channel_cc::make(2, 2, "rayleigh", 10, 4, 0, 0, 1, 0);
 * auto sidelink = gr::semcom::mimo_channel_cc::make(1, 1, "rayleigh", 10, 4, 0, 0, 1, 1);
 * \endcode
 */
class SEMCOM_API mimo_channel_cc : virtual public gr::block
{
public:
    typedef std::shared_ptr<mimo_channel_cc> sptr;

    /*!
     * \param num_tx   K, 1 to 8.
     * \param num_rx   M, 1 to 8.
     * \param model    none, awgn, rayleigh, rician or rician_rank1.
     * \param snr_db   [dB] of each stream at each antenna, above -300; may be infinite.
     * \param rician_k Power of the line of sight over that of the scatter, linear, >= 0.
     * \param doppler  [cycles per symbol] largest Doppler shift, >= 0; 0: block fading.
     * \param gain_db  [dB] gain of the receiver.
     * \param seed     Seed of all random numbers.
     * \param link     0 to 65535; links of one seed are independent.
     * \throws std::invalid_argument if an argument is out of range.
     */
    static sptr make(int num_tx,
                     int num_rx,
                     const std::string& model = "rayleigh",
                     double snr_db = 10.0,
                     double rician_k = 4.0,
                     double doppler = 0.0,
                     double gain_db = 0.0,
                     uint64_t seed = 0,
                     unsigned int link = 0);

    //! \name Setters for the next frames, with the units and exceptions of make().
    //! \{
    virtual void set_model(const std::string& model) = 0;
    virtual void set_snr_db(double snr_db) = 0;
    virtual void set_rician_k(double rician_k) = 0;
    virtual void set_doppler(double doppler) = 0;
    virtual void set_gain_db(double gain_db) = 0;
    //! \}
};

} // namespace semcom
} // namespace gr

#endif
