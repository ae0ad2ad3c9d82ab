/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_LS_ESTIMATOR_CC_IMPL_H
#define INCLUDED_SEMCOM_LS_ESTIMATOR_CC_IMPL_H

#include "pilot_block.h"
#include <gnuradio/semcom/ls_estimator_cc.h>

namespace gr {
namespace semcom {

class ls_estimator_cc_impl : public ls_estimator_cc, public pilot_block
{
public:
    ls_estimator_cc_impl(int num_rx,
                         const std::vector<std::vector<gr_complex>>& pilots,
                         const std::string& method,
                         int spacing,
                         const std::string& interpolation);

    void set_method(const std::string& method) override;

protected:
    void
    pass(uint64_t first, uint64_t count, input_streams in, output_streams out) override;
};

} // namespace semcom
} // namespace gr

#endif
