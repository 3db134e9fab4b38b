"""What can go wrong between a chat export and a published version, each with its own sentence.

AdaptersError
├── BadRequest          a name, format or option that can't be what was meant
├── BadExport           the file is missing, empty or not an export of that format
├── UnknownSpeaker      nobody of that name speaks in the export
├── NotWritable         a folder can't be written, or the disk is full
├── BadLedger           consent.toml can't be understood, so nobody counts as having agreed
├── NoConsent           somebody did not agree to what was asked for, or has withdrawn it
├── NoDataset           nothing was imported for the persona yet, or it can't be read
├── TooFewExamples      there is a dataset, and it is too small to learn a voice from
├── BadBaseModel        the base model is not there or can't be trained as a chat model
├── AskingRefused       questions are being asked already, or the model's server broke it off
├── TrainingRefused     another training of the persona is running, or the training broke off
├── NoRun               nothing was trained for the persona yet, or it can't be read
├── NothingToRollBack   there is no earlier version to go back to
└── RegistryRefused     the registry can't be read or written, or knows no such persona
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL_DISK = "the disk is full; free some space and run it again"


class AdaptersError(Exception):
    """Its message is the sentence the user reads."""


class BadRequest(AdaptersError):
    pass


class BadExport(AdaptersError):
    pass


class UnknownSpeaker(AdaptersError):
    pass


class NotWritable(AdaptersError):
    pass


class BadLedger(AdaptersError):
    pass


class NoConsent(AdaptersError):
    pass


class NoDataset(AdaptersError):
    pass


class TooFewExamples(AdaptersError):
    pass


class BadBaseModel(AdaptersError):
    pass


class AskingRefused(AdaptersError):
    pass


class TrainingRefused(AdaptersError):
    pass


class NoRun(AdaptersError):
    pass


class NothingToRollBack(AdaptersError):
    pass


class RegistryRefused(AdaptersError):
    pass


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns the system's refusals below `folder` into a NotWritable that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = FULL_DISK
        else:
            reason = error.strerror or str(error)
            advice = f"{reason}; check its owner and permissions, or set UNDERSTUDY_HOME elsewhere"
        raise NotWritable(f"can't write to {folder}: {advice}") from error
