"""`sotto freeze` and `sotto exit`: what is left to users when operators are gone. No node is asked."""

from collections.abc import Sequence
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sotto.cli.keepers import connected, l1_connection, rollup_options
from sotto.cli.options import (
    blob_options,
    json_option,
    l1_key_option,
    password_option,
    read_l1_account,
    read_password,
    read_secret,
    wallet_option,
)
from sotto.cli.output import Output
from sotto.cli.views import Assets, amount_data, shown_amount
from sotto.l1.blob_settings import BlobSettings
from sotto.protocol.errors import PhraseInvalid
from sotto.protocol.field import Field, field_to_json
from sotto.protocol.keys import derive, seed_from_phrase, seed_from_signature, seed_typed_data
from sotto.wallet import account_signer, keyfile
from sotto.wallet.account import signing_key_from_words
from sotto.wallet.amounts import ETHER, Asset
from sotto.wallet.context import Progress
from sotto.wallet.errors import PhraseRejected, ViewOnlyWallet, WrongDeployment
from sotto.wallet.inputs import decode_l1_address

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import AsyncWeb3

    from sotto.l1.history import History
    from sotto.wallet.leaving import Left
    from sotto.wallet.recovery import Recovered

_PERCENT: Final = 100

from_block_option = click.option(
    "--from-block",
    type=click.IntRange(0),
    help="An L1 block no later than the rollup's deployment, where L1 has no old states to search for it.",
)


@click.command()
@rollup_options
@from_block_option
@json_option
def freeze(
    output: Output, rpc_url: str, rollup: bytes, account: "LocalAccount", from_block: int | None
) -> None:
    """End a rollup that stands still, for good: then every note leaves by `sotto exit`.

    Anybody may do it once the first item of the queue, or the oldest pending epoch, is as old as the freeze
    time.
    """
    from sotto.l1.freezing import freeze as freeze_rollup

    with output.progress() as progress:
        done = connected(rpc_url, lambda web3: freeze_rollup(web3, rollup, account, progress, from_block))
    transaction = "0x" + done.transaction.hex()
    output.result(
        {"epoch": done.id, "l1_tx": transaction},
        [
            f"the rollup ended with epoch {done.id}, by L1 transaction {transaction}",
            "leave with `sotto exit`",
        ],
    )


@click.command("exit")
@wallet_option
@password_option
@click.option(
    "--phrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the words of the seed, instead of a wallet file.",
)
@click.option("--from-l1", is_flag=True, help="The seed comes from a signature of the L1 key.")
@click.option(
    "--key-file",
    "key_files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the words of a registered signing key; repeat it.",
)
@click.option("--rpc-url", envvar="SOTTO_L1", required=True, help="JSON-RPC endpoint of L1.")
@click.option("--rollup", envvar="SOTTO_ROLLUP", help="Address of the rollup; else that of the wallet file.")
@click.option(
    "--archive", help="Another L1 endpoint for old logs and transactions. It is checked, not trusted."
)
@blob_options
@from_block_option
@l1_key_option
@click.option("--to", "receiver", help="L1 address that is paid; by default that of the L1 key.")
@click.option("--include-dust", is_flag=True, help="Also notes of ETH that are worth less than their gas.")
@click.option("--show", is_flag=True, help="Only show what is there; nothing is sent.")
@click.option("--executor", help="L1 address that submits for you; with --out.")
@click.option(
    "--executor-fee",
    type=click.FloatRange(0, 100),
    default=0.0,
    help="Percent of each note for the executor.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write proven exits to this file, send none.",
)
@click.option(
    "--submit",
    "submitted",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Submit the exits of such a file, for their owners; repeat it. No wallet is needed.",
)
@json_option
def exit(output: Output, **options: Any) -> None:
    """Take all notes of a frozen rollup to L1, with nothing but the seed and an L1 endpoint.

    The state is rebuilt from what L1 holds, and checked. What L1 had in blobs and keeps no longer comes from
    --beacon, --blob-node or --archive-file, and is checked, too. Withdrawals that were proven are claimed,
    deposits that no epoch took are paid back to whoever made them. It may be interrupted and run again: L1
    pays each note once.
    """
    account = read_l1_account(options.pop("l1_key_file"))
    command = _Exit(output, account, **options)
    with output.progress() as progress:
        data, lines = connected(options["rpc_url"], lambda web3: command.run(web3, progress))
    output.result(data, lines)


