/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_FRAMED_BLOCK_H
#define INCLUDED_SEMCOM_FRAMED_BLOCK_H

#include "guarded_block.h"
#include "phy/flat/csi.h"
#include "phy/types.h"
#include <vector>

namespace gr {
namespace semcom {

//! The content of a semcom_frame tag.
struct frame_header {
    int64_t position = 0; //!< item of the current window on which the tag lies
    uint64_t seq = 0;
    uint64_t length = 0;
    pmt::pmt_t tag; //!< the tag's value
};

/*!
 * The base of the module's stream blocks: numbered frames on aligned streams.
 *
 * A block implements run() as a state machine that moves as many items as input and
 * output allow, so that frames may be longer than any buffer. It must consume the last
 * item of a frame only once all its output is written: the scheduler ends a block whose
 * input has run out.
 */
class framed_block : public guarded_block
{
public:
    bool start() override;
    void forecast(int noutput_items, gr_vector_int& ninput_items_required) override;

protected:
    int guarded_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

    using input_streams = const phy::cfloat* const*;
    using output_streams = phy::cfloat* const*;

    //! The result of run().
    struct progress {
        int consumed = 0;
        int produced = 0;
        bool moved() const { return consumed > 0 || produced > 0; }
    };

    framed_block();

    //! Moves items; may throw. Called with the lock of the setters held.
    virtual progress
    run(int num_out, int num_in, input_streams in, output_streams out) = 0;

    //! Forgets the present frame when the streams restart.
    virtual void reset() = 0;

    //! The frame that starts at item \p position of the window. \throws if none does.
    const frame_header& frame_at(int64_t position);

    //! \throws if another frame starts among the items [first, last) of the window.
    void check_no_frame(int64_t first, int64_t last, const frame_header& current) const;

    //! Opens a frame at item \p position of all output streams.
    void put_frame(int64_t position, uint64_t seq, uint64_t length);
    void put_frame(int64_t position, const pmt::pmt_t& tag);

    //! Opens the received \p frame there, which has another length now.
    void put_frame(int64_t position, const frame_header& frame, uint64_t length);

    //! Puts a tag on output port 0.
    void put_tag(int64_t position, const pmt::pmt_t& key, const pmt::pmt_t& value);

    //! Sends (seq . values) if anyone listens on \p port.
    void publish(const pmt::pmt_t& port, uint64_t seq, const pmt::pmt_t& values);

    using tag_iterator = std::vector<const gr::tag_t*>::const_iterator;

    //! The tags of input port 0 from item \p position of the window on, in order, without
    //! those of frames. They lie in the buffer until run() returns.
    tag_iterator tags_from(int64_t position);
    tag_iterator tags_end() const { return d_tags.end(); }

private:
    std::vector<frame_header> d_frames;   // of the current window
    std::vector<const gr::tag_t*> d_tags; // the others of input 0
    const pmt::pmt_t d_frame_key;
    gr::tag_t d_tag;              // to be put; a new one takes longer
    pmt::pmt_t d_length;          // of the last frame whose length was changed
    uint64_t d_length_number = 0; // the same

    std::vector<frame_header>::const_iterator frames_from(int64_t position) const;
    template <typename Visit>
    void visit_tags(int stream, int num_in, Visit visit);
    void read_frames(int num_in);
    void add_frame(const gr::tag_t& tag);
    void check_stream(int stream, int num_in);
    [[noreturn]] void throw_out_of_step(int stream, uint64_t item) const;
};

//! (seq . length) as frames are tagged.
pmt::pmt_t make_frame_tag(uint64_t seq, uint64_t length);

//! The vector of a \p csi or \p csi_true tag. \throws if the tag has another value.
phy::packed_csi to_csi(const gr::tag_t& tag);

//! The same for M=\p num_rx and K=\p num_tx. \throws if the tag is of others, too.
phy::packed_csi to_csi(const gr::tag_t& tag, int num_rx, int num_tx);

//! A packed vector as a tag's value.
pmt::pmt_t to_pmt(const std::vector<phy::cfloat>& values);

} // namespace semcom
} // namespace gr

#endif
