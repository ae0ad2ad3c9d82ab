/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "mock_settings.h"
#include "oscillator.h"
#include "phy/check_field.h"
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {

void device_settings::check() const
{
    check_field(std::isfinite(cfo_hz), "cfo_hz", cfo_hz, "a number");
    check_field(std::fabs(clock_ppm) <= 100.0, "clock_ppm", clock_ppm, "-100 to 100");
    check_field(start_delay_s >= 0.0 && start_delay_s <= 10.0,
                "start_delay_s",
                start_delay_s,
                "0 to 10");
    check_field(
        phase_noise_dbc_hz <= 0.0, "phase_noise_dbc_hz", phase_noise_dbc_hz, "0 or less");
    check_field(std::fabs(iq_gain_db) <= 20.0, "iq_gain_db", iq_gain_db, "-20 to 20");
    check_field(
        std::fabs(iq_phase_deg) <= 45.0, "iq_phase_deg", iq_phase_deg, "-45 to 45");
    check_field(dc_db <= 40.0, "dc_db", dc_db, "40 or less");
    check_field(pa_backoff_db >= -40.0, "pa_backoff_db", pa_backoff_db, "-40 or more");
    check_field(std::fabs(gain_db) < 300.0, "gain_db", gain_db, "-300 to 300");
    check_field(bits >= 0 && bits <= 16, "bits", bits, "0 to 16");
    check_field(full_scale > 0.0 && std::isfinite(full_scale),
                "full_scale",
                full_scale,
                "more than 0");
    check_field(drop_probability >= 0.0 && drop_probability <= 1.0,
                "drop_probability",
                drop_probability,
                "0 to 1");
    check_field(drop_buffer >= 1, "drop_buffer", drop_buffer, "1 or more");
}

fading parse_fading(const std::string& name)
{
    if (name == "none")
        return fading::none;
    if (name == "block")
        return fading::block;
    if (name == "jakes")
        return fading::jakes;
    throw std::invalid_argument("fading: '" + name +
                                "' is no fading; choose none, block or jakes");
}

void path_settings::check() const
{
    check_field(
        rician_k >= 0.0 && std::isfinite(rician_k), "rician_k", rician_k, "0 or more");
    check_field(doppler_hz >= 0.0 && std::isfinite(doppler_hz),
                "doppler_hz",
                doppler_hz,
                "0 or more");
    check_field(
        block_s > 0.0 && std::isfinite(block_s), "block_s", block_s, "more than 0");
    check_field(delay_spread_s >= 0.0 && std::isfinite(delay_spread_s),
                "delay_spread_s",
                delay_spread_s,
                "0 or more");
    check_field(snr_db > -300.0, "snr_db", snr_db, "more than -300");
}

void mock_settings::check() const
{
    check_field(
        sample_rate >= 1.0 && sample_rate <= 1e9, "sample_rate", sample_rate, "1 to 1e9");
    uplink.check();
    sidelink.check();
    for (const auto& device : devices) {
        device.check();
        check_field(std::fabs(device.cfo_hz) < 0.5 * sample_rate,
                    "cfo_hz",
                    device.cfo_hz,
                    "less than half the sample rate");
        const double step =
            phase_noise_step(device.phase_noise_dbc_hz, phase_noise_offset, sample_rate);
        check_field(step <= oscillator::largest_step,
                    "phase_noise_dbc_hz",
                    device.phase_noise_dbc_hz,
                    "less at so low a sample rate");
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
