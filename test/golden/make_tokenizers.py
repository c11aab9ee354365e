"""Ids of a nasty corpus by Python's tokenizers, for the kinds of tokenizer that the families have.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3
    python test/golden/make_tokenizers.py

Trains a small tokenizer of each kind, with the normalizer, pre-tokenizer, model and decoder of the original, and
writes vectors/tokenizers.jsonl beside this file: a line with the texts, then a line for each kind, with its
tokenizer.json, the ids of every text, what decoding gives where it is not the text, and what it gives where the last
id is missing. The tests read only that.
"""

import io
import json
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, Unigram
from tokenizers.trainers import BpeTrainer, UnigramTrainer

OUT = Path(__file__).parent / "vectors" / "tokenizers.jsonl"

CORPUS = """The quick brown fox jumps over the lazy dog. It wasn't there, they'll say; I've seen what we'd do!
def add(a: int, b: int) -> int:\n    return a + b  # 12345 67 890\n\tif x != y:\n\t\tpass\n
Der Hund läuft über die Straße. L'été où j'ai été là. El niño comió piñas. Москва — столица России.
日本語の文章です。東京は大きい。中文也有。안녕하세요 세계. नमस्ते दुनिया। مرحبا بالعالم. שלום עולם. สวัสดีชาวโลก
Once upon a time there was a little girl who had 12 apples. She gave 5 of them to her friend. The end.
https://example.org/path?query=1&other=two#part user.name+tag@mail.example {"key": [1, 2.5, null], "on": true}
""".split("\n")

