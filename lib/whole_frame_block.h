/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_WHOLE_FRAME_BLOCK_H
#define INCLUDED_SEMCOM_WHOLE_FRAME_BLOCK_H

#include "framed_block.h"

namespace gr {
namespace semcom {

/*!
 * A framed block that holds a frame until its last item has come, and only then sends the
 * resulting frame, which may have another length and other items.
 */
class whole_frame_block : public framed_block
{
protected:
    //! \param frame_length of an untagged input, numbered from 0; 0: frames are tagged.
    explicit whole_frame_block(uint64_t frame_length = 0);

    progress run(int num_out, int num_in, input_streams in, output_streams out) final;
    void reset() final;

    //! frame() begins at item \p item of the window.
    virtual void begin_frame(int item) {}

    //! Processes the complete frame(); returns the number of output items, at least 1.
    virtual uint64_t finish_frame() = 0;

    //! The first output item is written as item \p item; its semcom_frame tag is put.
    virtual void open_frame(int item) {}

    //! Writes \p count output items from number \p first on, where each output points.
    virtual void write(uint64_t first, uint64_t count, void* const* out) = 0;

    //! The present frame.
    const frame_header& frame() const { return d_frame; }

    //! The items of the present frame at an input that have come so far.
    template <typename Item>
    const Item* items(int input) const
    {
        return reinterpret_cast<const Item*>(d_store[input].data());
    }

private:
    const uint64_t d_frame_length;
    uint64_t d_next_seq = 0;
    frame_header d_frame;
    std::vector<std::vector<char>> d_store; // of each input, bytes of items
    uint64_t d_read = 0;                    // items of the frame
    uint64_t d_total = 0, d_written = 0;    // items that it becomes; 0: not whole

    void start_frame(int item);
    int read(input_streams in, int num_in, int item);
    int write_on(output_streams out, int produced, int num_out);
};

} // namespace semcom
} // namespace gr

#endif