class _Exit:
    """One run of `sotto exit`."""

    def __init__(
        self,
        output: Output,
        account: "LocalAccount | None",
        *,
        path: Path,
        password_file: Path | None,
        phrase_file: Path | None,
        from_l1: bool,
        key_files: Sequence[Path],
        rpc_url: str,
        rollup: str | None,
        archive: str | None,
        blobs: BlobSettings,
        from_block: int | None,
        receiver: str | None,
        include_dust: bool,
        show: bool,
        executor: str | None,
        executor_fee: float,
        out: Path | None,
        submitted: Sequence[Path],
    ) -> None:
        if (executor is None) != (out is None):
            raise click.UsageError("--executor and --out go together")
        if account is None and not show and out is None:
            raise click.UsageError("give the L1 key that pays gas: --l1-key-file or SOTTO_L1_KEY")
        self._output, self._account = output, account
        self._archive, self._from_block, self._show, self._out = archive, from_block, show, out
        self._blobs = blobs
        self._submitted = submitted
        self._dust = include_dust
        self._executor = 0 if executor is None else decode_l1_address(executor)
        self._fee = Fraction(str(executor_fee)) / _PERCENT
        self._receiver = receiver or (account.address if account else None)
        if self._receiver is None and not show:
            raise click.UsageError("give the L1 address that is paid: --to")
        self._keys = [signing_key_from_words(file.read_text()).seed for file in key_files]
        self._from_l1 = from_l1
        self._seed, named = b"", None
        if not submitted and not from_l1:
            self._seed, named = self._read_seed(path, password_file, phrase_file)
        address = rollup or named
        if address is None:
            raise click.UsageError("give the address of the rollup: --rollup or SOTTO_ROLLUP")
        if rollup is not None and named is not None and rollup.lower() != named:
            raise WrongDeployment(f"the wallet is of rollup {named}")
        self._rollup = decode_l1_address(address).to_bytes(20)

    def _read_seed(
        self, path: Path, password_file: Path | None, phrase_file: Path | None
    ) -> tuple[bytes, str | None]:
        if phrase_file is None and path.is_file():
            content = keyfile.read_content(path, read_password(password_file))
            if isinstance(content, keyfile.Watched):
                raise ViewOnlyWallet("viewing keys cannot sign an exit")
            self._keys += content.signing_keys
            return content.seed, "0x" + content.rollup.hex()
        words = " ".join(read_secret(phrase_file, "Words").lower().split())
        try:
            return seed_from_phrase(words), None
        except PhraseInvalid as error:
            raise PhraseRejected(str(error)) from error

    async def run(self, web3: "AsyncWeb3[Any]", progress: Progress) -> tuple[object, list[str]]:
        """What is printed."""
        from sotto.crypto.backend import install_hash_backend
        from sotto.l1.errors import RollupNotFrozen
        from sotto.l1.freezing import freeze_reason
        from sotto.l1.sources import open_history

        install_hash_backend()
        self._output.show_logs()
        async with (
            l1_connection(self._archive) if self._archive else nullcontext() as source,
            open_history(self._blobs, web3, self._rollup, source, progress, self._from_block) as history,
        ):
            frozen = await history.rollup.is_frozen(history.block)
            if not frozen and not self._show:
                reason = await freeze_reason(history, self._from_block)
                raise RollupNotFrozen(str(reason or "it processes everything, and nothing waits"))
            if self._submitted:
                return await self._submit(web3, history, progress)
            return await self._leave(web3, history, frozen, progress)

    async def _leave(
        self, web3: "AsyncWeb3[Any]", history: "History", frozen: bool, progress: Progress
    ) -> tuple[object, list[str]]:
        from sotto.wallet.leaving import ExitMaker, ExitOptions, Leaver, Left
        from sotto.wallet.recovery import recover

        seed = await self._l1_seed(web3) if self._from_l1 else self._seed
        derived = derive(seed, history.domain)
        senders = [] if self._account is None else [bytes.fromhex(self._account.address[2:])]
        recovered = await recover(history, derived.viewing, senders, self._from_block)
        assets = await _assets(web3, history, {note.asset for note in recovered.notes})
        left = Left()
        if self._show:
            return _shown(recovered, frozen, assets)
        maker = ExitMaker(derived.viewing, [derived.account_seed, *self._keys], recovered.state)
        options = ExitOptions(decode_l1_address(str(self._receiver)), self._executor, self._fee, self._dust)
        leaver = Leaver(web3, history, self._account, progress)
        if self._out is None:
            await leaver.leave(recovered, maker, options, left)
            return _done(history, left, assets)
        from sotto.wallet.exitfile import write_exits

        exits = await leaver.prove(recovered, maker, options, left)
        write_exits(self._out, history.domain, exits)
        return {"file": str(self._out), "exits": len(exits)}, [f"{len(exits)} exits in {self._out}"]

    async def _submit(
        self, web3: "AsyncWeb3[Any]", history: "History", progress: Progress
    ) -> tuple[object, list[str]]:
        from sotto.wallet.exitfile import read_exits
        from sotto.wallet.leaving import Leaver, Left

        exits = [each for file in self._submitted for each in read_exits(file, history.domain)]
        last = (await history.records(self._from_block))[history.proven].record
        left = Left()
        own = b"" if self._account is None else bytes.fromhex(self._account.address[2:])
        if foreign := sum(each.executor not in (own, bytes(20)) for each in exits):
            self._output.note(f"{foreign} of {len(exits)} exits pay their fee to another executor")
        paid = await Leaver(web3, history, self._account, progress).submit(last, exits, left)
        data = {
            "epoch": history.proven,
            "paid": [field_to_json(Field(nullifier)) for nullifier in paid],
            "given": len(exits),
            **_transactions(left),
        }
        return data, [f"{len(paid)} of {len(exits)} notes left, {left.gas:,} gas"]

    async def _l1_seed(self, web3: "AsyncWeb3[Any]") -> bytes:
        if self._account is None:
            raise click.UsageError("--from-l1 needs --l1-key-file or SOTTO_L1_KEY")
        return seed_from_signature(account_signer(self._account)(seed_typed_data(await web3.eth.chain_id)))


