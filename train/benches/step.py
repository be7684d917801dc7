#!/usr/bin/env python3
"""Times the training step of `train bench-step` in PyTorch: the same encoder, batch and optimizer. Needs torch and transformers.

    python step.py [--steps 20] [--batch 16] [--seq 128]
"""
import argparse
import json
import statistics
import time

import torch
from transformers import BertConfig, BertModel

WARMUP = 5

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--seq", type=int, default=128)
parser.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="bf16: autocast")
args = parser.parse_args()

torch.manual_seed(1)
shape = dict(vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
bert = BertModel(BertConfig(**shape, attn_implementation="sdpa"), add_pooling_layer=False)
heads = torch.nn.ModuleList([torch.nn.Linear(384, 2), torch.nn.Linear(384, 2)])
model = torch.nn.ModuleList([bert, heads]).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-5, weight_decay=0.01)
seconds = []
for step in range(args.steps + WARMUP):
    ids = torch.randint(1000, 30000, (args.batch, args.seq))
    labels = torch.randint(0, 2, (2, args.batch * args.seq))
    started = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16"):
        hidden = bert(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.flatten(0, 1)
    loss = sum(torch.nn.functional.cross_entropy(head(hidden.float()), gold) for head, gold in zip(heads, labels))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step >= WARMUP:
        seconds.append(time.perf_counter() - started)
print(json.dumps({"torch": torch.__version__, "median_step_s": round(statistics.median(seconds), 4), "seq_per_s": round(args.batch * len(seconds) / sum(seconds), 1)}))
