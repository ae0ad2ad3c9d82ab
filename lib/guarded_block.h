/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_GUARDED_BLOCK_H
#define INCLUDED_SEMCOM_GUARDED_BLOCK_H

#include <gnuradio/block.h>

namespace gr {
namespace semcom {

//! A block whose errors end its stream and are reported (errors.h), instead of hanging
//! the flowgraph.
class guarded_block : virtual public gr::block
{
public:
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) final;

protected:
    //! What general_work() is to others; may throw. Called with the lock of the setters
    //! held.
    virtual int guarded_work(int noutput_items,
                             gr_vector_int& ninput_items,
                             gr_vector_const_void_star& input_items,
                             gr_vector_void_star& output_items) = 0;
};

} // namespace semcom
} // namespace gr

#endif