async def _assets(web3: "AsyncWeb3[Any]", history: "History", numbers: set[int]) -> dict[int, Asset]:
    """What L1 says of the assets, to show amounts; a token that says nothing is shown in smallest units."""
    from sotto.l1.bridge import BridgeContract
    from sotto.l1.errors import L1Error
    from sotto.l1.token import TokenContract

    bridge = BridgeContract(web3, await history.rollup.bridge())
    found = {ETHER.asset: ETHER}
    for number in numbers - {ETHER.asset}:
        token = TokenContract(web3, (await bridge.asset(number)).token)
        try:
            symbol, decimals = await token.symbol(), await token.decimals()
        except L1Error:
            continue
        found[number] = Asset(number, token.address.lower(), symbol[:16], decimals)
    return found


def _shown(recovered: "Recovered", frozen: bool, assets: Assets) -> tuple[object, list[str]]:
    data = {
        "frozen": frozen,
        "epoch": recovered.record.id,
        "notes": [amount_data(note.value, note.asset, assets) for note in recovered.notes],
        "withdrawals": len(recovered.withdrawals),
        "queued": [event.index for event in recovered.queued],
    }
    state = "frozen in" if frozen else "not frozen; proven up to"
    lines = [f"the rollup is {state} epoch {recovered.record.id}"]
    lines += [f"note  {shown_amount(note.value, note.asset, assets)}" for note in recovered.notes]
    lines += [f"queue item {event.index} waits" for event in recovered.queued]
    return data, lines


def _done(history: "History", left: "Left", assets: Assets) -> tuple[object, list[str]]:
    groups = {
        "exits": left.exits,
        "left_before": left.before,
        "refused": left.refused,
        "dust": left.dust,
    }
    data = {
        "epoch": history.proven,
        **{
            name: [amount_data(note.value, note.asset, assets) for note in notes]
            for name, notes in groups.items()
        },
        "claims": [amount_data(each.withdrawal.value, each.withdrawal.asset, assets) for each in left.claims],
        "pulled_back": [event.index for event in left.pulled],
        **_transactions(left),
    }
    titles = {
        "exits": "left",
        "left_before": "left before",
        "refused": "stays, as its recipient did not take it:",
        "dust": "stays, as it is worth less than its gas (--include-dust):",
    }
    lines = [
        f"{titles[name]}  {shown_amount(note.value, note.asset, assets)}"
        for name, notes in groups.items()
        for note in notes
    ]
    lines += [
        f"claimed  {shown_amount(each.withdrawal.value, each.withdrawal.asset, assets)}"
        for each in left.claims
    ]
    lines += [f"paid back  queue item {event.index}" for event in left.pulled]
    return data, [*lines, f"{len(left.transactions)} L1 transactions, {left.gas:,} gas"]


def _transactions(left: "Left") -> dict[str, object]:
    return {"l1_txs": ["0x" + digest.hex() for digest in left.transactions], "gas": left.gas}
