"""The BERT-MRC model (Li et al. 2020, "A Unified MRC Framework for Named Entity Recognition"): an encoder of the BERT family that reads a
query about a label together with a text, and heads for the word pieces that start and that end an entity of this label.

    model = transformers.AutoModel.from_pretrained(DIR, trust_remote_code=True)
    model.predict(["Ada Lovelace lived in London."])

`predict` finds the spans that `train predict` finds. The file needs PyTorch, transformers and tokenizers.
"""

import math

import torch
import transformers
from tokenizers import Tokenizer
from transformers import PreTrainedModel
from transformers.utils import ModelOutput, cached_file

# By model_type: the first part of the tensors' names, and the class.
ENCODERS = {
    "bert": ("bert", transformers.BertModel),
    "roberta": ("roberta", transformers.RobertaModel),
    "xlm-roberta": ("roberta", transformers.XLMRobertaModel),
    "camembert": ("roberta", transformers.CamembertModel),
    "distilbert": ("distilbert", transformers.DistilBertModel),
    "electra": ("electra", transformers.ElectraModel),
}
WITHOUT_POOLER = ("distilbert", "electra")

# [CLS], and [SEP] after query and context.
SPECIAL_TOKENS = 3

# Unicode's White_Space; str.isspace() knows four more.
WHITE_SPACE = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(code) for code in range(0x2000, 0x200B)}


class SpanHead(torch.nn.Module):
    """Scores every pair of a first and a last word piece, for nested entities."""

    def __init__(self, hidden):
        super().__init__()
        self.classifier1 = torch.nn.Linear(2 * hidden, 2 * hidden)
        self.classifier2 = torch.nn.Linear(2 * hidden, 1)

    def forward(self, hidden):
        """[width, hidden] to logits [width, width]: row = first word piece, column = last one."""
        width, size = hidden.shape
        first, last = hidden @ self.classifier1.weight[:, :size].T, hidden @ self.classifier1.weight[:, size:].T
        pairs = torch.nn.functional.gelu(first[:, None] + last[None] + self.classifier1.bias)
        return self.classifier2(pairs).reshape(width, width)


