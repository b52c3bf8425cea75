"""Keys, addresses and ciphertexts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sotto.protocol import address, bech32m, ciphertext, keys
from sotto.protocol.address import Address, decode_address, encode_address
from sotto.protocol.errors import (
    AddressInvalid,
    AddressOfOtherDomain,
    CiphertextNotForKey,
    IntegerOutOfRange,
    PhraseInvalid,
    ProtocolError,
    SeedLengthWrong,
    SharedSecretIsZero,
    SignatureNotCanonical,
    ViewingKeyInvalid,
    WordLengthWrong,
)
from sotto.protocol.field import MODULUS, Field, encode_field
from sotto.protocol.viewing import (
    IncomingViewingKey,
    OutgoingViewingKey,
    ViewingKey,
    decode_viewing_key,
    encode_viewing_key,
    incoming_of,
    outgoing_of,
)

DOMAIN = 0xABCDEF << 224
OTHER = 0xABCDEE << 224
WALLET = keys.derive(bytes(64), DOMAIN)
VIEWING = WALLET.viewing
ADDRESS = Address(VIEWING.owner, VIEWING.incoming_public)
TEXT = encode_address(ADDRESS, DOMAIN)
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def test_bip39_seed_is_the_published_one() -> None:
    phrase = "abandon " * 11 + "about"
    seed = keys.seed_from_phrase(phrase, "TREZOR")
    assert seed.hex().startswith("c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e5349553")
    assert keys.new_phrase(bytes(16)) == phrase


@pytest.mark.parametrize("phrase", ["", "abandon " * 11 + "abandon", "abandon about", "zzz " * 12])
def test_wrong_phrases_are_refused(phrase: str) -> None:
    with pytest.raises(PhraseInvalid):
        keys.seed_from_phrase(phrase)


def test_domain_separates_all_but_the_account_key() -> None:
    other = keys.derive(bytes(64), OTHER)
    assert other.account_seed == WALLET.account_seed
    assert other.viewing.first_key == VIEWING.first_key
    for name in ("nullifier_key", "incoming", "outgoing", "account_id", "owner"):
        assert getattr(other.viewing, name) != getattr(VIEWING, name)
    assert keys.transfer_esk(VIEWING.outgoing, Field(1), 0) != keys.transfer_esk(
        VIEWING.outgoing, Field(1), 1
    )
    assert keys.deposit_esk(VIEWING.outgoing, 0) != keys.deposit_esk(VIEWING.outgoing, 1)


def test_secrets_are_not_printed() -> None:
    assert WALLET.account_seed.hex() not in repr(WALLET)
    assert repr(WALLET.account_seed) not in repr(WALLET)
    assert str(VIEWING.nullifier_key) not in repr(WALLET)


def test_seed_lengths() -> None:
    for length in (0, 31, 33, 65):
        with pytest.raises(SeedLengthWrong):
            keys.derive(bytes(length), DOMAIN)
    with pytest.raises(SeedLengthWrong):
        keys.new_phrase(bytes(15))


def test_signature_must_be_canonical() -> None:
    good = bytes([1] * 64) + b"\x1b"
    assert len(keys.seed_from_signature(good)) == 32
    high_s = bytes([1] * 32) + b"\xf0" * 32 + b"\x1b"
    for bad in (good[:-1], good + b"\0", good[:-1] + b"\0", bytes(64) + b"\x1b", high_s):
        with pytest.raises(SignatureNotCanonical):
            keys.seed_from_signature(bad)


def test_typed_data_names_chain_and_purpose() -> None:
    data = keys.seed_typed_data(5)
    assert data["domain"] == {"name": "Sotto", "version": "1", "chainId": 5}
    assert data["primaryType"] == "SottoSeed"


@given(st.integers(0, MODULUS - 1), st.binary(min_size=32, max_size=32))
def test_address_round_trips(owner: int, key: bytes) -> None:
    value = Address(Field(owner), key)
    text = encode_address(value, DOMAIN)
    assert decode_address(text, DOMAIN) == value == decode_address(text.upper(), DOMAIN)
    with pytest.raises(AddressOfOtherDomain):
        decode_address(text, OTHER)


@given(st.data())
def test_up_to_four_wrong_characters_are_found(data: st.DataObject) -> None:
    start = len(address.PREFIX) + 1
    places = data.draw(st.sets(st.integers(start, len(TEXT) - 1), min_size=1, max_size=4))
    text = list(TEXT)
    for place in places:
        text[place] = data.draw(st.sampled_from([c for c in ALPHABET if c != TEXT[place]]))
    with pytest.raises(AddressInvalid):
        decode_address("".join(text), DOMAIN)


@given(st.text(max_size=140))
def test_any_text_is_refused_by_name(text: str) -> None:
    with pytest.raises(AddressInvalid):
        decode_address(text, DOMAIN)


def test_address_forms() -> None:
    mixed = TEXT[:10].upper() + TEXT[10:]
    for text in (
        mixed,
        TEXT[:-1],
        TEXT + "q",
        TEXT.replace("sotto", "sotta"),
        TEXT.replace("1", "", 1),
        " " + TEXT,
    ):
        with pytest.raises(AddressInvalid):
            decode_address(text, DOMAIN)
    with pytest.raises(AddressInvalid):
        encode_address(replace(ADDRESS, key=bytes(31)), DOMAIN)


def test_address_owner_must_be_canonical() -> None:
    text = encode_address(Address(Field(MODULUS), bytes(32)), DOMAIN)
    with pytest.raises(AddressInvalid, match="field"):
        decode_address(text, DOMAIN)


VIEWING_KEYS = {"incoming": incoming_of(VIEWING), "outgoing": outgoing_of(VIEWING), "full": VIEWING}
each_viewing_key = pytest.mark.parametrize("key", VIEWING_KEYS.values(), ids=VIEWING_KEYS)


@each_viewing_key
def test_viewing_key_round_trips_and_hides_what_it_does_not_hold(key: ViewingKey) -> None:
    text = encode_viewing_key(key)
    assert decode_viewing_key(text) == decode_viewing_key(text.upper()) == key
    payload = bech32m.decode(text[:8], (len(text) - 15) * 5 // 8, text)
    secrets = {
        "account": (WALLET.account_seed, False),
        "nullifier": (encode_field(VIEWING.nullifier_key), key is VIEWING),
        "incoming": (VIEWING.incoming, not isinstance(key, OutgoingViewingKey)),
        "outgoing": (VIEWING.outgoing, not isinstance(key, IncomingViewingKey)),
    }
    for secret, held in secrets.values():
        assert (secret in payload) == held
        assert repr(secret) not in repr(key)


def test_viewing_keys_name_one_address() -> None:
    assert incoming_of(VIEWING).address == outgoing_of(VIEWING).address == ADDRESS


@each_viewing_key
@given(data=st.data())
def test_damaged_viewing_key_is_refused(key: ViewingKey, data: st.DataObject) -> None:
    text = encode_viewing_key(key)
    places = data.draw(st.sets(st.integers(9, len(text) - 1), min_size=1, max_size=4))
    changed = "".join(
        data.draw(st.sampled_from([c for c in ALPHABET if c != old])) if i in places else old
        for i, old in enumerate(text)
    )
    with pytest.raises(ViewingKeyInvalid):
        decode_viewing_key(changed)


def _fvk(*words: bytes, version: int = 1) -> str:
    return bech32m.encode("sottofvk", bytes([version]) + bytes(31) + b"".join(words))


KEY_WORDS = encode_field(VIEWING.first_key.x), encode_field(VIEWING.first_key.y)
ONE = encode_field(Field(1))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "begins with"),
        (TEXT, "begins with"),
        (encode_viewing_key(VIEWING)[:-1], "characters"),
        (encode_viewing_key(VIEWING).replace("sottofvk", "sottoivk"), "characters"),
        (_fvk(*KEY_WORDS, ONE, ONE, ONE, version=2), "version 2"),
        (_fvk(*KEY_WORDS, bytes(32), ONE, ONE), "SecretIsZero"),
        (_fvk(*KEY_WORDS, MODULUS.to_bytes(32), ONE, ONE), "NonCanonicalField"),
        (_fvk(bytes(32), ONE, ONE, ONE, ONE), "PointIsIdentity"),
        (_fvk(ONE, ONE, ONE, ONE, ONE), "PointNotOnCurve"),
        (bech32m.encode("sottoivk", bytes([1]) + bytes(31) + b"\xff" * 64), "NonCanonicalField"),
    ],
)
def test_viewing_keys_that_are_none(text: str, cause: str) -> None:
    with pytest.raises(ViewingKeyInvalid, match=cause):
        decode_viewing_key(text)


@given(st.text(max_size=400) | st.text("sotivkf1qp", max_size=200))
def test_any_text_is_no_viewing_key(text: str) -> None:
    with pytest.raises(ViewingKeyInvalid):
        decode_viewing_key(text)


SECRET = VIEWING.incoming
ESK = keys.transfer_esk(VIEWING.outgoing, Field(7), 0)
CIPHERTEXT, R = ciphertext.encrypt(ESK, VIEWING.incoming_public, 10**18, 1, b"12345678901234567890")


@settings(max_examples=30)
@given(st.integers(0, 2**120 - 1), st.integers(0, 2**64 - 1), st.binary(min_size=20, max_size=20))
def test_ciphertext_round_trips(value: int, asset: int, reference: bytes) -> None:
    text, r = ciphertext.encrypt(ESK, VIEWING.incoming_public, value, asset, reference)
    opened = ciphertext.decrypt(SECRET, text)
    assert (opened.value, opened.asset, opened.reference, opened.r) == (value, asset, reference, r)
    assert ciphertext.decrypt_as_sender(ESK, VIEWING.incoming_public, text) == opened
    assert ciphertext.note_randomness(ESK, VIEWING.incoming_public) == r
    assert len(text) == 93


@settings(max_examples=50)
@given(st.integers(0, 93 * 8 - 1))
def test_a_changed_bit_is_refused(bit: int) -> None:
    changed = bytearray(CIPHERTEXT)
    changed[bit // 8] ^= 1 << bit % 8
    # The top bit of an X25519 key is ignored by RFC 7748, but HKDF's salt covers it.
    with pytest.raises((CiphertextNotForKey, SharedSecretIsZero)):
        ciphertext.decrypt(SECRET, bytes(changed))


@settings(max_examples=50)
@given(st.binary(max_size=120))
def test_hostile_bytes_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        ciphertext.decrypt(SECRET, data)
    with pytest.raises(ProtocolError):
        ciphertext.decrypt(SECRET, data.ljust(93, b"\0")[:93])


def test_small_order_keys_are_refused_by_both_sides() -> None:
    for small in (bytes(32), (1).to_bytes(32, "little")):
        with pytest.raises(SharedSecretIsZero):
            ciphertext.encrypt(ESK, small, 1, 1)
        with pytest.raises(SharedSecretIsZero):
            ciphertext.decrypt(SECRET, small + CIPHERTEXT[32:])


def test_other_keys_and_widths() -> None:
    with pytest.raises(CiphertextNotForKey):
        ciphertext.decrypt(bytes(31) + b"\1", CIPHERTEXT)
    with pytest.raises(CiphertextNotForKey):
        ciphertext.decrypt_as_sender(bytes(32), VIEWING.incoming_public, CIPHERTEXT)
    for value, asset in ((2**120, 1), (-1, 1), (1, 2**64)):
        with pytest.raises(IntegerOutOfRange):
            ciphertext.encrypt(ESK, VIEWING.incoming_public, value, asset)
    with pytest.raises(WordLengthWrong):
        ciphertext.encrypt(ESK, VIEWING.incoming_public, 1, 1, b"short")
