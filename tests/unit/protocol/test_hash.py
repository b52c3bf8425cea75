"""The permutation against the paper, encodings, tags."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotto.protocol import field
from sotto.protocol import hash as hashing
from sotto.protocol.errors import IntegerOutOfRange, JsonMalformed, NonCanonicalField, WordLengthWrong
from sotto.protocol.field import MODULUS, ByteWord, Field
from sotto.protocol.hash import ZERO_SUBTREES, H, Tag, hash_batch, node, node_batch
from sotto.protocol.poseidon2 import permute
from sotto.protocol.poseidon2_constants import FIRST_ROUNDS, INTERNAL_DIAGONAL, LAST_ROUNDS, PARTIAL_ROUNDS

ELEMENTS = st.integers(0, MODULUS - 1)


def grain() -> Iterator[int]:
    """Round constants of eprint 2019/458, appendix E: prime field, x^alpha, 254 bits, t = 4."""

    def bits(value: int, width: int) -> list[int]:
        return [value >> i & 1 for i in reversed(range(width))]

    state = bits(1, 2) + bits(0, 4) + bits(254, 12) + bits(4, 12) + bits(8, 10) + bits(56, 10) + [1] * 30

    def step() -> int:
        new = state[62] ^ state[51] ^ state[38] ^ state[23] ^ state[13] ^ state[0]
        state.pop(0)
        state.append(new)
        return new

    for _ in range(160):
        step()
    while True:
        value = 0
        for _ in range(254):
            while not step():
                step()
            value = value << 1 | step()
        if value < MODULUS:
            yield value


def test_round_constants_come_from_grain() -> None:
    source = grain()
    for row in FIRST_ROUNDS:
        assert row == tuple(next(source) for _ in range(4))
    assert tuple(next(source) for _ in range(56)) == PARTIAL_ROUNDS
    for row in LAST_ROUNDS:
        assert row == tuple(next(source) for _ in range(4))


def by_matrices(state: list[int]) -> list[int]:
    external = [[5, 7, 1, 3], [4, 6, 1, 1], [1, 3, 5, 7], [1, 1, 4, 6]]
    internal = [[1 + (INTERNAL_DIAGONAL[i] if i == j else 0) for j in range(4)] for i in range(4)]

    def product(matrix: list[list[int]]) -> list[int]:
        return [sum(m * x for m, x in zip(row, state, strict=True)) % MODULUS for row in matrix]

    state = product(external)
    for round_ in (*FIRST_ROUNDS, *((k,) for k in PARTIAL_ROUNDS), *LAST_ROUNDS):
        for i, k in enumerate(round_):
            state[i] = pow(state[i] + k, 5, MODULUS)
        state = product(external if len(round_) == 4 else internal)
    return state


@given(st.tuples(ELEMENTS, ELEMENTS, ELEMENTS, ELEMENTS))
def test_permutation_is_the_papers(state: tuple[int, int, int, int]) -> None:
    assert list(permute(state)) == by_matrices(list(state))


def test_permutation_of_the_reference_implementation() -> None:
    assert permute((0, 1, 2, 3))[0] == 0x01BD538C2EE014ED5141B29E9AE240BF8DB3FE5B9A38629A9647CF8D76C01737


@given(st.sampled_from(Tag), st.lists(ELEMENTS, min_size=1, max_size=8))
def test_sponge_is_the_specifications(tag: Tag, xs: list[int]) -> None:
    padded = xs + [0] * (-len(xs) % 3)
    state = (0, 0, 0, tag * 2**64 + len(xs))
    for i in range(0, len(padded), 3):
        a, b, c = padded[i : i + 3]
        state = permute(
            ((state[0] + a) % MODULUS, (state[1] + b) % MODULUS, (state[2] + c) % MODULUS, state[3])
        )
    assert H(tag, *xs) == state[0]


def test_lengths_and_tags_separate() -> None:
    values = [H(tag, *xs) for tag in Tag for xs in ((5,), (5, 0), (5, 0, 0), (5, 0, 0, 0))]
    assert len({*values, node(5, 0, 0, 0)}) == len(values) + 1


def test_hash_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no elements"):
        H(Tag.NOTE)


def test_batches_agree_with_single_calls() -> None:
    inputs = [[1], [2, 3, 4, 5], [6, 7]]
    assert hash_batch(Tag.RHO, inputs) == [H(Tag.RHO, *xs) for xs in inputs]
    assert node_batch([(1, 2, 3, 4), (0, 0, 0, 0)]) == [node(1, 2, 3, 4), ZERO_SUBTREES[1]]
    assert hash_batch(Tag.RHO, []) == node_batch([]) == []


def test_backend_is_used_and_removed() -> None:
    class Fixed(hashing.ReferenceHasher):
        def compress_batch(self, nodes: object) -> list[int]:
            return [9]

    hashing.set_backend(Fixed())
    try:
        assert node(1, 2, 3, 4) == 9
    finally:
        hashing.set_backend(None)
    assert node(0, 0, 0, 0) == ZERO_SUBTREES[1]


@given(ELEMENTS)
def test_field_round_trips(value: int) -> None:
    x = Field(value)
    assert field.decode_field(field.encode_field(x)) == x
    assert field.field_from_json(field.field_to_json(x)) == x


@given(st.integers(0, 2**248 - 1))
def test_byte_word_round_trips(value: int) -> None:
    word = ByteWord(value)
    assert field.decode_byte_word(field.encode_byte_word(word)) == word
    assert field.byte_word_from_json(field.byte_word_to_json(word)) == word


@given(st.integers(0, 2**120 - 1))
def test_integer_round_trips(value: int) -> None:
    text = field.integer_to_json(value)
    assert field.integer_from_json(text, 120) == value
    assert isinstance(text, int) == (value <= 2**53)


def test_field_words_are_canonical() -> None:
    for value in (MODULUS, MODULUS + 1, 2**256 - 1):
        with pytest.raises(NonCanonicalField):
            field.decode_field(value.to_bytes(32))
    for value in (-1, MODULUS):
        with pytest.raises(NonCanonicalField):
            field.to_field(value)
    for length in (0, 31, 33):
        with pytest.raises(WordLengthWrong):
            field.decode_field(bytes(length))
    with pytest.raises(WordLengthWrong):
        field.decode_byte_word(bytes(32))
    with pytest.raises(IntegerOutOfRange):
        field.to_byte_word(2**248)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "00" * 32,
        "0x" + "0" * 63,
        "0x" + "0" * 65,
        "0X" + "0" * 64,
        "0x" + "A" * 64,
        "0x" + "0" * 63 + "\n",
        "0x" + "0" * 62 + "٣٣",
        "0x-" + "0" * 63,
        5,
        None,
        ["0x"],
    ],
)
def test_field_json_has_one_form(text: object) -> None:
    with pytest.raises(JsonMalformed):
        field.field_from_json(text)


@pytest.mark.parametrize(
    "value", ["5", "01", "-1", "", "9007199254740992", 2**53 + 1, 1.0, True, None, "1e30", "9" * 500, " 1"]
)
def test_integer_json_has_one_form(value: object) -> None:
    with pytest.raises(JsonMalformed):
        field.integer_from_json(value, 256)


def test_integer_json_is_bounded() -> None:
    for value in (-1, 256, str(2**60)):
        with pytest.raises(IntegerOutOfRange):
            field.integer_from_json(value, 8)
