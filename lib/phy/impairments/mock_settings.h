/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_MOCK_SETTINGS_H
#define INCLUDED_SEMCOM_PHY_MOCK_SETTINGS_H

#include <array>
#include <cstdint>
#include <limits>
#include <string>

namespace gr {
namespace semcom {
namespace phy {

//! Offset from the carrier at which phase noise is given [Hz].
constexpr double phase_noise_offset = 10e3;

/*!
 * The impairments of one device in transmission and reception; by default only a random
 * phase.
 *
 * Carrier and sampling clock are off independently, and are the same for all that a
 * device sends and receives.
 */
struct device_settings {
    double cfo_hz = 0.0;    //!< [Hz] of the carrier above nominal
    double clock_ppm = 0.0; //!< [ppm] of the sampling clock above nominal, -100 to 100
    //! [s] after which the device starts. Its own time, sample 0 of what it sends and of
    //! what it receives, begins then; before that it is silent and deaf.
    double start_delay_s = 0.0;
    //! [dBc/Hz] at 10 kHz from the carrier, single sideband, falling by 20 dB a decade.
    double phase_noise_dbc_hz = -std::numeric_limits<double>::infinity();
    double iq_gain_db = 0.0;   //!< [dB] gain of I over that of Q
    double iq_phase_deg = 0.0; //!< [degrees] by which I and Q miss a right angle
    //! [dB] of the constant added in sending and receiving, relative to one stream's
    //! power.
    double dc_db = -std::numeric_limits<double>::infinity();
    //! [dB] of the amplifier's saturation above one stream's mean power; infinite:
    //! linear.
    double pa_backoff_db = std::numeric_limits<double>::infinity();
    double gain_db = 0.0;    //!< [dB] of the receiver, on signal and noise alike
    int bits = 0;            //!< of the receiver's I and Q, 1 to 16; 0: not quantised
    double full_scale = 1.0; //!< largest I and Q that is not clipped, after the gain
    //! Of each of the receiver's buffers: its samples vanish from the stream.
    double drop_probability = 0.0;
    int64_t drop_buffer = 2048; //!< samples of a buffer, all antennas losing the same

    //! \throws std::invalid_argument with the field at fault.
    void check() const;
};

//! Variation of the paths between two antennas in time.
enum class fading {
    none,  //!< never: antenna m hears transmitter m alone, with unit power
    block, //!< held over blocks, with Doppler from block to block
    jakes  //!< all the time
};

//! \throws std::invalid_argument if the name is none of the above.
fading parse_fading(const std::string& name);

//! The paths from the transmitters to one receiver.
struct path_settings {
    fading kind = fading::none;
    double rician_k = 0.0;   //!< line-of-sight to scattered power, linear; 0: Rayleigh
    double doppler_hz = 0.0; //!< [Hz] largest Doppler shift
    double block_s = 1e-3;   //!< [s] of a block
    double delay_spread_s = 0.0; //!< [s] RMS, of an exponential power delay profile
    //! [dB] of each stream of unit power at each antenna; may be infinite.
    double snr_db = std::numeric_limits<double>::infinity();

    //! \throws std::invalid_argument with the field at fault.
    void check() const;
};

//! The audio terminal (0), the video terminal (1) and the receiver (2).
struct mock_settings {
    static constexpr int audio = 0, video = 1, receiver = 2;

    double sample_rate = 1e6; //!< [Hz] nominal, of all devices
    uint64_t seed = 0;        //!< of all that is random
    std::array<device_settings, 3> devices;
    path_settings uplink;   //!< both terminals to the receiver
    path_settings sidelink; //!< audio terminal to video terminal

    //! \throws std::invalid_argument with the field at fault.
    void check() const;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