class MrcModel(PreTrainedModel):
    """Encoder and heads. `config.mrc` has max_length, nested, and the queries that the model was trained with."""

    supports_gradient_checkpointing = False

    def __init__(self, config):
        super().__init__(config)
        self.encoder_name, encoder = ENCODERS[config.model_type]
        options = {} if config.model_type in WITHOUT_POOLER else {"add_pooling_layer": False}
        setattr(self, self.encoder_name, encoder(config, **options))
        self.start_outputs = torch.nn.Linear(config.hidden_size, 2)
        self.end_outputs = torch.nn.Linear(config.hidden_size, 2)
        self.span_embedding = SpanHead(config.hidden_size) if config.mrc["nested"] else None
        self._tokenizer = None
        self.post_init()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        """[batch, length] ids to logits [batch, length]: that a word piece starts, and that one ends, an entity."""
        segments = {"token_type_ids": token_type_ids} if getattr(self.config, "type_vocab_size", 0) > 1 else {}
        encoder = getattr(self, self.encoder_name)
        hidden = encoder(input_ids=input_ids, attention_mask=attention_mask, **segments).last_hidden_state
        starts, ends = self.start_outputs(hidden), self.end_outputs(hidden)
        return ModelOutput(
            start_logits=starts[..., 1] - starts[..., 0], end_logits=ends[..., 1] - ends[..., 0], last_hidden_state=hidden
        )

    @property
    def tokenizer(self):
        """That of tokenizer.json beside the weights."""
        if self._tokenizer is None:
            self._tokenizer = Tokenizer.from_file(cached_file(self.name_or_path, "tokenizer.json"))
            self._tokenizer.no_truncation()
            self._tokenizer.no_padding()
        return self._tokenizer

    @torch.inference_mode()
    def predict(self, texts, queries=None, threshold=0.5, batch_size=32):
        """The entities of each text, by position: dicts of label, start, end (in chars, half-open), text and score (0 to 1).

        `queries` is a dict of labels and their queries; without it, those of config.json. A text that is longer than the model reads is
        read in overlapping windows.
        """
        queries = queries or {query["label"]: query["text"] for query in self.config.mrc["queries"]}
        if isinstance(texts, str):
            raise TypeError("texts is a list of strings")
        if not queries:
            raise ValueError("the model has no queries of its own: give a dict of labels and queries")
        was_training = self.training
        self.eval()
        contexts = [self._tokenize(text) for text in texts]
        asked = {label: self._query_ids(query) for label, query in queries.items()}
        items = []
        for number, (ids, _) in enumerate(contexts):
            for label, query in asked.items():
                room = self.config.mrc["max_length"] - len(query) - SPECIAL_TOKENS
                if room < 8:
                    raise ValueError(f"the query of label {label} has {len(query)} word pieces, which leaves no room for a text")
                items.extend((number, label, window) for window in windows(len(ids), room))
        found = {}
        order = sorted(range(len(items)), key=lambda at: items[at][2][1] - items[at][2][0] + len(asked[items[at][1]]))
        for first in range(0, len(order), batch_size):
            batch = [items[at] for at in order[first : first + batch_size]]
            spans = self._spans([(asked[label], contexts[number][0][start:end]) for number, label, (start, end) in batch], threshold)
            for (number, label, window), decoded in zip(batch, spans):
                shifted = [(start + window[0], last + window[0], score) for start, last, score in decoded]
                found.setdefault((number, label), []).append((window, shifted))
        self.train(was_training)
        return [self._entities(text, contexts[number], {label: found[number, label] for label in asked}) for number, text in enumerate(texts)]

    def _entities(self, text, context, by_label):
        (ids, offsets), nested = context, self.span_embedding is not None
        entities = []
        for label, parts in by_label.items():
            spans = join_windows(sorted(parts), len(ids), nested)
            spans = [(offsets[first][0], offsets[last][1], score) for first, last, score in spans]
            for start, end, score in distinct(spans) if nested else disjoint(spans):
                entities.append({"label": label, "start": start, "end": end, "text": text[start:end], "score": score})
        return sorted(entities, key=lambda entity: (entity["start"], entity["end"]))

    def _spans(self, pairs, threshold):
        """Spans of pairs of query and context, in word pieces of the context: (first, last, score)."""
        special = [self.tokenizer.token_to_id("[CLS]"), self.tokenizer.token_to_id("[SEP]"), self.tokenizer.token_to_id("[PAD]")]
        if special[0] is None:
            special = [self.tokenizer.token_to_id(token) for token in ("<s>", "</s>", "<pad>")]
        cls, sep, pad = special
        sequences = [[cls, *query, sep, *context, sep] for query, context in pairs]
        length = max(map(len, sequences))
        tensor = lambda rows: torch.tensor(rows, device=self.device)
        ids = tensor([row + [pad] * (length - len(row)) for row in sequences])
        mask = tensor([[1] * len(row) + [0] * (length - len(row)) for row in sequences])
        segments = [[0] * (len(query) + 2) + [1] * (len(context) + 1) for query, context in pairs]
        segments = tensor([row + [0] * (length - len(row)) for row in segments])
        output = self(input_ids=ids, attention_mask=mask, token_type_ids=segments)
        limit = math.log(threshold / (1 - threshold))
        likeliest = self.config.mrc.get("decoding") == "likeliest"
        spans = []
        for row, (query, context) in enumerate(pairs):
            place = slice(len(query) + 2, len(query) + 2 + len(context))
            if self.span_embedding is not None:
                spans.append(decode_nested(self.span_embedding(output.last_hidden_state[row, place]), limit))
            else:
                spans.append(decode_flat(output.start_logits[row, place].tolist(), output.end_logits[row, place].tolist(), limit, likeliest))
        return spans

    def _query_ids(self, query):
        ids = self.tokenizer.encode(query, add_special_tokens=False).ids
        # RoBERTa and its kin have two separators between the texts of a pair.
        separator = self.tokenizer.token_to_id("</s>") if self.tokenizer.token_to_id("[CLS]") is None else None
        return ids if separator is None else [*ids, separator]

    def _tokenize(self, text):
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        correct = cover_words if type(self.tokenizer.model).__name__ == "WordPiece" else correct_offsets
        return encoding.ids, correct(text, encoding.offsets)


