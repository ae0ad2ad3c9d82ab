/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "qam_demapper_impl.h"
#include <gnuradio/io_signature.h>
#include <algorithm>
#include <stdexcept>

namespace gr {
namespace semcom {

qam_demapper::sptr
qam_demapper::make(int num_tx, const std::string& modulation, const std::string& method)
{
    if (num_tx < 1 || num_tx > phy::max_streams)
        throw std::invalid_argument("num_tx: " + std::to_string(num_tx) +
                                    " found, 1 to 8 expected");
    return gnuradio::make_block_sptr<qam_demapper_impl>(
        num_tx, phy::constellation(modulation), phy::parse_demap(method));
}

qam_demapper_impl::qam_demapper_impl(int num_tx,
                                     const phy::constellation& symbols,
                                     phy::demap_method method)
    : gr::block("qam_demapper",
                gr::io_signature::make(num_tx, num_tx, sizeof(gr_complex)),
                gr::io_signature::make(num_tx, num_tx, sizeof(float))),
      d_num_tx(num_tx),
      d_csi_key(pmt::mp("csi")),
      d_wanted(symbols),
      d_active(symbols),
      d_wanted_method(method),
      d_active_method(method),
      d_noise(num_tx),
      d_llrs(num_tx)
{
}

void qam_demapper_impl::set_modulation(const std::string& modulation)
{
    const phy::constellation symbols(modulation);
    gr::thread::scoped_lock lock(d_setlock);
    d_wanted = symbols;
}

void qam_demapper_impl::set_method(const std::string& method)
{
    const auto parsed = phy::parse_demap(method);
    gr::thread::scoped_lock lock(d_setlock);
    d_wanted_method = parsed;
}

void qam_demapper_impl::begin_frame(int item)
{
    d_active = d_wanted;
    d_active_method = d_wanted_method;
    const uint64_t first = nitems_read(0) + item;
    const auto tag = std::find_if(tags_from(item), tags_end(), [&](const auto& each) {
        return each->offset == first && each->key == d_csi_key;
    });
    if (tag == tags_end())
        throw std::runtime_error("frame " + std::to_string(frame().seq) +
                                 " has no csi tag on its first item; put "
                                 "mimo_detector_cc, which knows the noise, before the "
                                 "demapper");
    const auto state = to_csi(**tag);
    if (state.num_tx() != d_num_tx)
        throw std::runtime_error(
            "csi: the tag at item " + std::to_string((*tag)->offset) +
            " is of K=" + std::to_string(state.num_tx()) +
            ", but the demapper was made for K=" + std::to_string(d_num_tx) +
            "; give both blocks the same number");
    for (auto& stream : d_noise)
        stream.resize(frame().length);
    float* rows[phy::max_streams];
    for (int k = 0; k < d_num_tx; k++)
        rows[k] = d_noise[k].data();
    state.expand_no_eff(frame().length, rows);
}

uint64_t qam_demapper_impl::finish_frame()
{
    const uint64_t length = frame().length;
    for (int k = 0; k < d_num_tx; k++) {
        d_llrs[k].resize(length * d_active.bits());
        d_active.demap(items<gr_complex>(k),
                       d_noise[k].data(),
                       length,
                       d_active_method,
                       d_llrs[k].data());
    }
    return d_llrs[0].size();
}

void qam_demapper_impl::write(uint64_t first, uint64_t count, void* const* out)
{
    for (int k = 0; k < d_num_tx; k++)
        std::copy_n(d_llrs[k].begin() + first, count, static_cast<float*>(out[k]));
}

} // namespace semcom
} // namespace gr
