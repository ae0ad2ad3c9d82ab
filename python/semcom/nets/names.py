# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Names of the networks; importing this module does not load Torch."""

DECODERS = ("psp", "avel", "vscg", "coattention", "psp_localiser")  # of pilot_ave
OVER_LINK = ("sel", "wsel")  # settings of these decoders
SETTINGS = ("sel", "wsel", "wsel_proportions", "cml")  # of localisers
WEAK = ("wsel", "wsel_proportions")  # settings whose labels have no times of events
DIRECTIONS = ("a2v", "v2a")  # of cross-modal localisation, trained in setting cml
EVALUATED = (*(setting for setting in SETTINGS if setting != "cml"), *DIRECTIONS)
CONSISTENCY = ("", "cere", "separate", "average", "maximum", "none")  # initial states of ESCM
PARTS = ("cspa+csea", "cspa", "csea")  # of co-attention
ATTENTIONS = ("additive", "product")  # scores of the guided attention
SPATIAL = ("terminal", "weights", "map")  # parts of co-attention that are sent over a link
GATES = ("softmax", "sigmoid")  # of CSEA

AVE_CLASSES = (
    "Church bell",
    "Male speech, man speaking",
    "Bark",
    "Fixed-wing aircraft, airplane",
    "Race car, auto racing",
    "Female speech, woman speaking",
    "Helicopter",
    "Violin, fiddle",
    "Flute",
    "Ukulele",
    "Frying (food)",
    "Truck",
    "Shofar",
    "Motorcycle",
    "Acoustic guitar",
    "Train horn",
    "Clock",
    "Banjo",
    "Goat",
    "Baby cry, infant cry",
    "Bus",
    "Chainsaw",
    "Cat",
    "Horse",
    "Toilet flush",
    "Rodents, rats, mice",
    "Accordion",
    "Mandolin",
    "background",
)
"""AVE's 28 events in order of first appearance in its annotations, then background (index 28)."""
