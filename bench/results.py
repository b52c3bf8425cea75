"""The measurements in bench/results.json, and bench/README.md made of them."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results.json"
README = FOLDER / "README.md"
KEYS = {"value", "unit", "n", "note"}


class UnknownMeasurementError(Exception):
    """A name that the table does not have."""


class ResultsMalformedError(Exception):
    """bench/results.json is not of the form that this module writes."""


@dataclass(frozen=True)
class Row:
    """A measurement that is made, and what it must not exceed, or with `at_least` must reach."""

    name: str
    what: str
    unit: str
    target: float | None = None
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether a value is good enough."""
        return self.target is None or (value >= self.target if self.at_least else value <= self.target)


ROWS = (
    Row("transfer_constraints", "Constraints of the transfer circuit", "constraints", 30_000),
    Row("transfer_prove_s", "Client proof", "s", 0.7),
    Row("transfer_prove_cpu_s", "Client proof, processor time of all cores", "s"),
    Row("exit_constraints", "Constraints of the exit circuit", "constraints", 32_000),
    Row("exit_prove_s", "Exit proof", "s", 0.7),
    Row("transfer_key_mb", "Proving key of the transfer circuit", "MB", 20),
    Row(
        "rollup_constraints_per_lane",
        "Constraints of the rollup circuit, a lane at N = 16",
        "constraints",
        32_700,
    ),
    Row("rollup_prove_s_per_tx_n16", "Rollup proof, a lane at N = 16", "s", 0.5),
    Row("rollup_prove_cpu_s_n16", "Rollup proof of 16 lanes, processor time of all cores", "s"),
    Row(
        "rollup16blob_constraints",
        "Constraints of the rollup circuit with data in a blob, N = 16",
        "constraints",
    ),
    Row("blob_bind_constraints_per_word", "Constraints that a data word in a blob takes more", "constraints"),
    Row("rollup16blob_prove_s", "Rollup proof of 16 lanes with data in a blob", "s"),
    Row("rollup16blob_prove_cpu_s", "The same, processor time of all cores", "s"),
    Row("setup_s_per_million_constraints", "Local keys, a million constraints", "s"),
    Row("proof_verify_ms", "Verify one client proof", "ms"),
    Row("proof_batch_verify_ms_per_proof", "Verify 16 client proofs together, a proof", "ms"),
    Row("gas_per_transfer_n16", "commitAndProve of 16 private transfers, a transfer", "gas", 88_000),
    Row("gas_per_transfer_n16_old_anchor", "The same with an older anchor and two fee assets", "gas", 88_000),
    Row("blob_gas_per_tx_n16", "The same with data in a blob, besides its blob gas", "gas"),
    Row("gas_per_transfer_n4", "The same with 4", "gas"),
    Row("gas_per_transfer_n16_newest_fork", "16 private transfers on the newest hardfork, a transfer", "gas"),
    Row(
        "gas_per_transfer_n16_triple_precompiles",
        "The same if curve precompiles cost three times as much",
        "gas",
    ),
    Row("gas_deposit_eth", "Deposit of ETH", "gas", 80_000),
    Row("gas_deposit_erc20", "Deposit of an ERC-20 token", "gas", 120_000),
    Row("gas_claim", "Claim of a withdrawal, not the first in its four epochs", "gas", 75_000),
    Row("gas_claim_first", "Claim of a withdrawal, the first in its four epochs", "gas", 75_000),
    Row("gas_exit_note", "Exit of one note from a frozen rollup", "gas", 450_000),
    Row("gas_exit_further", "Each further note in the same transaction", "gas", 110_000),
    Row("exit_end_to_end_s", "`sotto exit` from an empty folder, operators gone", "s"),
    Row("gas_force", "Forced transaction", "gas", 900_000),
    Row("split_mode_extra_gas", "Committing and proving 16 private transfers apart, an epoch", "gas"),
    Row("gas_worst_epoch", "Dearest epoch of 16 lanes, if all calldata were non-zero", "gas", 12_000_000),
    Row("calldata_worst_epoch", "Its calldata", "bytes", 120_000),
    Row("wallet_transfer_total_s", "`sotto wallet send`, from command to accepted", "s"),
    Row("demo_cold_s", "make demo without cached keys", "s", 360),
    Row("demo_warm_s", "make demo", "s", 60),
    Row("restart_s_100k_notes", "Restart of a node with 100,000 notes", "s", 10),
    Row("restart_s_1m_notes", "Restart of a node with 1,000,000 notes", "s", 60),
    Row("rebuild_s_10k_tx", "Rebuild 10,000 transactions from L1 alone", "s"),
    Row("node_mb_per_million_notes", "Memory of a node's state, a million notes", "MB", 1_500),
    Row(
        "node_submit_tps",
        "Transactions that a node accepts, real proofs verified",
        "transactions/s",
        100,
        at_least=True,
    ),
    Row("soft_final_p50_ms", "From submission to the event of its block, half of all", "ms"),
    Row("soft_final_p99_ms", "The same, 99 of 100", "ms"),
    Row(
        "differential_operations",
        "Operations on which specification, circuits and contracts agree",
        "operations",
    ),
    Row("scan_notes_per_s", "Ciphertexts that the scanner opens", "notes/s"),
    Row(
        "scan_fraction_of_x25519",
        "Scanner, as a share of the raw X25519 rate on the same threads",
        "share",
        0.85,
        at_least=True,
    ),
    Row("scan_1m_notes_s", "Scanner, 1,000,000 notes", "s"),
    Row("wallet_sync_1m_notes_s", "First sync of a wallet over 1,000,000 notes", "s"),
    Row("wallet_open_1m_notes_s", "Open a wallet that has read them", "s"),
    Row("wallet_mb_1m_notes", "Memory that this adds", "MB"),
    Row("fault_rounds", "Rounds of faults under load (make bench-long)", "rounds", 500, at_least=True),
    Row("fault_failures", "Of these, rounds after which a promise did not hold", "rounds", 0),
)
_ROWS = {row.name: row for row in ROWS}


