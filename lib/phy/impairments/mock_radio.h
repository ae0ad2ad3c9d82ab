/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_MOCK_RADIO_H
#define INCLUDED_SEMCOM_PHY_MOCK_RADIO_H

#include "front_end.h"
#include "interpolator.h"
#include "mock_settings.h"
#include "multipath.h"
#include "oscillator.h"
#include <map>
#include <set>
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! One transmitter: the samples that it radiates, by its own clock, held as long as they
//! are needed.
class transmit_chain
{
public:
    transmit_chain(const mock_settings& settings, int device);

    //! Transmits samples: mixer, amplifier, oscillator.
    void push(const cfloat* in, size_t count);

    //! Index of the sample after the last one pushed.
    uint64_t end() const { return d_end; }

    //! Index of the first sample that is still held.
    uint64_t begin() const { return d_end - (d_held.size() - d_first); }

    /*!
     * The samples [from, from + count), 0 before the start; they must be held.
     *
     * \param scratch \p count samples, for where they do not lie in a row.
     */
    const cfloat* read(int64_t from, size_t count, cfloat* scratch) const;

    //! Forgets the samples before \p index.
    void forget(uint64_t index);

private:
    static constexpr size_t chunk = 512;

    mixer d_mixer;
    double d_saturation; // of the amplifier, an amplitude
    oscillator d_oscillator;
    std::vector<cfloat> d_lo, d_held;
    size_t d_first = 0; // of d_held that is not forgotten
    uint64_t d_end = 0;
};

//! One receiver: it hears transmitters through their paths, in blocks of its own clock,
//! from its device's start on.
class receive_chain
{
public:
    //! Samples of a block.
    static constexpr size_t block = 512;

    /*!
     * \param settings     Of the mock radio.
     * \param device       Which receives.
     * \param num_antennas M.
     * \param num_heard    K: it hears the devices 0 to K - 1.
     * \param path         Of the paths from them.
     */
    receive_chain(const mock_settings& settings,
                  int device,
                  int num_antennas,
                  int num_heard,
                  const path_settings& path);

    int num_antennas() const { return static_cast<int>(d_mixers.size()); }
    int num_heard() const { return static_cast<int>(d_heard.size()); }

    //! [dB] of each stream of unit power at each antenna, from the next block on.
    void set_snr_db(double snr_db);

    //! First sample of transmitter \p k that the next block reads; may lie before its
    //! start.
    int64_t needs_from(int k) const;

    //! The sample after the last one that it reads.
    int64_t needs_to(int k) const;

    //! Makes the next block.
    void advance(const std::vector<transmit_chain>& transmitters);

    //! Samples of the present block that have not been taken.
    size_t waiting() const { return block - d_taken; }

    //! Passes over those that an overflow took, then copies up to \p count of those that
    //! follow each other; returns how many.
    size_t take(cfloat* const* out, size_t count);

    //! True if an overflow took the next sample.
    bool overflows() const { return drops((d_time - waiting()) / d_drop_buffer); }

    //! Samples that came out so far, and those passed over. Their sum is the index of the
    //! next sample in the device's time.
    uint64_t num_received() const { return d_time - waiting() - d_dropped; }
    uint64_t num_dropped() const { return d_dropped; }

private:
    //! How one transmitter's clock looks from here.
    struct heard {
        double rate;  // its samples in one of ours, less 1
        double delay; // its start after ours [its samples]
    };

    std::vector<heard> d_heard;
    std::vector<mixer> d_mixers; // of each antenna, with the receiver's gain
    multipath d_paths;
    oscillator d_oscillator;
    int d_bits;
    double d_full_scale, d_noise_rms;
    double d_drop_probability;
    uint64_t d_drop_buffer;
    random_stream d_noise, d_drops;

    size_t d_history;    // samples before a block that the paths reach back to
    uint64_t d_time = 0; // samples of all blocks so far
    size_t d_taken = block;
    uint64_t d_dropped = 0;
    std::vector<cfloat> d_lo, d_normals, d_scratch;
    std::vector<std::vector<cfloat>> d_arriving; // from each transmitter, history first
    std::vector<std::vector<cfloat>> d_out;      // at each antenna

    double position(int k, uint64_t time, int64_t& whole) const;
    void resample(int k, const transmit_chain& transmitter);
    void digitise(int antenna);
    bool drops(uint64_t buffer) const;
    void skip_dropped();
};

/*!
 * A mock radio: baseband samples of two transmitters in, of two receivers out.
 *
 * Receiver 0 has two antennas and hears both terminals; receiver 1 is the video
 * terminal's antenna, which hears the audio terminal (not itself). Each device has its
 * own carrier, clock and start, so a time of its own: sample i that it sends is on the
 * air when sample i that it receives is taken. In order: mixer (IQ imbalance, DC),
 * amplifier, oscillator (CFO, phase noise), starts and resampling from one clock to the
 * other, multipath fading, noise, oscillator, gain, mixer, converter, lost buffers.
 *
 * Everything random is a function of the seed and a sample's place, or of a state that is
 * carried from sample to sample: how the streams are cut changes nothing, nor whether the
 * other receiver is there.
 */
class mock_radio
{
public:
    static constexpr int num_transmitters = 2;
    static constexpr int uplink = 0, sidelink = 1; // the receivers

    /*!
     * \param receivers Which of the two are there; one that is not costs nothing and
     *                  holds nothing back, and std::out_of_range comes of asking for it.
     * \throws std::invalid_argument with the field at fault.
     */
    explicit mock_radio(const mock_settings& settings,
                        const std::set<int>& receivers = { uplink, sidelink });

    //! Antennas of a receiver: 2 and 1.
    int num_antennas(int receiver) const
    {
        return d_receivers.at(receiver).num_antennas();
    }

    //! Samples that push() accepts now; bounded, since the slower receiver holds them.
    size_t room(int transmitter) const;

    //! Transmits as many of \p count samples as there is room for; returns how many.
    size_t push(int transmitter, const cfloat* in, size_t count);

    //! Receives up to \p count samples at each antenna, as far as those sent reach or to
    //! the next overflow: samples of one call follow each other.
    size_t pull(int receiver, cfloat* const* out, size_t count);

    //! True if pull() goes on with this receiver without any more samples sent.
    bool ready(int receiver) const;

    //! True if a receiver waits for samples of this transmitter.
    bool lacks(int transmitter) const;

    //! [dB] of each stream at this receiver's antennas from its next block of 512 samples
    //! on. \throws std::invalid_argument if it is out of range.
    void set_snr_db(int receiver, double snr_db);

    //! Samples sent, received, and lost to overflows (at each antenna). The index of the
    //! first sample of a pull() is received + dropped after it, less its count.
    uint64_t num_sent(int transmitter) const
    {
        return d_transmitters.at(transmitter).end();
    }
    uint64_t num_received(int receiver) const
    {
        return d_receivers.at(receiver).num_received();
    }
    uint64_t num_dropped(int receiver) const
    {
        return d_receivers.at(receiver).num_dropped();
    }

private:
    static constexpr size_t slack = 1 << 16; // samples held for the slower receiver

    std::vector<transmit_chain> d_transmitters;
    std::map<int, receive_chain> d_receivers;
    size_t d_capacity; // of a transmitter, samples

    bool reaches(const receive_chain& receiver, int transmitter) const;
    bool can_advance(const receive_chain& receiver) const;
    bool advance(receive_chain& receiver);
    void forget();
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
