/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "mimo_channel_cc_impl.h"
#include <gnuradio/io_signature.h>

namespace gr {
namespace semcom {

mimo_channel_cc::sptr mimo_channel_cc::make(int num_tx,
                                            int num_rx,
                                            const std::string& model,
                                            double snr_db,
                                            double rician_k,
                                            double doppler,
                                            double gain_db,
                                            uint64_t seed,
                                            unsigned int link)
{
    const phy::channel_settings settings{
        phy::parse_channel(model), snr_db, rician_k, doppler, gain_db, seed, link
    };
    return gnuradio::make_block_sptr<mimo_channel_cc_impl>(num_tx, num_rx, settings);
}

mimo_channel_cc_impl::mimo_channel_cc_impl(int num_tx,
                                           int num_rx,
                                           const phy::channel_settings& settings)
    : gr::block("mimo_channel_cc",
                gr::io_signature::make(num_tx, num_tx, sizeof(gr_complex)),
                gr::io_signature::make(num_rx, num_rx, sizeof(gr_complex))),
      d_truth_key(pmt::mp("csi_true")),
      d_port(pmt::mp("channel")),
      d_channel(num_tx, num_rx, settings),
      d_next(settings)
{
    message_port_register_out(d_port);
}

template <typename Value>
void mimo_channel_cc_impl::change(Value phy::channel_settings::*field, Value value)
{
    gr::thread::scoped_lock lock(d_setlock);
    auto changed = d_next;
    changed.*field = value;
    d_channel.check(changed);
    d_next = changed;
}

void mimo_channel_cc_impl::set_model(const std::string& model)
{
    change(&phy::channel_settings::model, phy::parse_channel(model));
}

void mimo_channel_cc_impl::set_snr_db(double snr_db)
{
    change(&phy::channel_settings::snr_db, snr_db);
}

void mimo_channel_cc_impl::set_rician_k(double rician_k)
{
    change(&phy::channel_settings::rician_k, rician_k);
}

void mimo_channel_cc_impl::set_doppler(double doppler)
{
    change(&phy::channel_settings::doppler, doppler);
}

void mimo_channel_cc_impl::set_gain_db(double gain_db)
{
    change(&phy::channel_settings::gain_db, gain_db);
}

void mimo_channel_cc_impl::start_frame(int item)
{
    d_channel.set(d_next);
    d_channel.begin_frame(frame().seq, frame().length);
    const auto truth = to_pmt(d_channel.truth().elements());
    put_tag(item, d_truth_key, truth);
    publish(d_port, frame().seq, truth);
}

void mimo_channel_cc_impl::apply(
    int, uint64_t position, uint64_t count, input_streams in, output_streams out)
{
    d_channel.apply(in, out, position, count);
}

} // namespace semcom
} // namespace gr
