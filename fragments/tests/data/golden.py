"""Makes the bytes that tests/golden.rs expects, from docs/protocol.md §2 and §9 alone: plain
Python with hashlib and hmac, no code of the project and none of its libraries.

    python3 golden.py
"""

import hashlib
import hmac


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tagged(tag, *parts):
    t = sha(tag.encode())
    return sha(t, t, *parts)


def le(n, size):
    return n.to_bytes(size, "little")


# secp256k1 and BIP-340

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def add(a, b):
    if a is None:
        return b
    if b is None:
        return a
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return (x, (slope * (a[0] - x) - a[1]) % P)


def mul(k, point):
    result = None
    for bit in bin(k)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def b32(n):
    return n.to_bytes(32, "big")


def lift(x):
    y = pow(x**3 + 7, (P + 1) // 4, P)
    assert (y * y - x**3 - 7) % P == 0
    return (x, y if y % 2 == 0 else P - y)


def even(secret):
    return secret if mul(secret, G)[1] % 2 == 0 else N - secret


def schnorr(secret, message):
    """BIP-340 with 32 zero bytes as auxiliary randomness, as libsecp256k1 signs without any."""
    point = mul(secret, G)
    d = secret if point[1] % 2 == 0 else N - secret
    t = b32(d ^ int.from_bytes(tagged("BIP0340/aux", bytes(32)), "big"))
    k = int.from_bytes(tagged("BIP0340/nonce", t, b32(point[0]), message), "big") % N
    r = mul(k, G)
    if r[1] % 2:
        k = N - k
    e = int.from_bytes(tagged("BIP0340/challenge", b32(r[0]), b32(point[0]), message), "big") % N
    return b32(r[0]) + b32((k + e * d) % N)


# RFC 5869, RFC 8439, draft-irtf-cfrg-xchacha-03


def hkdf(salt, ikm, info, size):
    prk = hmac.new(salt, ikm, hashlib.sha256).digest()
    out, block, i = b"", b"", 1
    while len(out) < size:
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
        out, i = out + block, i + 1
    return out[:size]


def rounds(key, last):
    s = [int.from_bytes(w[i : i + 4], "little") for w in (b"expand 32-byte k", key, last) for i in range(0, len(w), 4)]
    w = s[:]

    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            w[x] = (w[x] + w[y]) & 0xFFFFFFFF
            v = w[z] ^ w[x]
            w[z] = (v << n | v >> (32 - n)) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        quarter(0, 5, 10, 15)
        quarter(1, 6, 11, 12)
        quarter(2, 7, 8, 13)
        quarter(3, 4, 9, 14)
    return s, w


def chacha(key, nonce, counter, data):
    out = b""
    for i in range(0, len(data), 64):
        s, w = rounds(key, le(counter + i // 64, 4) + nonce)
        stream = b"".join(le((a + b) & 0xFFFFFFFF, 4) for a, b in zip(s, w))
        out += bytes(a ^ b for a, b in zip(data[i : i + 64], stream))
    return out


def xchacha_poly(key, nonce, aad, text):
    _, w = rounds(key, nonce[:16])
    key = b"".join(le(x, 4) for x in w[:4] + w[12:])
    nonce = bytes(4) + nonce[16:]
    text = chacha(key, nonce, 1, text)
    one = chacha(key, nonce, 0, bytes(32))
    r = int.from_bytes(one[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF

    def pad(b):
        return b + bytes(-len(b) % 16)

    a = 0
    m = pad(aad) + pad(text) + le(len(aad), 8) + le(len(text), 8)
    for i in range(0, len(m), 16):
        a = (a + int.from_bytes(m[i : i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return text + le((a + int.from_bytes(one[16:], "little")) % 2**128, 16)


# RFC 6962


def root(data):
    leaves = [data[i : i + 256] for i in range(0, len(data), 256)]

    def node(leaves):
        if len(leaves) == 1:
            return sha(b"\0", leaves[0])
        half = 1
        while half * 2 < len(leaves):
            half *= 2
        return sha(b"\1", node(leaves[:half]), node(leaves[half:]))

    return node(leaves)


# Reed-Solomon over GF(2^16), by Lagrange's formula

BASIS = [0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012]
BASIS += [0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E]


def element(value):
    e = 0
    for bit in range(16):
        if value >> bit & 1:
            e ^= BASIS[bit]
    return e


VALUE = {element(v): v for v in range(65536)}


def times(a, b):
    product = 0
    for bit in range(16):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(31, 15, -1):
        if product >> bit & 1:
            product ^= 0x1002D << (bit - 16)
    return product


def inverse(a):
    result = 1
    for _ in range(65534):
        result = times(result, a)
    return result


def symbol(originals, index):
    """Symbol `index` of a stripe of which `originals` are the first k."""
    k, width = len(originals), 1
    while width < k:
        width *= 2
    if index < k:
        return originals[index]
    x = element(width + index - k)
    weights = []
    for i in range(k):
        above = below = 1
        for l in range(width):
            if l != i:
                above = times(above, x ^ element(l))
                below = times(below, element(i) ^ element(l))
        weights.append(times(above, inverse(below)))
    out = bytearray(len(originals[0]))
    for at in range(0, len(out), 64):
        for j in range(32):
            total = 0
            for original, weight in zip(originals, weights):
                total ^= times(weight, element(original[at + j] | original[at + 32 + j] << 8))
            out[at + j], out[at + 32 + j] = VALUE[total] & 255, VALUE[total] >> 8
    return bytes(out)


# The block


def principal(key):
    return tagged("blocktree/principal", key)


genesis = bytes([0x11] * 32)
owner = even(int.from_bytes(bytes([7] * 32), "big"))
owner_key = b32(mul(owner, G)[0])
path = principal(owner_key) + b"\4file\0"
version, kind, k = 5, 0, 2
block_key, nonce = bytes([0x42] * 32), bytes([0x24] * 24)
data = bytes(range(200))

ephemeral = even(int.from_bytes(bytes([9] * 32), "big"))
ephemeral_key = b32(mul(ephemeral, G)[0])
shared = b32(mul(ephemeral, lift(int.from_bytes(owner_key, "big")))[0])
okm = hkdf(b"blocktree/readcap", shared, ephemeral_key + owner_key + path + le(version, 8), 56)
readcap = principal(owner_key) + ephemeral_key + xchacha_poly(okm[:32], okm[32:], b"", block_key)

payload = xchacha_poly(block_key, nonce, path + le(version, 8) + bytes([kind]), data + b"\0")
header = b"\1" + path + le(version, 8) + bytes([kind]) + b"\1" + le(k, 2)
header += le(len(payload), 8) + root(payload)
header += b"\1" + nonce + bytes([1 << 2]) + readcap
header += b"\0" + owner_key
header += schnorr(owner, tagged("blocktree/tree-block", genesis, header))
content = tagged("blocktree/content", header)

size = 128  # 217 bytes in 2 symbols of 64 · ⌈217 / 128⌉
padded = payload + bytes(2 * size - len(payload))
originals = [padded[:size], padded[size:]]

print("header  ", header.hex())
print("content ", content.hex())
print("payload ", payload.hex())
for index in (1, 3):
    provider = bytes([index]) + bytes(3) + bytes([0xCC] * 28)
    info = path + le(version, 8) + le(index, 4) + provider
    key = hkdf(b"blocktree/seal", block_key, info, 32)
    body = chacha(key, bytes(12), 0, symbol(originals, index))
    print("body   ", index, body.hex())
    print("root   ", index, root(header + body).hex())

name_key = hkdf(b"blocktree/name-key", b32(owner), b"", 32)
print("name    ", hkdf(b"blocktree/name", name_key, path + b"diary.txt", 16).hex())
manifest = b"\1" + le(25_000, 8) + le(10_000, 4) + bytes([3 << 2])
manifest += b"".join(le(6 + i, 8) + bytes([0xA0 + i] * 32) for i in range(3))
print("manifest", manifest.hex())
