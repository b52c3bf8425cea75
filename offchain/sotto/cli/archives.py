"""`sotto node archive`: files with the data words of all epochs, for when nobody else has old blobs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sotto.cli.keepers import connected, place_options
from sotto.cli.leaving import from_block_option
from sotto.cli.options import blob_options, json_option
from sotto.cli.output import Output
from sotto.protocol.field import field_to_json

if TYPE_CHECKING:
    from web3 import AsyncWeb3

    from sotto.l1.archive import ArchiveHeader
    from sotto.l1.blob_settings import BlobSettings


@click.group()
def archive() -> None:
    """Files with the data words of all epochs, which L1 keeps in blobs for some weeks only."""


@archive.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@place_options
@from_block_option
@click.option("--first", type=click.IntRange(1), default=1, show_default=True, help="Begin with this epoch.")
@blob_options
@json_option
def export(
    output: Output,
    file: Path,
    rpc_url: str,
    rollup: bytes,
    from_block: int | None,
    first: int,
    blobs: "BlobSettings",
) -> None:
    """Write the data words of all proven epochs to FILE.

    They come from L1 and, where they are in blobs, from the beacon APIs, the L1 endpoint, the nodes and older
    archives, in this order. None of these is trusted: each answer is compared with what L1 names.
    """
    from sotto.crypto.backend import install_hash_backend
    from sotto.l1.archive import export_archive
    from sotto.l1.sources import open_history

    install_hash_backend()
    output.show_logs()

    async def run(web3: "AsyncWeb3[Any]") -> "ArchiveHeader":
        opening = open_history(blobs, web3, rollup, progress=progress, first_block=from_block)
        async with opening as history:
            return await export_archive(history, file, first, from_block)

    with output.progress() as progress:
        header = connected(rpc_url, run)
    output.result(
        _data(header) | {"file": str(file)}, [f"{file} has the epochs {header.first} to {header.last}"]
    )


@archive.command("check")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE...",
)
@place_options
@from_block_option
@json_option
def check(
    output: Output, files: tuple[Path, ...], rpc_url: str, rollup: bytes, from_block: int | None
) -> None:
    """Check archives against L1: all words in them, and the state to which they lead.

    Several FILEs may be parts of one history; a later part alone needs those before it.
    """
    from contextlib import ExitStack

    from sotto.crypto.backend import install_hash_backend
    from sotto.l1.archive import ArchiveFile, archive_reader, check_archives, lanes_of
    from sotto.l1.history import History

    install_hash_backend()
    output.show_logs()

    async def run(web3: "AsyncWeb3[Any]") -> "list[ArchiveHeader]":
        with ExitStack() as stack:
            opened: list[ArchiveFile] = []
            history = await History.open(web3, rollup, progress=progress)
            records = (await history.records(from_block))[: history.proven + 1]
            lanes = await lanes_of(history, records)
            opened += [stack.enter_context(ArchiveFile.open(path, history.domain, lanes)) for path in files]
            history.read_blobs_from(archive_reader(opened))
            await check_archives(history, records, opened, progress)
            return [each.header for each in opened]

    with output.progress() as progress:
        headers = connected(rpc_url, run)
    output.result(
        [_data(header) | {"file": str(path)} for path, header in zip(files, headers, strict=True)],
        [
            f"{path}: epochs {header.first} to {header.last} are those of L1"
            for path, header in zip(files, headers, strict=True)
        ],
    )


def _data(header: "ArchiveHeader") -> dict[str, object]:
    return {"first": header.first, "last": header.last, "state": field_to_json(header.state)}