NASTY = [
    "", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\r", "\t", " \n ", "\n \n", " \t \r\n  x", "a", " a", "a ", "  a  b   c    ",
    "Hello, world!", " Hello  world ", "hello\nworld", "hello \n world", "x\r\ny\rz\n\n\nend", "tabs\t\tand\x0bvt\x0cff",
    "\u00a0nbsp\u00a0\u00a0two", "\u3000ideographic\u3000space", "\u2003em\u2009thin\u200aspace", "line\u2028para\u2029sep\u0085nel",
    "zero\u200bwidth\u200djoiner\u200cnon", "\ufeffbom first", "word\u2060joiner", "soft\u00adhyphen", "null\x00byte\x01\x02\x1b[0m\x7f",
    "I'm you're he's we'll they've I'd 'tis", "I'M YOU'RE HE'S WE'LL THEY'VE I'D", "it\u2019s \u2018quoted\u2019 \u201cdouble\u201d",
    "'\u017f long s", "'s's 'S'S '''", "don't_snake_case camelCase HTTPServer", "\u212a kelvin \u212b angstrom", "\u0130stanbul \u0131",
    "0", "12", "123", "1234", "12345678901234567890", "1,234.56", "3.14e-10", "0x1F", "1\u00bd \u00b2\u00b3 \u2167 \u2488", "\u0661\u0662\u0663 \u0967\u0968\u0969",
    "\u4e00\u4e8c\u4e09", "v1.2.3-beta+45", "100%", "$5.00 \u20ac7 \u00a39",
    "caf\u00e9 cafe\u0301", "\u00c5 A\u030a \u212b", "\ufb01 \ufb02 ligatures", "\uff21\uff22\uff23 full \uff11\uff12", "\u1112\u1161\u11ab \ud55c", "e\u0301\u0323 e\u0323\u0301",
    "Z\u0351\u036ba\u0311\u0308l\u0301\u0302g\u0303o\u0304", "\u0e01\u0e33\u0e19\u0e49\u0e33", "\u0915\u094d\u0937\u0924\u094d\u0930\u093f\u092f", "\u064a\u064f\u0643\u064e\u062a\u0651\u0650\u0628\u064f",
    "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u202eright to left\u202c", "\u1f0a\u03bd\u03b8\u03c1\u03c9\u03c0\u03bf\u03c2 \u03a3\u03a3",
    "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", "\U0001f44d\U0001f3fd \u2764\ufe0f \u2639", "a\U0001f600b \U0001f680\U0001f680",
    "\U00020000\U0002a6d6 \U00010330\U00010331", "\U0001d538\U0001d7d8 math", "\ue000 private \U000f0000", "\ufffd \uffff \U0010ffff", "\u0378 unassigned \U0001fbff",
    "\u1c89\u1c8a new letters \ua7cb \U00010d50", "\u2c2f\u2c5f glagolitic", "\u30fb\u30fc\u3005", "\u02bc\u02ee modifiers", "_underscore __init__ \u203f",
    "a-b\u2013c\u2014d\u2212e", "...\u2026!?\u203d\u00bf\u00a1", "(([[{{}}]]))", "<<>>&&||**", "~`^|\\/", "##hash ##not", "@user #tag",
    "\u2581 literal \u2581mark", "\u0120 literal \u0120g \u010a", "<0x0A> <0xE2>", "<unk> <s> </s> <pad>", "<s>", "</s>x", " <s> a </s> ", "x<s>", "<s", "< s >",
    "<|endoftext|>", "a<|endoftext|>b", "a <|endoftext|> b", "  <|endoftext|>  ", "<|endoftext|><|endoftext|>", "<|endoftext|", "<<|endoftext|>>", "<|ENDOFTEXT|>",
    "<|im_start|>user\nHi<|im_end|>\n", "<|im_start|> system", "<|user|>\nHi<|end|>\n<|assistant|>", "<|user|>  Hi  <|end|>  ", "<start_of_turn>user\n\n\nHi<end_of_turn>",
    "keep newtoken and newtokens, anewtoken newtoken", "\u2581newtoken", "caf\u00e9token",
    "def f(x):\n    if x:\n        return {\n            'a': 1,\n        }\n", "\t\tindent\n\t\t\tmore", "for(int i=0;i<10;i++){a[i]+=b;}", "SELECT * FROM t WHERE a='x';--",
    "https://a.b/c?d=e&f=%20#g", "me@mail.example", "C:\\dir\\file.txt", "$$\\frac{1}{2}$$", "\\n not a newline", "&amp;&#39;", "a\u0000", "\"", "'", "''", "\"\"\"",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ababababababababababab", "thethethethe", "          indented by ten", "end with spaces          ",
    "\n\n\n\n\n\n\n\n", "a\n\n\n\nb", " \n \n \n", ".\n\n", "!!\n\n\n?", "x\n  y\n\n    z",
    "\u041c\u043e\u0441\u043a\u0432\u0430\u2014\u0441\u0442\u043e\u043b\u0438\u0446\u0430", "\u65e5\u672c\u8a9e\u3068English\u6df7\u305c123\u3002", "\uc548\ub155hello\uc138\uacc4", "na\u00efve r\u00e9sum\u00e9 \u0153uvre stra\u00dfe",
    " \u0085 x", "\u0085\u0085", "a\u0085b", "x\u0085\n", " \ufeff x", "x\ufeff\ufeff\n", "\u180e mongolian", "\u1680 ogham\u1680", "\x1c\x1d\x1e\x1f",
    "<|user|>\u0085x", "<|user|>\ufeffx", "\n\n<|user|> \n\n<|user|>", "x <|user|><|user|>", "\u2581<PRE>", "<PRE>", "x <PRE>", "newtoken", "1newtoken_",
    "u\u031b\u0303token \u1eeftoken", "<|end|>\n<|user|>\n\n", "\u01c4 \u01c5 titlecase \u1e9e", "\u0300 combining first", "\u0301\u0301\u0301", "\u200d\u200d", "\ufe0f", "\u20e3 1\ufe0f\u20e3",
]  # fmt: skip

