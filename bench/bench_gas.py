"""Gas and calldata on L1 with real proofs, on anvil with the rules of prague."""

import _paths  # noqa: F401 - it is imported for its effect
from tests.differential.rig import FUNDS, Rig, Settled, open_rig
from tests.differential.settling import in_blob, prove_clients, prove_rollup, settle_entries, settle_proven
from tests.gas.measure import ETH_ONLY, SEED, GasReport, fill, measure, transfers, withdrawals

from bench.replay import NEWEST_FORK, chain_of, curve_work, replay
from bench.results import record
from sotto import crypto
from sotto.l1.records import record_to_abi
from sotto.protocol.notes import ETH
from sotto.protocol.transaction import Kind

LANES = 16
CALLDATA_GAS = {"zero": 4, "other": 16}
RECIPIENT = "0x" + "ff" * 20
SILENT_POLICY = "0x" + "99" * 20
"""An address without code, which allows everybody: without a policy commits need their proof."""


def main() -> None:
    """Measure everything; about four minutes on an idle machine of 2 cores."""
    crypto.install_hash_backend()
    with open_rig(SEED) as rig:
        report = measure(rig)
        record_common(report)
        record_other_prices(rig, report)
        record_blob(rig)
        record_worst(rig)
    record_split()


def record_common(report: GasReport) -> None:
    """Transfers, deposits and claims."""
    gas = report.gas
    note = "prague; real proofs, everything included; all transactions with the last anchor and fees in ETH"
    record("gas_per_transfer_n16", -(-gas["commit_and_prove_n16"] // LANES), 1, note)
    record("gas_per_transfer_n4", -(-gas["commit_and_prove_n4"] // 4), 1, note)
    record("gas_deposit_eth", gas["deposit_eth"], 1, "prague")
    record("gas_deposit_erc20", gas["deposit_erc20"], 1, "prague; without the approval")
    note = "prague; of a token, to an account that exists; of ETH " + f"{gas['claim_eth']:,}"
    record("gas_claim", max(gas["claim_eth"], gas["claim_erc20"]), 1, note)
    note = "prague; of ETH, to an account that exists; it sets the first bit of a storage word"
    record("gas_claim_first", gas["claim_eth_first_of_its_word"], 1, note)


def record_other_prices(rig: Rig, report: GasReport) -> None:
    """The same 16 transfers under other rules."""
    settled = report.transfers16
    assert settled is not None
    block = settled.record.commit_block
    with chain_of(NEWEST_FORK, *FUNDS) as newest:
        used = replay(rig.chain, newest, block)[block]
    note = f"{NEWEST_FORK}, the newest that anvil runs; {settled.gas:,} gas on prague, {used:,} here"
    record("gas_per_transfer_n16_newest_fork", -(-used // LANES), 1, note)
    (transaction,) = rig.web3.eth.get_block(block)["transactions"]
    work = curve_work(rig.chain, bytes(transaction))  # type: ignore[arg-type]
    tripled = settled.gas + 2 * work.gas
    counts = f"{work.additions} additions, {work.multiplications} multiplications, {work.pairs} pairs"
    note = f"computed, not run: {counts} in the call trace took {work.gas:,} gas"
    record("gas_per_transfer_n16_triple_precompiles", -(-tripled // LANES), 1, note)


def record_blob(rig: Rig) -> None:
    """16 transfers with their data words in a blob."""
    fill(rig, ETH, LANES, LANES)
    closed = rig.scenario.close(transfers(rig, LANES), LANES, rig.scenario.state.epoch_id, ETH_ONLY)
    settled = settle_proven(rig, in_blob(closed))[0]
    blob_gas = sum(
        rig.web3.eth.get_transaction_receipt(sent).get("blobGasUsed", 0)
        for sent in rig.web3.eth.get_block(settled.record.commit_block)["transactions"]
    )
    note = f"prague; real proofs; besides {blob_gas // LANES:,} blob gas a transfer"
    record("blob_gas_per_tx_n16", -(-settled.gas // LANES), 1, note)


def record_worst(rig: Rig) -> None:
    """With an old anchor and two fee assets: transfers, and withdrawals, all direct or half forced."""
    fill(rig, ETH, LANES, LANES)
    fill(rig, ETH, LANES, LANES)
    old = settle_entries(rig, transfers(rig, LANES), LANES)[1]
    record("gas_per_transfer_n16_old_anchor", -(-old.gas // LANES), 1, "prague; real proofs")
    direct = settle_entries(rig, withdrawals(rig, ETH, LANES, RECIPIENT), LANES)[1]
    share = LANES // 2
    forced = withdrawals(rig, ETH, share, RECIPIENT, Kind.FORCED)
    mixed = settle_entries(rig, [*forced, *withdrawals(rig, ETH, share, RECIPIENT)], LANES)[1]
    note = "prague; the dearest of 8 withdrawals; real proofs, refund of what was above the fee"
    record("gas_force", max(rig.forced_gas), 1, note)
    bound, worst, name = max(
        (_bound(epoch), len(epoch.calldata), name)
        for epoch, name in ((direct, "16 direct withdrawals"), (mixed, "8 direct and 8 forced withdrawals"))
    )
    note = f"prague; {name}; measured {direct.gas:,} with all direct, {mixed.gas:,} with 8 forced"
    record("gas_worst_epoch", bound, 1, note)
    record("calldata_worst_epoch", max(worst, len(mixed.calldata), len(direct.calldata)), 1)


def record_split() -> None:
    """One epoch on one state of L1, by two transactions and by one."""
    with open_rig(SEED, proposer_policy=SILENT_POLICY) as rig:
        fill(rig, ETH, LANES, LANES)
        closed = rig.scenario.close(transfers(rig, LANES), LANES, rig.scenario.state.epoch_id, ETH_ONLY)
        result, header = closed.result, closed.result.words.header
        clients = b"".join(client.proof for client in prove_clients(closed))
        proof = prove_rollup(rig, closed).proof
        before = rig.chain.request("evm_snapshot", [])
        functions = rig.rollup.functions
        commit = functions.commit(rig.commit_input(result.words, clients).to_abi())
        committed = rig.transact(commit, rig.proposer)
        record_ = rig.expected_record(result.words, result.c, result.z, result.y, committed["blockNumber"])
        fees = (list(header.fee_assets), list(header.fee_totals), 0)
        prove = functions.prove(record_to_abi(record_), fees, rig.proposer, proof)
        apart = (int(committed["gasUsed"]), int(rig.transact(prove, rig.proposer)["gasUsed"]))
        rig.chain.request("evm_revert", [before])
        together = rig.settle(closed, clients, proof).gas
    note = f"prague; real proofs; commit {apart[0]:,} and prove {apart[1]:,}, commitAndProve {together:,}"
    record("split_mode_extra_gas", sum(apart) - together, 1, note)


def _bound(epoch: Settled) -> int:
    """Its gas if every zero byte of its calldata cost as much as another."""
    zeros = epoch.calldata.count(0)
    return epoch.gas + zeros * (CALLDATA_GAS["other"] - CALLDATA_GAS["zero"])


if __name__ == "__main__":
    main()
