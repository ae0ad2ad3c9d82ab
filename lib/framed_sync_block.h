/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_FRAMED_SYNC_BLOCK_H
#define INCLUDED_SEMCOM_FRAMED_SYNC_BLOCK_H

#include "framed_block.h"

namespace gr {
namespace semcom {

/*!
 * A framed block that makes one item of each stream for each item it takes, like
 * gr::sync_block: the loop over the frames and parts of frames in a window.
 */
class framed_sync_block : public framed_block
{
protected:
    progress run(int num_out, int num_in, input_streams in, output_streams out) final;
    void reset() final { d_position = 0; }

    //! Prepares for frame(), which starts at item \p item of the window; its tag is put.
    virtual void start_frame(int item) = 0;

    /*!
     * Makes the next items of frame().
     *
     * \param item     where they lie in the window
     * \param position where they lie in the frame
     * \param count    how many there are
     * \param in       a pointer to the first of them for each input
     * \param out      where the first belongs for each output
     */
    virtual void apply(int item,
                       uint64_t position,
                       uint64_t count,
                       input_streams in,
                       output_streams out) = 0;

    //! The present frame.
    const frame_header& frame() const { return d_frame; }

private:
    frame_header d_frame;
    uint64_t d_position = 0; // items of the frame passed so far
};

} // namespace semcom
} // namespace gr

#endif
