"""What every group of keys is, and groups that may be switched off.

Owns: the base of the models. Must not know: any key.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from watchdog.config import fields, scalars
from watchdog.config.tree import Branch, Text


class Keys(BaseModel):
    """A mapping of keys; any other key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def on_or_off(value: Any) -> Any:
    """Let ``backup: false`` be nothing and ``backup: true`` the defaults."""
    if isinstance(value, Text):
        try:
            on = scalars.switch(value)
        except ValueError:
            raise ValueError(
                f"{value.shown} is not possible: write false, true, or a mapping with schedule:"
            ) from None
        return Branch(value.mark, value.path) if on else None
    return value


class SwitchToo:
    """Tell the schema that ``true`` and ``false`` stand there as well."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the schema of the mapping with the two words beside it."""
        schema = handler(core)
        rest = [part for part in schema["anyOf"] if part != {"type": "null"}]
        return {"anyOf": [*rest, {"type": "boolean"}, fields.EXPANSION]}
