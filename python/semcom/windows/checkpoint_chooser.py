# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A Qt widget in which the checkpoint of a running flowgraph is chosen."""

from pathlib import Path

from PyQt5 import QtCore, QtWidgets

from ..base.palette import COLOURS
from ..systems.loading import exchange_for, shared_system
from ..weights.names import models_folder, shipped

LINES = 3  # of text below the list


class _Lines(QtWidgets.QLabel):
    """Wrapped text of a fixed height, so that the other rows of a window do not move."""

    def __init__(self):
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(QtCore.Qt.PlainText)  # names may look like markup
        self.setAlignment(QtCore.Qt.AlignTop)
        self.setFixedHeight(LINES * self.fontMetrics().lineSpacing() + 4)

    def hasHeightForWidth(self):
        return False


class checkpoint_chooser(QtWidgets.QWidget):
    """A list of the shipped checkpoints that fit the running one, and a button for any file.

    A file that does not fit is refused, with the reason below the list, and the present one stays.

    label   text before the list
    system  name in the registry
    value   the checkpoint at the start of the flowgraph ('': the shipped one)
    choose  called with the path of each chosen checkpoint that fits
    """

    shown = QtCore.pyqtSignal(str)

    def __init__(self, label: str, system: str, value: str, choose):
        super().__init__()
        self.system, self._choose = system, choose
        self.checkpoint = str(value or shipped(system))
        self.running = shared_system(system, str(value), "cpu")
        self.list, self.browse = QtWidgets.QComboBox(), QtWidgets.QPushButton("File...")
        self.status = _Lines()
        self._lay_out(label)
        for path in self._fitting():
            self._offer(path)
        self._show(self.checkpoint)
        self.list.activated.connect(lambda i: self.set(self.list.itemData(i)))
        self.browse.clicked.connect(self._ask)
        self.shown.connect(self._show)

    def _lay_out(self, label):
        row = QtWidgets.QHBoxLayout()
        row.addWidget(QtWidgets.QLabel(f"{label}:"))
        row.addWidget(self.list, 1)
        row.addWidget(self.browse)
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(row)
        box.addWidget(self.status)

    def _fitting(self) -> list:
        """Shipped checkpoints of the system that may replace the running one."""
        paths = sorted(models_folder().glob(f"{self.system}-*.safetensors"))
        return [str(path) for path in paths if not self._refusal(str(path))]

    def _refusal(self, path: str) -> str:
        """The reason why a checkpoint does not fit, in one line; '' if it does."""
        try:
            exchange_for(self.running, self.system, path, "cpu")
        except ValueError as cause:
            return str(cause)
        return ""

    def _offer(self, path: str) -> None:
        if self.list.findData(path) < 0:
            self.list.addItem(Path(path).stem, path)

    def _ask(self):
        start, kind = str(models_folder()), "Checkpoints (*.safetensors)"
        path, _ = QtWidgets.QFileDialog.getOpenFileName(self, "Checkpoint", start, kind)
        if path:
            self.set(path)

    def set(self, path: str) -> None:
        """Choose a checkpoint like a user; one that does not fit changes nothing."""
        if self._refusal(path):
            self._show(path)
        else:
            self._choose(path)

    def show_value(self, path: str) -> None:
        """Show the flowgraph's checkpoint; from any thread."""
        self.shown.emit(str(path or shipped(self.system)))

    def _show(self, path: str) -> None:
        refusal = self._refusal(path)
        if not refusal:
            self.checkpoint = path
        self._offer(self.checkpoint)
        self.list.setCurrentIndex(self.list.findData(self.checkpoint))
        self.status.setText(f"\N{BALLOT X} refused: {refusal}" if refusal else self._summary())
        colour = COLOURS[1] if refusal else "#202020"
        self.status.setStyleSheet(
            f"color: {colour}; font-weight: {'bold' if refusal else 'normal'}"
        )

    def _summary(self) -> str:
        header = shared_system(self.system, self.checkpoint, "cpu").header
        return (
            f"variant {header['variant']}, trained on {header['data']}, "
            f"{header['config']['symbols']} symbols per second and terminal"
        )
