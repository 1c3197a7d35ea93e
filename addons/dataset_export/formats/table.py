"""All formats by name."""

from addons.dataset_export.formats.base import Format
from addons.dataset_export.formats.hf_dpo import HF_DPO
from addons.dataset_export.formats.hf_messages import HF_MESSAGES
from addons.dataset_export.formats.hf_prompt_completion import HF_PROMPT_COMPLETION
from addons.dataset_export.formats.openai_sft import OPENAI_SFT
from addons.dataset_export.formats.parquet import PARQUET
from addons.dataset_export.formats.sharegpt import SHAREGPT

FORMATS: dict[str, Format] = {
    format_.name: format_ for format_ in (HF_MESSAGES, HF_PROMPT_COMPLETION, OPENAI_SFT, SHAREGPT, HF_DPO, PARQUET)
}
