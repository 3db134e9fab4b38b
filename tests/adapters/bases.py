"""Tiny base models with random weights, and the chat templates of several families."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import Any

CHATML = (
    "{%- for message in messages -%}{{ '<|im_start|>' + message['role'] + '\n' "
    "+ message['content'] | trim + '<|im_end|>' + '\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
# Like Qwen3's: an empty thought before the last answer only, and none in what asks for one.
THINKING = (
    "{%- for message in messages -%}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{%- if loop.last and message['role'] == 'assistant' -%}{{ '<think>\n\n</think>\n\n' }}"
    "{%- endif -%}{{ message['content'] + '<|im_end|>' + '\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
# Like Llama 2's: the system prompt inside of the first message, a space before the answer.
BRACKETS = (
    "{%- if messages[0]['role'] == 'system' -%}"
    "{%- set system = '<<SYS>>' + messages[0]['content'] + '<</SYS>>' -%}"
    "{%- set rest = messages[1:] -%}{%- else -%}{%- set system = '' -%}{%- set rest = messages -%}"
    "{%- endif -%}{%- for message in rest -%}{%- if message['role'] == 'user' -%}"
    "{{ '[INST] ' + (system if loop.first else '') + message['content'] + ' [/INST]' }}"
    "{%- else -%}{{ ' ' + message['content'] + ' ' + '<|end|>' }}{%- endif -%}{%- endfor -%}"
)
REFUSING = (
    "{%- if messages[0]['role'] == 'system' -%}"
    "{{ raise_exception('System role not supported') }}{%- endif -%}"
)
FORGETFUL = "{{ messages[-1]['content'] }}<|end|>"
ENDLESS = "{%- for message in messages -%}{{ '> ' + message['content'] }}{%- endfor -%}"


@functools.cache
def _tokens() -> Any:
    from adapters.starter import tokenizer

    return tokenizer.train(["how are you doing today my friend, fine and you? " * 4])


def tokenizer(template: str | None = None) -> Any:
    """The starter's tokenizer, trained on a sentence; its own template unless another is given."""
    from transformers import PreTrainedTokenizerFast

    from adapters.starter import tokenizer

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=_tokens(),
        eos_token=tokenizer.END,
        pad_token=tokenizer.END_OF_TEXT,
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = template or tokenizer.CHAT_TEMPLATE
    return wrapped


def save_model(folder: Path, template: str | None = None, context: int = 256) -> Path:
    """A Qwen3 of two small layers with a tokenizer, as a folder."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    words = tokenizer(template)
    config = Qwen3Config(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Qwen3ForCausalLM(config).save_pretrained(folder)
        words.save_pretrained(folder)
    return folder