CUT = [i for i, text in enumerate(NASTY) if text and ord(text[-1]) > 0x2000]  # decoded without their last id

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = pre_tokenizers.ByteLevel.alphabet()
FALLBACK = [f"<0x{byte:02X}>" for byte in range(256)]
SPM_SPECIAL = ["<unk>", "<s>", "</s>"]


def split_then_bytes(pattern):
    parts = [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    return pre_tokenizers.Sequence(parts)


def train_bytes(pre_tokenizer, normalizer=None, special=("<|endoftext|>",), **model):
    """Byte-level BPE."""
    tokenizer = Tokenizer(BPE(**model))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(vocab_size=700, initial_alphabet=BYTES, special_tokens=list(special), show_progress=False)
    tokenizer.train_from_iterator(CORPUS + 4 * NASTY, trainer)  # merges that show where texts are cut
    return tokenizer


def train_spm(normalizer=None, pre_tokenizer=None, special=SPM_SPECIAL, strip=True):
    """SentencePiece's BPE with bytes for characters that it lacks: <unk>, <s>, </s>, bytes, then what is learnt."""
    learner = Tokenizer(BPE())
    learner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    learner.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    learner.train_from_iterator(CORPUS[:4], BpeTrainer(vocab_size=330, limit_alphabet=90, show_progress=False))
    learnt = json.loads(learner.to_str())["model"]
    vocabulary = {token: i for i, token in enumerate([*special, *FALLBACK, *sorted(learnt["vocab"], key=learnt["vocab"].get)])}
    merges = [tuple(merge) for merge in learnt["merges"]]
    tokenizer = Tokenizer(BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strip else []))
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    return tokenizer


def llama2(**options):
    return train_spm(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), **options)


def with_tokens(tokenizer, *tokens):
    tokenizer.add_tokens(list(tokens))
    return tokenizer


RULES = {  # a few of T5's, which fill 240 kB, and some that the order of looking them up decides
    "\t": " ", "\n": " ", "\r": " ", "\r\n": "\n", "\u0085": " ", "\u2028": " ", "\u200b": " ", "\u00ad": "", "\x1b": "",
    "\ufb01": "fi", "\uff21": "A", "\u00bd": "1/2", "e\u0301": "\u00e9", "A\u030a": "\u00c5", "\u0301": "'", "\u1112\u1161\u11ab": "\ud55c",
    "\U0001f468": "man", "\U0001f44d": "+", "\U0001f44d\U0001f3fd": "++", "\u20ac": "EUR", "<": "(", "\u200d": "-",
}  # fmt: skip


def fields(message):
    """The fields of a message in the format of Protocol Buffers, those of bytes alone, by number."""
    stream = io.BytesIO(message)

    def number():
        value = shift = 0
        while True:
            byte = stream.read(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while stream.tell() < len(message):
        key = number()
        if key % 8 == 2:
            yield key // 8, stream.read(number())
        elif key % 8 == 5:
            stream.read(4)
        else:
            number()


def charsmap():
    """The rules as SentencePiece compiles them."""
    spell = lambda text: " ".join(f"{ord(c):X}" for c in text)
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write("".join(f"{spell(source)}\t{spell(target)}\n" for source, target in RULES.items()))
        file.flush()
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(CORPUS), model_writer=model, normalization_rule_tsv=file.name, vocab_size=250,
            hard_vocab_limit=False, minloglevel=2,
        )  # fmt: skip
    specification = next(part for number, part in fields(model.getvalue()) if number == 3)
    return next(part for number, part in fields(specification) if number == 2)


def t5():
    return unigram(
        normalizers.Precompiled(charsmap()),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]),
    )


