# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The cases of the reference: command lines of the programs in apps/, in order.

``{out}`` is a folder of the case; ``{set}`` a small folder in the AVE layout, written from the
synthetic set, with splits for cross-modal localisation.  Of a run the figures come from the file
that ``--json`` names, of a training from the checkpoint under ``--out``; other commands only
prepare.  The programs run in the root of the repository.
"""

LINK = "run_link.py --json {out}/link.json"
# of make_media.py --clips 2 --seed 62, kept: what H.264 encodes depends on processor and threads
FILMS = "tests/reference/films"
TINY = "train.py --limit 32 --epochs 2 --batch 8 --average 0.8 --out {out}/run"
SMALL_PLUS = "--symbols 8 --hidden 12 --attention-hidden 10 --heads 2"
SMALL_AVE = (
    "--symbols 6 --audio-lstm 12 --audio-channel 10 --attention-width 12 --attention-hidden 8 "
    "--video-channel 10 --audio-decoder 12 --video-decoder 14 --classifier 8"
)
SMALL_LOCALISER = "--attention-width 12 --attention-hidden 8 --recurrent 6 --classifier 8"

LINKS = {
    "channels and detectors": [
        f"{LINK} --frames 4 --channel awgn rayleigh rician rician_rank1 "
        "--detector zf lmmse none --snr=-5,12",
        f"{LINK} --frames 4 --channel none --detector zf",
    ],
    "CSI and detectors": [
        f"{LINK} --frames 4 --csi perfect ls ls_min_residual lmmse none --detector zf lmmse none "
        "--snr 8"
    ],
    "channels and detectors of pilot_ave": [
        f"{LINK} --frames 4 --system pilot_ave --channel awgn rayleigh rician "
        "--csi ls --detector zf lmmse --snr=-5,12 --seed 1"
    ],
    "variants with one terminal": [
        f"{LINK} --frames 4 --system pilot_ave pilot_ave_plus --variant audio_only video_only "
        "--channel awgn rayleigh --snr 3 --seed 2",
    ],
    "no_estimation": [
        f"{LINK} --frames 4 --system pilot_ave pilot_ave_plus --variant no_estimation "
        "--channel awgn rayleigh rician --snr 0,10 --seed 3"
    ],
    "decoders of pilot_ave": [
        f"{LINK} --frames 6 --system pilot_ave --decoder psp avel coattention vscg --snr 0,15"
    ],
    "checkpoints of ave28 by file": [
        f"{LINK} --frames 4 --system pilot_ave --snr 10 "
        "--checkpoint models/pilot_ave-full-ave28.safetensors",
        f"{LINK} --frames 4 --system pilot_ave_plus --snr 10 "
        "--checkpoint models/pilot_ave_plus-full-ave28.safetensors",
    ],
    "pilot spacing, interpolation and Doppler": [
        f"{LINK} --frames 3 --snr 15 --pilot-spacing 64 --doppler 1e-3 --interpolation nearest",
        f"{LINK} --frames 3 --snr 15 --pilot-spacing 64 --doppler 1e-3 --interpolation linear",
        f"{LINK} --frames 3 --snr 15 --pilot-spacing 48 --pilot-length 8 --doppler 5e-4 "
        "--interpolation linear --csi ls lmmse perfect --detector lmmse zf",
        f"{LINK} --frames 3 --snr 15 --pilot-spacing 100 --channel awgn rician --system pilot_ave",
        f"{LINK} --frames 3 --snr 15 --doppler 1e-3 --channel rician --csi perfect ls",
    ],
    "pilots": [
        f"{LINK} --frames 3 --snr 5 --pilots encoded_sine --pilot-length 16 --csi ls lmmse",
        f"{LINK} --frames 3 --snr 5 --pilots zadoff_chu --pilot-length 22 --csi ls lmmse",
        f"{LINK} --frames 3 --snr 5 --pilot-length 8 --pilot-boost 3 --csi ls lmmse",
    ],
    "antennas": [
        f"{LINK} --frames 3 --snr 5 --antennas 3 --detector zf lmmse --channel awgn rayleigh",
        f"{LINK} --frames 3 --snr 5 --antennas 4 --csi perfect lmmse --channel rician "
        "--rician-k 10",
        f"{LINK} --frames 3 --snr 5 --antennas 1 --variant audio_only video_only",
    ],
    "sidelink SNR and gain": [
        f"{LINK} --frames 4 --snr 10 --feedback-snr=-10",
        f"{LINK} --frames 4 --snr 10 --feedback-snr 30 --system pilot_ave pilot_ave_plus",
        f"{LINK} --frames 4 --snr 10 --gain 7 --csi ls perfect",
        f"{LINK} --frames 4 --snr 10 --gain=-20 --detector lmmse --channel awgn",
    ],
    "a stop after errors": [f"{LINK} --until-errors 12 --frames 60 --snr=-10,0 --channel awgn"],
    "the validation and training splits": [
        f"{LINK} --split val --frames 4 --snr 10",
        f"{LINK} --split train --frames 4 --snr 10 --system pilot_ave",
    ],
    "a folder in the AVE layout": [
        f"{LINK} --data {{set}} --frames 7 --snr 10 "
        "--checkpoint models/pilot_ave_plus-full-synthetic.safetensors",
        f"{LINK} --data {{set}} --split val --snr 10 --system pilot_ave "
        "--checkpoint models/pilot_ave-full-synthetic.safetensors",
    ],
}

RADIOS = {
    "mock radio bench": [f"{LINK} --radio mock:bench --frames 3 --snr 5,20 --detector zf lmmse"],
    "mock radio indoor": [
        f"{LINK} --radio mock:indoor --frames 3 --snr 15 --system pilot_ave pilot_ave_plus"
    ],
    "mock radio walking": [
        f"{LINK} --radio mock:walking --frames 3 --snr 15 --detector lmmse --burst-spacing 32"
    ],
    "mock radio bad_day": [
        f"{LINK} --radio mock:bad_day --frames 5 --snr 12 --copies 3 --max-peak 6 --seed 3"
    ],
    "mock radio with one terminal": [
        f"{LINK} --radio mock:indoor --frames 3 --snr 15 --variant audio_only video_only"
    ],
    "mock radio without sidelink": [
        f"{LINK} --radio mock:bench --frames 3 --snr 20 --feedback-snr=-40"
    ],
    "a recording and its replay": [
        f"{LINK} --radio mock:indoor --frames 3 --snr 12 --record {{out}}/air",
        f"{LINK} --radio replay:{{out}}/air --frames 3 --detector lmmse",
    ],
}

MEDIA = {
    "media": [
        f"{LINK} --media {FILMS}/clip00.mp4 {FILMS}/clip01.mp4 --snr 10",
        f"{LINK} --media {FILMS}/clip01.mp4 --snr 3 --system pilot_ave --channel awgn",
    ],
}

TRAININGS = {
    "training pilot_ave_plus": [
        f"{TINY} --system pilot_ave_plus {SMALL_PLUS}",
        f"{LINK} --checkpoint {{out}}/run/pilot_ave_plus-full-synthetic-8.safetensors "
        "--frames 5 --snr 20",
        "train.py --limit 32 --epochs 2 --batch 8 --average 0.8 --out {out}/blind "
        "--variant no_estimation --init {out}/run/pilot_ave_plus-full-synthetic-8.safetensors",
    ],
    "training pilot_ave_plus, exchange and mismatch": [
        f"{TINY} --system pilot_ave_plus {SMALL_PLUS} --exchange 0.5 --mismatch 0.5 --seed 4"
    ],
    "training pilot_ave_plus, error_free": [f"{TINY} --variant error_free {SMALL_PLUS}"],
    "training pilot_ave_plus, one terminal": [
        f"{TINY} --variant audio_only --symbols 8 --hidden 12",
        f"{TINY}-video --variant video_only --symbols 8 --hidden 12 --attention-hidden 10",
    ],
    "training pilot_ave": [f"{TINY} --system pilot_ave {SMALL_AVE}"],
    "training pilot_ave, decoder avel": [
        f"{TINY} --system pilot_ave --decoder avel {SMALL_AVE} --recurrent 6"
    ],
    "training pilot_ave, decoder coattention": [
        f"{TINY} --system pilot_ave --decoder coattention {SMALL_AVE} --recurrent 6"
    ],
    "training pilot_ave, decoder vscg": [
        f"{TINY} --system pilot_ave --decoder vscg {SMALL_AVE} --recurrent 6"
    ],
    **{
        f"training {system}, {setting}": [
            f"{TINY} --system {system} --setting {setting} {SMALL_LOCALISER}"
        ]
        for system in ("avel", "psp", "coattention", "vscg")
        for setting in ("sel", "wsel")
    },
    **{
        f"training span, {setting}": [
            f"{TINY} --system span --setting {setting} "
            "--hidden 12 --code 6 --attention-hidden 10 --heads 2 --members 2"
        ]
        for setting in ("sel", "wsel")
    },
    "training across the modalities": [
        "train.py --data {set} --match --epochs 2 --batch 8 --out {out}/run --system coattention "
        f"--setting cml {SMALL_LOCALISER}",
        *(
            f"evaluate.py --json {{out}}/{way}.json --data {{set}} --system coattention "
            f"--setting {way} --checkpoint {{out}}/run/coattention-cml-tiny.safetensors"
            for way in ("a2v", "v2a")
        ),
    ],
}

LOCALISERS = {
    f"localiser {system}": [
        f"evaluate.py --json {{out}}/{setting}.json --data {{set}} --split {split} "
        f"--system {system} --setting {setting} "
        f"--checkpoint models/{system}-{setting}-ave28.safetensors"
        for setting, split in (("sel", "test"), ("wsel", "val"))
    ]
    for system in ("avel", "psp", "coattention", "vscg", "span")
}

CASES: dict[str, list[str]] = {**LINKS, **RADIOS, **MEDIA, **TRAININGS, **LOCALISERS}
