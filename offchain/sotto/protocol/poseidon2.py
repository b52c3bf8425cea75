"""The Poseidon2 permutation of width 4 over F, x^5, 8 full and 56 partial rounds (eprint 2023/323, spec 01).

About 0.2 ms a call in CPython. Sums are left unreduced where the next product reduces them.
"""

from sotto.protocol.field import MODULUS
from sotto.protocol.poseidon2_constants import FIRST_ROUNDS, INTERNAL_DIAGONAL, LAST_ROUNDS, PARTIAL_ROUNDS

State = tuple[int, int, int, int]


def _external(a: int, b: int, c: int, d: int) -> State:
    """Product with the matrix (5 7 1 3; 4 6 1 1; 1 3 5 7; 1 1 4 6) by additions."""
    ab, cd = a + b, c + d
    u, v = 2 * b + cd, 2 * d + ab
    w, x = 4 * cd + v, 4 * ab + u
    return v + x, x, u + w, w


def _full_rounds(state: State, rounds: tuple[State, ...]) -> State:
    p = MODULUS
    a, b, c, d = state
    for ka, kb, kc, kd in rounds:
        a, b, c, d = a + ka, b + kb, c + kc, d + kd
        s, t, u, v = a * a % p, b * b % p, c * c % p, d * d % p
        a, b, c, d = _external(s * s % p * a % p, t * t % p * b % p, u * u % p * c % p, v * v % p * d % p)
    return a, b, c, d


def permute(state: State) -> State:
    """Apply the permutation to four elements of F."""
    p = MODULUS
    da, db, dc, dd = INTERNAL_DIAGONAL
    a, b, c, d = _full_rounds(_external(*state), FIRST_ROUNDS)
    for k in PARTIAL_ROUNDS:
        a += k
        s = a * a % p
        a = s * s % p * a % p
        total = a + b + c + d
        a, b, c, d = (
            (a * da + total) % p,
            (b * db + total) % p,
            (c * dc + total) % p,
            (d * dd + total) % p,
        )
    a, b, c, d = _full_rounds((a, b, c, d), LAST_ROUNDS)
    return a % p, b % p, c % p, d % p