def unigram(normalizer=None, pre_tokenizer=None):
    tokenizer = Tokenizer(Unigram())
    spaces = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.normalizer = normalizer or spaces
    tokenizer.pre_tokenizer = pre_tokenizer or pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = UnigramTrainer(vocab_size=260, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def letters():
    """A vocabulary that lacks most characters and has no token for them, as that of the tests' toys."""
    vocabulary = {character: i for i, character in enumerate("abcdefghijklmnopqrstuvwxyz .")}
    tokenizer = Tokenizer(BPE(vocabulary, []))
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


CHATML = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
DIGITS = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)])
DEEPSEEK = pre_tokenizers.Sequence([
    pre_tokenizers.Split(Regex("[\r\n]"), "isolated"),
    pre_tokenizers.Split(Regex(r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ]+"), "isolated"),
    pre_tokenizers.Split(Regex(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), "isolated"),
    pre_tokenizers.Split(Regex(r"\s+$"), "isolated"),
    pre_tokenizers.Split(Regex("[一-龥ࠀ-一가-퟿]+"), "isolated"),
    pre_tokenizers.Digits(individual_digits=True),
    pre_tokenizers.ByteLevel(False, use_regex=False),
])  # fmt: skip
PHI3 = [AddedToken(token, rstrip=True, special=True, normalized=False) for token in ["<|endoftext|>", "<|user|>", "<|end|>", "<|assistant|>"]]

KINDS = {
    "gpt2": lambda: train_bytes(pre_tokenizers.ByteLevel(False)),
    "gpt_neox": lambda: with_tokens(
        train_bytes(pre_tokenizers.ByteLevel(False), normalizers.NFC(), special=["<|endoftext|>", "<|padding|>"]),
        *(AddedToken(" " * n, normalized=True) for n in (8, 4, 2)),
    ),
    "llama3": lambda: train_bytes(split_then_bytes(LLAMA3), special=["<|endoftext|>", "<|end|>"], ignore_merges=True),
    "qwen2": lambda: train_bytes(split_then_bytes(QWEN2), normalizers.NFC(), special=CHATML),
    "starcoder2": lambda: train_bytes(DIGITS),
    "deepseek_coder": lambda: train_bytes(DEEPSEEK),
    "tekken": lambda: train_bytes(split_then_bytes(TEKKEN), special=SPM_SPECIAL),
    "llama2": llama2,
    "llama2_not_legacy": lambda: train_spm(pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme="first", split=False)),
    "code_llama": lambda: with_tokens(llama2(), *(AddedToken(f"\u2581<{name}>", normalized=False) for name in ("PRE", "MID"))),
    "phi3": lambda: with_tokens(llama2(), *PHI3),
    "gemma": lambda: with_tokens(
        train_spm(
            normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"), strip=False,
            special=["<pad>", "</s>", "<s>", "<unk>", "<start_of_turn>", "<end_of_turn>"],
        ),
        *(AddedToken("\n" * n, normalized=False) for n in (2, 3, 4)), AddedToken("▁▁", normalized=False),
    ),
    "added_tokens": lambda: with_tokens(
        train_bytes(pre_tokenizers.ByteLevel(False), normalizers.NFC()), AddedToken("newtoken", single_word=True),
        AddedToken("\u1eeftoken", normalized=True), AddedToken("\n\n"), AddedToken("<|user|>", lstrip=True, rstrip=True),
    ),
    "unigram": unigram,
    "t5": t5,
    "letters": letters,
}  # fmt: skip


def make(tokenizer):
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in NASTY]
    decoded = [tokenizer.decode(one, skip_special_tokens=False) for one in ids]
    odd = {i: text for i, text in enumerate(decoded) if text != NASTY[i]}
    cut = {i: tokenizer.decode(ids[i][:-1], skip_special_tokens=False) for i in CUT}
    return {"tokenizer": json.loads(tokenizer.to_str()), "ids": ids, "decoded": odd, "cut": cut}


if __name__ == "__main__":
    lines = [{"made_by": {"tokenizers": tokenizers.__version__}, "texts": NASTY}]
    lines += [{"name": name, **make(kind())} for name, kind in KINDS.items()]
    OUT.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    print(len(NASTY), "texts,", {kind["name"]: len(kind["tokenizer"]["model"]["vocab"]) for kind in lines[1:]})
