/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include <gnuradio/semcom/bits_to_frames.h>
#include <gnuradio/semcom/ldpc_decoder.h>
#include <gnuradio/semcom/qam_demapper.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;
using namespace gr::semcom;

template <typename Block>
using block_class = py::class_<Block, gr::block, gr::basic_block, std::shared_ptr<Block>>;

static void bind_bits_to_frames(py::module& m)
{
    block_class<bits_to_frames>(
        m,
        "bits_to_frames",
        R"doc(Encodes frames of bits as frames of complex symbols: CRC, LDPC code, interleaver, QAM.

One uint8 stream of bits in (the lowest bit of each byte), one complex64 stream out. A frame of B
bits becomes C = ceil(B / (k - crc)) blocks in S = ceil(C (ceil(B / C) + crc + n - k) r / b)
symbols of b bits; see semcom.phy.coding.BlockCode.

Tags: semcom_frame, pair of uint64 (sequence number . length), on each frame's first item.

Args:
    modulation: bpsk, qpsk, 16qam, 64qam or 256qam.
    rate: k / n of the LDPC code of IEEE 802.11n: 1/2, 2/3, 3/4 or 5/6.
    length: n, length of a coded block [bits]: 648, 1296 or 1944.
    crc: length of each block's CRC [bits]: 16, 24 or 32.
    repetition: r, transmissions of each coded bit: 1, 2, 4 or 8.
    frame_bits: with 0 the input's frames are tagged; above 0 the untagged input is cut into
        frames of that many bits, numbered from 0.

Raises:
    ValueError: an unknown name or a number out of range.)doc")
        .def(py::init(&bits_to_frames::make),
             py::arg("modulation") = "qpsk",
             py::arg("rate") = "3/4",
             py::arg("length") = 648,
             py::arg("crc") = 16,
             py::arg("repetition") = 1,
             py::arg("frame_bits") = 0)
        .def("set_code",
             &bits_to_frames::set_code,
             py::arg("modulation"),
             py::arg("rate"),
             py::arg("length"),
             py::arg("crc"),
             py::arg("repetition"),
             "Sets the code from the next frame on; ValueError if there is no such "
             "code.");
}

static void bind_qam_demapper(py::module& m)
{
    block_class<qam_demapper>(
        m,
        "qam_demapper",
        R"doc(Log-likelihood ratios of the bits of K detected streams, with each symbol's noise.

K complex64 streams in, K float32 streams out, b ratios ln P(bit 0) / P(bit 1) for each symbol of b
bits; none is larger than 1000.

Tags: semcom_frame (sequence number . length); csi on port 0, from mimo_detector_cc, with the noise.
A symbol of infinite noise, or not finite, has ratios 0; noise 0 gives hard decisions.

Args:
    num_tx: K streams, 1 to 8.
    modulation: bpsk, qpsk, 16qam, 64qam or 256qam, Gray-coded as in IEEE 802.11.
    method: max_log, or exact (log-sum-exp).

Raises:
    ValueError: an unknown name or a number out of range.)doc")
        .def(py::init(&qam_demapper::make),
             py::arg("num_tx"),
             py::arg("modulation") = "qpsk",
             py::arg("method") = "max_log")
        .def("set_modulation",
             &qam_demapper::set_modulation,
             py::arg("modulation"),
             "Sets the constellation from the next frame on; ValueError if unknown.")
        .def("set_method",
             &qam_demapper::set_method,
             py::arg("method"),
             "Sets the method from the next frame on; ValueError if unknown.");
}

static void bind_ldpc_decoder(py::module& m)
{
    py::class_<decoder_counts>(
        m, "decoder_counts", "Counters of frames and blocks since the start.")
        .def_readonly("frames", &decoder_counts::frames)
        .def_readonly("failed_frames", &decoder_counts::failed_frames)
        .def_readonly("blocks", &decoder_counts::blocks)
        .def_readonly("failed_blocks", &decoder_counts::failed_blocks);
    block_class<ldpc_decoder>(
        m,
        "ldpc_decoder",
        R"doc(Decodes frames of log-likelihood ratios (from qam_demapper) to frames of payload bits.

One float32 stream in, one uint8 stream of bits out, C blocks of p bits a frame.

Tags: semcom_frame (sequence number . length), and semcom_blocks, u8vector [C], 1 for each block
whose parities and CRC hold. Message port blocks: (sequence number . u8vector) of each frame. Bits
without a received symbol are 0.

Args:
    modulation, rate, length, crc, repetition: those of bits_to_frames.
    iterations: largest number of iterations of the LDPC decoder.

Raises:
    ValueError: an unknown name or a number out of range.)doc")
        .def(py::init(&ldpc_decoder::make),
             py::arg("modulation") = "qpsk",
             py::arg("rate") = "3/4",
             py::arg("length") = 648,
             py::arg("crc") = 16,
             py::arg("repetition") = 1,
             py::arg("iterations") = 20)
        .def("set_code",
             &ldpc_decoder::set_code,
             py::arg("modulation"),
             py::arg("rate"),
             py::arg("length"),
             py::arg("crc"),
             py::arg("repetition"),
             "Sets the code from the next frame on; ValueError if there is no such code.")
        .def("counts",
             &ldpc_decoder::counts,
             py::call_guard<py::gil_scoped_release>(),
             "decoder_counts since the start.");
}

void bind_coding_blocks(py::module& m)
{
    bind_bits_to_frames(m);
    bind_qam_demapper(m);
    bind_ldpc_decoder(m);
}