def windows(count, room):
    """Windows of at most `room` of `count` word pieces, each starting half a window after the one before; the last ends with the text."""
    stride, start, found = max(room // 2, 1), 0, []
    while start + room < count:
        found.append((start, start + room))
        start += stride
    return [*found, (min(max(count - room, 0), start), count)]


def sigmoid(logit):
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


def decode_flat(starts, ends, limit, likeliest):
    """Each start takes the nearest end at or after it, or the likeliest one, crossing no other start."""
    spans, first, taken = [], None, None
    for at, (start, end) in enumerate(zip(starts, ends)):
        if start > limit:
            first, taken = at, None
        if end > limit and first is not None and (taken is None or likeliest and end > taken):
            if taken is not None:
                spans.pop()
            spans.append((first, at, sigmoid(starts[first]) * sigmoid(end)))
            taken = end
    return spans


def decode_nested(logits, limit):
    """Every pair of a first and a last word piece above the limit."""
    pairs = (logits > limit).triu().nonzero().tolist()
    return [(first, last, sigmoid(logits[first, last].item())) for first, last in pairs]


def join_windows(parts, count, nested):
    """Spans of overlapping windows, each from the window in which it is most central."""
    if len(parts) == 1:
        return parts[0][1]

    def centrality(window, span):
        if span[0] < window[0] or span[1] >= window[1]:
            return -1
        left = math.inf if window[0] == 0 else span[0] - window[0]
        return min(left, math.inf if window[1] == count else window[1] - 1 - span[1])

    spans = []
    for number, (_, found) in enumerate(parts):
        for span in found:
            central = [centrality(window, span) for window, _ in parts]
            if central.index(max(central)) == number:
                spans.append(span)
    spans.sort(key=lambda span: (-span[2], span[0]))
    if not nested:
        spans = keep_disjoint(spans, lambda a, b: a[0] <= b[1] and b[0] <= a[1])
    return sorted(spans, key=lambda span: span[:2])


def keep_disjoint(spans, overlap):
    kept = []
    for span in spans:
        if not any(overlap(span, other) for other in kept):
            kept.append(span)
    return kept


def distinct(spans):
    """Of spans with the same chars the surest."""
    surest = {}
    for span in sorted(spans, key=lambda span: (span[0], span[1], -span[2])):
        surest.setdefault(span[:2], span)
    return list(surest.values())


def disjoint(spans):
    """Of spans that overlap the surest: word pieces of two spans may lie on one char."""
    if all(a[1] <= b[0] for a, b in zip(spans, spans[1:])):
        return spans
    ranked = sorted(spans, key=lambda span: (-span[2], span[0], -span[1]))
    return sorted(keep_disjoint(ranked, lambda a, b: a[0] < b[1] and b[0] < a[1]))


def cover_words(text, offsets):
    """Extends word pieces over the chars of their words that normalisation removes, such as combining marks: a char belongs to the word
    piece before it, at the start of a word to the one behind it."""
    offsets, covered = [list(offset) for offset in offsets], [False] * len(text)
    for start, end in offsets:
        covered[start:end] = [True] * (end - start)
    owner_before, owner_behind = {}, {}
    for piece in offsets:
        owner_before.setdefault(piece[1], []).append(piece)
        owner_behind.setdefault(piece[0], []).append(piece)
    at = 0
    while at < len(text):
        if covered[at] or text[at] in WHITE_SPACE or text[at] in "\u200b\ufeff":
            at += 1
            continue
        start = at
        while at < len(text) and not covered[at] and text[at] not in WHITE_SPACE and text[at] not in "\u200b\ufeff":
            at += 1
        if start in owner_before:
            for piece in owner_before[start]:
                piece[1] = at
        else:
            for piece in owner_behind.get(at, []):
                piece[0] = start
    return [tuple(offset) for offset in offsets]


def correct_offsets(text, offsets):
    """Chars of the pieces of byte-level BPE and SentencePiece: no white space at their ends, a char for each piece, and the chars that
    normalisation removes for the piece before them."""
    space = lambda char: text[char] in WHITE_SPACE if char < len(text) else True

    def trim(start, end):
        while start < end and space(start):
            start += 1
        while start < end and space(end - 1):
            end -= 1
        return [start, end]

    before, found = [0, 0], []
    for offset in offsets:
        start, end = trim(*offset)
        if start == end:
            found.append([0, 0])
        elif end <= before[1]:
            found.append([before[1] - 1, before[1]])
        else:
            found.append(trim(max(start, before[1]), end))
        if found[-1][0] < found[-1][1]:
            before = list(found[-1])
    free_until, last = len(text), (0, 0)
    for offset in reversed(found):
        if offset[0] < offset[1]:
            while offset[1] < free_until and not space(offset[1]):
                offset[1] += 1
            free_until = offset[0]
            last = max(last, (offset[1] - 1, offset[1]))
    following = last
    for offset in reversed(found):
        if offset[0] == offset[1]:
            offset[:] = following
        else:
            following = (offset[0], offset[0] + 1)
    return [tuple(offset) for offset in found]
