/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PILOT_BLOCK_H
#define INCLUDED_SEMCOM_PILOT_BLOCK_H

#include "framed_block.h"
#include "phy/flat/estimation.h"
#include <optional>
#include <string>
#include <vector>

namespace gr {
namespace semcom {

/*!
 * A framed block that reads the pilots of its frames, estimates the channel, and makes one
 * output item of each stream for each payload symbol.
 */
class pilot_block : public framed_block
{
protected:
    //! The number of antennas. \throws std::invalid_argument if it is not within 1 to 8.
    static int antennas(int num_rx);

    /*!
     * \param num_rx is in range, see antennas().
     * \throws std::invalid_argument if another argument is out of range.
     */
    pilot_block(int num_rx,
                const std::vector<std::vector<gr_complex>>& pilots,
                const std::string& method,
                int spacing,
                const std::string& interpolation);

    progress run(int num_out, int num_in, input_streams in, output_streams out) final;
    void reset() final { d_read = 0; }

    int num_rx() const { return d_num_rx; }
    int num_tx() const { return d_estimator.num_tx(); }

    //! Another method, from the next frame on; with the lock of the setters held.
    void use_method(phy::estimator_method method) { d_method = method; }

    //! A frame begins, for which the present methods are used.
    virtual void begin_frame() {}

    /*!
     * The first payload symbol of a frame is about to be written.
     *
     * \param[in,out] state Of the frame, before it becomes a tag; null without an estimate.
     */
    virtual void open_payload(phy::packed_csi* state) {}

    /*!
     * Makes the next output items of the frame.
     *
     * \param first payload symbols of the frame before these
     * \param count how many there are
     * \param in    a pointer to the first of them for each antenna
     * \param out   where the first belongs for each output
     */
    virtual void
    pass(uint64_t first, uint64_t count, input_streams in, output_streams out) = 0;

private:
    const int d_num_rx;
    const pmt::pmt_t d_csi_key, d_truth_key;
    const phy::pilot_estimator d_estimator;
    const phy::frame_layout d_layout;
    const phy::interpolation_method d_interpolation;
    phy::estimator_method d_method;

    frame_header d_frame;
    phy::estimator_method d_frame_method; // use_method() acts on whole frames
    uint64_t d_payload = 0;               // payload symbols of the frame
    uint64_t d_read = 0;                  // items of the frame read
    uint64_t d_written = 0;               // payload symbols written
    std::vector<phy::pilot_estimator::block> d_pilots; // received; memory is used again
    uint64_t d_pilot_blocks = 0;                       // of this frame
    std::vector<phy::csi> d_estimates;                 // of these blocks
    std::vector<std::vector<gr_complex>> d_store;      // payload (spacing > 0); likewise
    std::optional<phy::packed_csi> d_state;            // of the frame

    //! With spaced pilots the last ones come after the payload, which waits for them.
    bool stored() const { return d_layout.spacing > 0; }
    uint64_t read_end() const { return stored() ? d_frame.length : d_layout.num_pilots; }

    void start_frame(int item);
    void read(int item, uint64_t count, input_streams in);
    void store(uint64_t first, input_streams in, int item, uint64_t count);
    void
    read_pilots(uint64_t block, uint64_t pilot, input_streams in, int item, int count);
    phy::packed_csi truth(int item);
    void estimate();
    void open_frame(int item);
    void
    write(int item, uint64_t count, input_streams in, int in_item, output_streams out);
};

} // namespace semcom
} // namespace gr

#endif
