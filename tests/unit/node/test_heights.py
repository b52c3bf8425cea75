"""The file with the height of the last block."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from sotto.node.heights import HeightFile


class Blocks:
    """A store of which the last block alone is asked."""

    def __init__(self) -> None:
        self.number = 0

    def last_block(self) -> object:
        """See Store."""
        return SimpleNamespace(number=self.number) if self.number else None

    async def run(self, method: Any) -> Any:
        """See Store."""
        return method()


async def test_it_has_the_last_height_whole_and_survives_a_lost_folder(tmp_path: Path) -> None:
    folder, blocks = tmp_path / "run", Blocks()
    file = HeightFile(folder / "height", cast(Any, blocks))
    await file.update()
    folder.mkdir()
    await file.update()
    assert (folder / "height").read_text() == "0\n"
    blocks.number = 7
    await file.update()
    assert (folder / "height").read_text() == "7\n"
    assert [entry.name for entry in folder.iterdir()] == ["height"]
