/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_OWN_FRAME_POWER_H
#define INCLUDED_OWN_FRAME_POWER_H

#include <gnuradio/attributes.h>
#include <gnuradio/sync_block.h>

namespace gr {
namespace own {

/*!
 * \brief Tells the mean power of each frame.
 *
 * Input and output: the same complex items, with their tags. Each frame starts with a tag
 * \p semcom_frame, a pair of uint64 (number . length).
 *
 * Message port \p power: for each frame a dictionary of \p frame, its number, and \p
 * power_db, the mean of |x|^2 [dB]; -inf for a frame of zeros.
 *
 * An item outside a frame ends the stream with an error (gnuradio/semcom/errors.h).
 */
class __GR_ATTR_EXPORT frame_power : virtual public gr::sync_block
{
public:
    typedef std::shared_ptr<frame_power> sptr;
    static sptr make();
};

} // namespace own
} // namespace gr

#endif
