"""The system prompt that a model was told: the client's own, with the operator's put in. A record holds them apart."""

from addons.dataset_export.shapes import as_object, as_text, objects
from addons.records.prompt import NAME, read_prompt
from converters.json_codec import Json, JsonObject
from converters.system_prompt import system_with_prompt
from converters.turns import SystemText


def system_told(record: JsonObject) -> Json:
    """Text parts, as in a conversation. null where the file that a part of it stood in is missing."""
    system = as_object(record.get("conversation")).get("system")
    try:
        prompt = read_prompt(record.get(NAME))
    except ValueError:
        return None
    if prompt is None or not (isinstance(system, list) or prompt.mode == "overwrite"):
        return system
    texts = [SystemText(as_text(part.get("text"))) for part in objects(system)]
    return [{"type": "text", "text": part.text} for part in system_with_prompt(texts, prompt)]
