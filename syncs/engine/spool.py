"""Records on disk between the network and the thinking, so that a sync's memory does not grow with the account."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

import msgspec

Record = TypeVar("Record")
_LENGTH_BYTES = 4


class Spool:
    """Named sections of records in temporary files: written once, read as often as needed, gone when closed."""

    def __init__(self) -> None:
        self._files: dict[str, BinaryIO] = {}
        self._counts: dict[str, int] = {}
        self._encoder = msgspec.msgpack.Encoder()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()

    def write(self, section: str, record: object) -> None:
        if section not in self._files:
            self._files[section] = tempfile.TemporaryFile(prefix="infrazen-spool-")  # noqa: SIM115 - closed in __exit__
            self._counts[section] = 0
        data = self._encoder.encode(record)
        file = self._files[section]
        file.write(len(data).to_bytes(_LENGTH_BYTES, "big"))
        file.write(data)
        self._counts[section] += 1

    def count(self, section: str) -> int:
        return self._counts.get(section, 0)

    def read(self, section: str, kind: type[Record]) -> Iterator[Record]:
        """The section's records in the order of writing; no write to it may follow while it is being read."""
        file = self._files.get(section)
        if file is None:
            return
        decoder = msgspec.msgpack.Decoder(kind)
        file.seek(0)
        while header := file.read(_LENGTH_BYTES):
            yield decoder.decode(file.read(int.from_bytes(header, "big")))