def machine() -> str:
    """Cores and load average at this moment."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def load() -> dict[str, dict[str, object]]:
    """All measurements by name. Raises ResultsMalformedError, UnknownMeasurementError."""
    if not RESULTS.exists():
        return {}
    data = json.loads(RESULTS.read_text())
    if not isinstance(data, dict):
        raise ResultsMalformedError("not an object")
    for name, entry in data.items():
        check(name, entry)
    return data


def check(name: str, entry: object) -> None:
    """Raise ResultsMalformedError or UnknownMeasurementError unless this is a measurement of the table."""
    if name not in _ROWS:
        raise UnknownMeasurementError(name)
    if not isinstance(entry, dict) or set(entry) != KEYS:
        raise ResultsMalformedError(f"{name} has not exactly {sorted(KEYS)}")
    value, n = entry["value"], entry["n"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(n, int) or n < 1:
        raise ResultsMalformedError(f"{name}: value or n is no number")
    if entry["unit"] != _ROWS[name].unit or not isinstance(entry["note"], str):
        raise ResultsMalformedError(f"{name}: unit or note")


def record(name: str, value: float, n: int, note: str = "", load_before: str | None = None) -> None:
    """Merge a measurement into the file, and write the README again.

    `n` is the number of runs behind the value; `load_before` is `machine()` before a run that makes load.
    """
    entry: dict[str, object] = {
        "value": value if isinstance(value, int) else float(f"{value:.4g}"),
        "unit": _ROWS[name].unit if name in _ROWS else "",
        "n": n,
        "note": "; ".join(part for part in (note, load_before or machine()) if part),
    }
    check(name, entry)
    measured = load() | {name: entry}
    RESULTS.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")
    README.write_text(render(measured))
    sys.stdout.write(f"{name:<42}{_number(entry['value']):>14} {entry['unit']}  ({entry['note']})\n")


def render(measured: dict[str, dict[str, object]]) -> str:
    """The README of these measurements."""
    lines = [
        "# Benchmarks",
        "",
        "Made by `tools/generate/bench-readme` from `results.json`; `make bench` measures and writes both.",
        "Times depend on the machine and what else ran on it: the note says how many cores it had, and the",
        "load average when the measurement began. Gas and constraints do not. No test depends on a time.",
        "",
        "| measurement | value | unit | target | met | runs | note |",
        "|---|---:|---|---:|---|---:|---|",
    ]
    for row in ROWS:
        entry = measured.get(row.name)
        target = "" if row.target is None else f"{'>=' if row.at_least else '<='} {_number(row.target)}"
        if entry is None:
            lines.append(f"| {row.what} (`{row.name}`) | not measured | {row.unit} | {target} | | | |")
            continue
        value = entry["value"]
        assert isinstance(value, int | float)
        met = "" if row.target is None else "yes" if row.met(value) else "**no**"
        cells = [
            f"{row.what} (`{row.name}`)",
            _number(value),
            row.unit,
            target,
            met,
            str(entry["n"]),
            str(entry["note"]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _number(value: object) -> str:
    return f"{value:,}"
