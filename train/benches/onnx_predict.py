"""Speed of `predict` of an exported model, by ONNX Runtime or PyTorch on the CPU, as the peer of `train predict`.

    train export RUN -o DIR --queries queries.toml
    python onnx_predict.py DIR TEXTS [--labels N] [--runtime f32|int8|torch] [--threads 2] [--output SPANS.jsonl]

TEXTS has a sentence a line. Batches of 32 sequences sorted by length, as in `train predict`; tokenising and decoding count, loading the model
and a first run of 40 sentences do not. int8 is ONNX Runtime's dynamic quantisation of the weights. --output writes the spans of each text:
[label, start, end] in chars. Needs torch, transformers, onnx and onnxruntime.
"""

import argparse
import json
import pathlib
import time

import onnxruntime
import torch
import transformers
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers.utils import ModelOutput

parser = argparse.ArgumentParser()
parser.add_argument("model", type=pathlib.Path)
parser.add_argument("texts", type=pathlib.Path)
parser.add_argument("--labels", type=int)
parser.add_argument("--runtime", default="f32", choices=["f32", "int8", "torch"])
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--output", type=pathlib.Path)
arguments = parser.parse_args()

torch.set_num_threads(arguments.threads)
model = transformers.AutoModel.from_pretrained(arguments.model, trust_remote_code=True).eval()
inputs, heads = ["input_ids", "attention_mask", "token_type_ids"], ["start_logits", "end_logits"]
files = {"f32": arguments.model / "model.onnx", "int8": arguments.model / "model-int8.onnx"}

if arguments.runtime in files:
    if not files["f32"].exists():
        ids = torch.ones(1, 8, dtype=torch.long)
        axes = {name: {0: "batch", 1: "length"} for name in inputs + heads}
        names = {"input_names": inputs, "output_names": heads}
        torch.onnx.export(model, (ids, ids, ids), files["f32"], dynamic_axes=axes, dynamo=False, **names)
    if not files["int8"].exists():
        quantize_dynamic(files["f32"], files["int8"], weight_type=QuantType.QInt8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    session = onnxruntime.InferenceSession(files[arguments.runtime], options)

    def forward(**tensors):
        starts, ends = session.run(heads, {name: tensors[name].numpy() for name in inputs})
        return ModelOutput(start_logits=torch.from_numpy(starts), end_logits=torch.from_numpy(ends), last_hidden_state=torch.zeros(1))

    model.forward = forward

texts = arguments.texts.read_text(encoding="utf-8").splitlines()
queries = {query["label"]: query["text"] for query in model.config.mrc["queries"][: arguments.labels]}
model.predict(texts[:40], queries)
started = time.perf_counter()
found = model.predict(texts, queries)
seconds = time.perf_counter() - started
print(json.dumps({"runtime": arguments.runtime, "labels": len(queries), "texts_per_s": round(len(texts) / seconds, 1), "seconds": round(seconds, 2)}))
if arguments.output:
    rows = [sorted([entity["label"], entity["start"], entity["end"]] for entity in entities) for entities in found]
    arguments.output.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
