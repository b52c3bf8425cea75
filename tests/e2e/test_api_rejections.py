"""What a real node refuses at its API, by the name of the error, and what a refusal must not spoil."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from py_ecc.bn128 import G1
from tests.e2e.conftest import RECIPIENT
from tests.support import points
from tests.support.chain import anvil, deploy
from tests.support.node import NodeProcess, wait_until
from tests.support.raw_l1 import RawL1, client_proof
from tests.support.scenario import TOKEN, Scenario, Signed

from sotto.protocol.field import MODULUS
from sotto.protocol.transaction import ProvenTransaction, transaction_to_json

pytestmark = pytest.mark.slow

FEE = 1_000
FAR = 10**9
Body = dict[str, Any]


class ApiStage:
    """A node with fees in ETH and an epoch of deposits, and a proven transaction that waits to be sent."""

    def __init__(self, l1: RawL1, node: NodeProcess) -> None:
        self.l1, self.node, self.world = l1, node, l1.scenario
        alice, bob, _ = self.world.users
        senders = l1.chain.web3.eth.accounts[2:6]
        queued = [
            self.world.deposit(alice, 10**18),
            self.world.deposit(alice, 10**18),
            self.world.deposit(bob, 10**7, TOKEN),
            self.world.deposit(bob, 10**18),
        ]
        for item, sender in zip(queued, senders, strict=True):
            l1.queue(item, sender)
        # All deposits are there before the node, so that they share an epoch.
        epoch = node.start().proven(1)
        assert self.world.close(queued, epoch["lanes"], oldest=0).result.state.hash() == int(
            epoch["state"], 16
        )
        self.signed = self.pay()
        self.proof = client_proof(self.signed)
        self.body = to_json(self.signed, self.proof)

    def pay(self, note: int = 0, **options: Any) -> Signed:
        """A payment of Alice from one of her notes; building it again does not need another note."""
        alice, bob, _ = self.world.users
        taken = self.world.take(alice.notes[note])
        return self.world.pay(alice, [taken], bob, 10**15, **{"fee": FEE, "expiry": FAR, **options})

    def refusal(self, *bodies: Any) -> str:
        """Name of the error for a bundle."""
        answer = self.node.post(list(bodies))
        assert 400 <= answer.status_code < 500, answer.text
        error = answer.json()["error"]
        assert error["message"]
        assert set(error) == {"code", "message", "hint"}
        return str(error["code"])


def to_json(signed: Signed, proof: bytes) -> Body:
    """The API's JSON."""
    return transaction_to_json(ProvenTransaction(signed.transaction, proof))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiStage]:
    """One chain and one node for the module."""
    with anvil() as chain:
        folder = tmp_path_factory.mktemp("api")
        deployment = deploy(chain, folder, tokens=1)
        fees = f'{{"1": {FEE}}}'
        node = NodeProcess(
            folder,
            chain.url,
            deployment,
            fees=fees,
        )
        try:
            yield ApiStage(RawL1(chain, deployment), node)
        finally:
            node.close()


def raised(text: str, by: int) -> str:
    """A hex word raised by a number, of the same length."""
    return f"0x{int(text, 16) + by:0{len(text) - 2}x}"


def in_list(key: str, place: int, by: int) -> Callable[[Body], Body]:
    """Raise one word of a list."""
    return lambda body: {
        **body,
        key: [raised(word, by * (i == place)) for i, word in enumerate(body[key])],
    }


def swap_ciphertexts(body: Body) -> Body:
    """Exchange the first two ciphertexts."""
    ext = body["ext"]
    return {**body, "ext": [*ext[:3], *ext[6:9], *ext[3:6], *ext[9:]]}


