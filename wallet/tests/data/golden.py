"""Writes the key file golden.json by docs/decisions/004-keystore.md, sharing no code with the wallet:
libsodium seals, the reference implementation of Argon2 stretches, and BIP-32, BIP-39, BIP-340's keys and bech32m
are done here from their documents.

    pip install argon2-cffi pynacl
    python golden.py > golden.json      prints the secret key and development keys to standard error
"""

import hashlib
import hmac
import json
import sys

from argon2.low_level import Type, hash_secret_raw
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as seal

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
HARDENED = 1 << 31


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def point(k):
    result, p = None, G
    while k:
        if k & 1:
            result = add(result, p)
        p, k = add(p, p), k >> 1
    return result


def child(k, chain, i):
    x, y = point(k)
    parent = b"\0" + k.to_bytes(32, "big") if i & HARDENED else bytes([2 + (y & 1)]) + x.to_bytes(32, "big")
    digest = hmac.new(chain, parent + i.to_bytes(4, "big"), hashlib.sha512).digest()
    return (int.from_bytes(digest[:32], "big") + k) % N, digest[32:]


def derive(words, passphrase, coin, index):
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic" + passphrase.encode(), 2048)
    digest = hmac.new(b"Bitcoin seed", seed, hashlib.sha512).digest()
    k, chain = int.from_bytes(digest[:32], "big"), digest[32:]
    for i in (HARDENED + 44, HARDENED + coin, HARDENED, 0, index):
        k, chain = child(k, chain, i)
    return N - k if point(k)[1] & 1 else k


def public(k):
    return point(k)[0].to_bytes(32, "big")


def bech32m(prefix, data):
    letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]
    check = 1
    for v in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values + [0] * 6:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ v
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= g if top >> i & 1 else 0
    check ^= 0x2BC830A3
    values += [check >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(letters[v] for v in values)


def principal(key):
    tag = hashlib.sha256(b"blocktree/principal").digest()
    return bech32m("dblk", hashlib.sha256(tag + tag + key).digest())


words = "test " * 11 + "junk"
secret = derive(words, "hush", 1, 7)
salt, nonce = bytes(range(16)), bytes(range(100, 124))
header = {
    "format": "blocktree key",
    "version": 1,
    "name": "golden",
    "network": "dev",
    "principal": principal(public(secret)),
    "public_key": public(secret).hex(),
    "created": 1700000000,
    "kdf": {"algorithm": "argon2id", "memory_kib": 64, "passes": 2, "lanes": 2, "salt": salt.hex()},
    "cipher": {"algorithm": "xchacha20poly1305", "nonce": nonce.hex()},
}
header = json.dumps(header, indent=2).replace("\n", "\n  ")
record = b"".join(
    [
        bytes([2, 16]),
        bytes.fromhex("df9bf37e6fcdf9bf37e6fcdf9bf37e3c").ljust(32, b"\0"),
        (1).to_bytes(4, "little"),
        (7).to_bytes(4, "little"),
        (4).to_bytes(2, "little"),
        b"hush".ljust(256, b"\0"),
    ]
)
key = hash_secret_raw(
    b"correct horse", salt, time_cost=2, memory_cost=64, parallelism=2, hash_len=32, type=Type.ID, version=0x13
)
sealed = seal(record, header.encode(), nonce, key).hex()
checksum = hashlib.sha256((header + sealed).encode()).hexdigest()
print(f'{{\n  "header": {header},\n  "sealed": "{sealed}",\n  "checksum": "{checksum}"\n}}')

print(f"secret {secret:064x}", file=sys.stderr)
for index in (0, 1, 19):
    dev = public(derive(words, "", 1, index))
    print(f"development key {index}: {dev.hex()} {principal(dev)}", file=sys.stderr)
