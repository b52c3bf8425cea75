"""Keys of a wallet, all derived from one seed (spec 03)."""

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from mnemonic import Mnemonic

from sotto.protocol import accounts, babyjub
from sotto.protocol.errors import PhraseInvalid, SecretIsZero, SeedLengthWrong, SignatureNotCanonical
from sotto.protocol.field import Field, encode_field, reduce

_SALT: Final = b"sotto/v1"
_SEED_BYTES: Final = (32, 64)
_PURPOSE: Final = "Create my Sotto wallet. Whoever has this signature owns its funds."
_SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def hkdf(ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(ikm)


def seed_from_phrase(phrase: str, passphrase: str = "") -> bytes:
    """64 bytes of a BIP-39 phrase of the English list. Raises PhraseInvalid."""
    english = Mnemonic("english")
    if not english.check(phrase):
        raise PhraseInvalid("unknown word, wrong number of words or wrong checksum")
    return bytes(english.to_seed(phrase, passphrase))


def new_phrase(entropy: bytes) -> str:
    """The BIP-39 phrase of 16, 20, 24, 28 or 32 random bytes. Raises SeedLengthWrong."""
    if len(entropy) not in (16, 20, 24, 28, 32):
        raise SeedLengthWrong(f"{len(entropy)} bytes of entropy")
    return str(Mnemonic("english").to_mnemonic(entropy))


def seed_typed_data(chain_id: int) -> dict[str, object]:
    """EIP-712 typed data that an L1 wallet signs to make a seed.

    Ask for it twice and refuse a wallet whose signatures differ: its funds could not be recovered.
    """
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
            ],
            "SottoSeed": [{"name": "purpose", "type": "string"}],
        },
        "primaryType": "SottoSeed",
        "domain": {"name": "Sotto", "version": "1", "chainId": chain_id},
        "message": {"purpose": _PURPOSE},
    }


def seed_from_signature(signature: bytes) -> bytes:
    """32 bytes of a signature r || s || v over `seed_typed_data`. Raises SignatureNotCanonical."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise SignatureNotCanonical("65 bytes with v = 27 or 28")
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    if not 0 < r < _SECP256K1_ORDER or not 0 < s <= _SECP256K1_ORDER // 2:
        raise SignatureNotCanonical("r or s out of range, or s not the lower one")
    digest = Hash(SHA256())
    digest.update(signature)
    return digest.finalize()


@dataclass(frozen=True, slots=True)
class ViewingKeys:
    """What a full viewing key holds: sees everything of one account on one domain, spends nothing."""

    domain: int
    first_key: babyjub.Point
    nullifier_key: Field = field(repr=False)
    incoming: bytes = field(repr=False)
    """X25519 secret."""
    outgoing: bytes = field(repr=False)

    @property
    def account_id(self) -> Field:
        """The account's id."""
        return accounts.account_id(self.first_key, self.nullifier_key)

    @property
    def owner(self) -> Field:
        """The owner in this account's notes."""
        return accounts.owner(self.account_id)

    @property
    def incoming_public(self) -> bytes:
        """X25519 public key, as in the address."""
        return X25519PrivateKey.from_private_bytes(self.incoming).public_key().public_bytes_raw()


@dataclass(frozen=True, slots=True)
class WalletKeys:
    """All keys of a seed on one domain."""

    account_seed: bytes = field(repr=False)
    """Seed of the first account key, see babyjub.sign."""
    viewing: ViewingKeys


def derive(seed: bytes, domain: int) -> WalletKeys:
    """All keys of a seed: 32 bytes from a signature, 64 from a phrase.

    Raises SeedLengthWrong, SecretIsZero."""
    if len(seed) not in _SEED_BYTES:
        raise SeedLengthWrong(f"a seed has 32 or 64 bytes, not {len(seed)}")
    master = hkdf(seed, _SALT, b"master", 32)
    account_seed = hkdf(master, _SALT, b"account-key", 32)
    suffix = encode_field(Field(domain))
    nullifier_key = reduce(hkdf(master, _SALT, b"nullifier-key" + suffix, 64))
    if nullifier_key == 0:
        raise SecretIsZero("nullifier key")
    return WalletKeys(
        account_seed,
        ViewingKeys(
            domain,
            babyjub.public_key(account_seed),
            nullifier_key,
            hkdf(master, _SALT, b"incoming" + suffix, 32),
            hkdf(master, _SALT, b"outgoing" + suffix, 32),
        ),
    )


def transfer_esk(outgoing: bytes, first_nullifier: Field, output: int) -> bytes:
    """Ephemeral secret of output 0..2 of a transaction."""
    return hkdf(outgoing, _SALT, b"esk" + encode_field(first_nullifier) + bytes([output]), 32)


def deposit_esk(outgoing: bytes, counter: int) -> bytes:
    """Ephemeral secret of the deposit before which this wallet made `counter` (64 bits) others."""
    return hkdf(outgoing, _SALT, b"deposit" + counter.to_bytes(8), 32)