DAMAGES: dict[str, tuple[Callable[[Body], Body], str]] = {
    "nullifier + p": (in_list("nullifiers", 0, MODULUS), "NonCanonicalField"),
    "commitment + p": (in_list("commitments", 1, MODULUS), "NonCanonicalField"),
    "anchor = p": (lambda b: {**b, "anchor": f"0x{MODULUS:064x}"}, "NonCanonicalField"),
    "nullifier": (in_list("nullifiers", 1, 1), "ProofInvalid"),
    "commitment": (in_list("commitments", 0, 1), "ProofInvalid"),
    "named commitment": (in_list("named", 0, 5), "NamedCommitmentUnknown"),
    "anchor": (lambda b: {**b, "anchor": raised(b["anchor"], 1)}, "AnchorUnknown"),
    "domain": (lambda b: {**b, "domain": raised(b["domain"], 1)}, "WrongDomain"),
    "kind forced": (lambda b: {**b, "kind": 3, "fee": 0, "fee_asset": 0}, "ForcedNotHere"),
    "kind account": (lambda b: {**b, "kind": 5}, "OperationPreimageMissing"),
    "unknown kind": (lambda b: {**b, "kind": 6}, "KindInvalid"),
    "operation": (lambda b: {**b, "operation": raised(b["operation"], 1)}, "OperationMismatch"),
    "fee too low": (lambda b: {**b, "fee": FEE - 1}, "FeeTooLow"),
    "no fee": (lambda b: {**b, "fee": 0, "fee_asset": 0}, "FeeTooLow"),
    "higher fee": (lambda b: {**b, "fee": FEE + 1}, "ProofInvalid"),
    "fee asset not in the table": (lambda b: {**b, "fee_asset": TOKEN}, "FeeAssetUnknown"),
    "fee asset unknown": (lambda b: {**b, "fee_asset": 99}, "FeeAssetUnknown"),
    "expired": (lambda b: {**b, "expiry": 1}, "ExpiryTooClose"),
    "later expiry": (lambda b: {**b, "expiry": FAR + 1}, "ProofInvalid"),
    "withdrawal": (
        lambda b: {**b, "public_value": 1, "public_asset": 1, "recipient": RECIPIENT},
        "ProofInvalid",
    ),
    "withdrawal of an unknown asset": (
        lambda b: {**b, "public_value": 1, "public_asset": 99, "recipient": RECIPIENT},
        "AssetUnlisted",
    ),
    "withdrawal to nobody": (
        lambda b: {**b, "public_value": 1, "public_asset": 1},
        "PublicWordsInconsistent",
    ),
    "swapped ciphertexts": (swap_ciphertexts, "ProofInvalid"),
    "ciphertext": (in_list("ext", 4, 1), "ProofInvalid"),
    "truncated proof": (lambda b: {**b, "proof": b["proof"][:-2]}, "JsonMalformed"),
    "overlong proof": (lambda b: {**b, "proof": b["proof"] + "00"}, "JsonMalformed"),
    "zero proof": (lambda b: {**b, "proof": "0x" + "00" * 256}, "ProofInvalid"),
    "an unknown key": (lambda b: {**b, "more": 1}, "JsonMalformed"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_transactions_are_refused_by_name(api: ApiStage, damage: str) -> None:
    change, expected = DAMAGES[damage]
    assert api.refusal(change(api.body)) == expected


def with_proof(body: Body, proof: bytes) -> Body:
    """The body with another proof."""
    return {**body, "proof": "0x" + proof.hex()}


def test_bad_points_are_refused(api: ApiStage) -> None:
    a, b, c = points.split(api.proof)
    bad = {
        "off the curve": api.proof[:31] + bytes([api.proof[31] ^ 1]) + api.proof[32:],
        "outside the subgroup": points.join(a, points.outside_subgroup(), c),
        "A negated": points.join(points.negated(a), b, c),
        "C moved": points.shift_c(api.proof, G1),
        "C = (0, 0)": api.proof[:192] + bytes(64),
    }
    for damage, proof in bad.items():
        assert api.refusal(with_proof(api.body, proof)) == "ProofInvalid", damage


def test_transaction_of_another_domain_is_refused(api: ApiStage) -> None:
    other = Scenario(domain=api.world.domain ^ 1)
    queued = other.deposit(other.users[0], 10**18)
    other.close([queued, None, None, None], 4)
    signed = other.pay(other.users[0], [other.take(other.users[0].notes[0])], other.users[1], 1, fee=FEE)
    assert api.refusal(to_json(signed, client_proof(signed))) == "WrongDomain"


def test_bad_proof_first_then_the_true_one_then_another(api: ApiStage) -> None:
    body, node = api.body, api.node
    errors = points.shift_c(api.proof, G1)
    for _ in range(2):
        assert api.refusal(with_proof(body, errors)) == "ProofInvalid"
    # A bad proof does not poison the h of an honest transaction.
    accepted = node.post([body])
    assert accepted.status_code == 200, accepted.text
    h = accepted.json()["ids"][0]
    assert int(h, 16) == api.signed.transaction.h

    # The same statement proven anew is the same transaction, not a second one.
    again = node.post([with_proof(body, points.rerandomise(api.proof, 9))])
    assert again.json()["ids"] == [h]
    epoch = node.proven(2)
    assert node.post([with_proof(body, points.rerandomise(api.proof, 10))]).json()["ids"] == [h]
    lanes = [e for e in node.get("/v1/notes", start=0, count=256)["entries"] if e["id"] == h]
    assert len(lanes) == 1
    closed = api.world.close([api.signed], epoch["lanes"], oldest=0)
    assert closed.result.state.hash() == int(epoch["state"], 16)

    # Its note is spent: another transaction with it is refused, proof or not.
    double = api.pay(expiry=FAR + 1, epoch=1)
    assert api.refusal(to_json(double, api.proof)) == "NullifierKnown"
    wait_until(lambda: node.get("/v1/status")["pending"] == 0)


def test_malformed_requests_are_refused(api: ApiStage) -> None:
    assert api.refusal() == "RequestMalformed"
    assert api.refusal("text") in ("JsonMalformed", "RequestMalformed")
    assert api.refusal({}) == "JsonMalformed"
    assert api.refusal(api.body, api.body) in ("BundleInvalid", "NullifierKnown")
