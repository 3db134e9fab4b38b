"""What a person does with what hangs under a message: buttons, menus, modals."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fakes.discord.commands import MESSAGE_COMMAND
from tests.fakes.discord.components import BUTTON, LINK, STRING_SELECT, interactive
from tests.fakes.discord.errors import Json
from tests.fakes.discord.gestures import Gestures
from tests.fakes.discord.interaction import COMMAND, COMPONENT, SUBMIT, Interaction
from tests.fakes.discord.message_payloads import message as message_payload
from tests.fakes.discord.nouns import Message, User


class Pressing(Gestures):
    """As a client allows it: nothing that is gone, disabled or somebody else's alone."""

    def presses(self, person: User, message: Message, button: str) -> Interaction:
        """The button with this label, emoji or custom id."""
        part = self._part(person, message, BUTTON, button)
        if part["style"] == LINK:
            raise PermissionError(f"The button {button!r} is a link: nobody is told of a press.")
        return self._touch(person, message, part, {})

    def chooses(self, person: User, message: Message, *labels: str) -> Interaction:
        """The options with these labels (or values) of the menu that has them all."""
        for part in interactive(message.components):
            if part["type"] != STRING_SELECT:
                continue
            values = _values(part, labels)
            if values is not None:
                self._check_touchable(person, message, part)
                return self._touch(person, message, part, {"values": values})
        raise LookupError(f"No menu offers {', '.join(labels)} here.")

    def submits(self, interaction: Interaction, texts: Mapping[str, str]) -> Interaction:
        """The modal that `interaction` opened, with texts by the label or id of their input."""
        modal = interaction.modal
        if modal is None:
            raise LookupError("No modal was opened.")
        inputs = _inputs(modal)
        unknown = [name for name in texts if not any(name in names for names, _ in inputs)]
        if unknown:
            raise LookupError(f"The modal has no {', '.join(unknown)}.")
        filled = {part["custom_id"]: _typed(part, names, texts) for names, part in inputs}
        data = {
            "custom_id": modal["custom_id"],
            "components": [_submitted(one, filled) for one in modal["components"]],
        }
        return self._interact(
            SUBMIT, interaction.user, interaction.channel, data, interaction.about
        )

    def uses_on(self, person: User, command: str, message: Message) -> Interaction:
        """A command of the message menu."""
        top = self.commands.find_menu(command)
        if not self._may_use(person, top, message.channel):
            raise PermissionError(f"{command!r} is not shown to {person.display_name} here.")
        target = message_payload(message, self.world)
        data = {
            "id": top["id"],
            "name": top["name"],
            "type": MESSAGE_COMMAND,
            "target_id": message.id,
            "resolved": {"messages": {message.id: target}},
        }
        return self._interact(COMMAND, person, message.channel, data)

    def _touch(self, person: User, message: Message, part: Json, more: Json) -> Interaction:
        data = {"component_type": part["type"], "custom_id": part["custom_id"], "id": part["id"]}
        return self._interact(COMPONENT, person, message.channel, data | more, message)

    def _part(self, person: User, message: Message, kind: int, name: str) -> Json:
        for part in interactive(message.components):
            names = (part.get("label"), part.get("custom_id"), part.get("emoji", {}).get("name"))
            if part["type"] == kind and name in names:
                self._check_touchable(person, message, part)
                return part
        raise LookupError(f"There is no {name!r} under {message.content!r}.")

    def _check_touchable(self, person: User, message: Message, part: Json) -> None:
        if message.deleted or message.only_for not in (None, person):
            raise LookupError(f"{person.display_name} does not see that message.")
        if part.get("disabled"):
            raise PermissionError(f"{part.get('label') or part['custom_id']!r} is disabled.")


def _values(select: Json, labels: tuple[str, ...]) -> list[str] | None:
    by_name = {one["label"]: one["value"] for one in select["options"]}
    by_name |= {one["value"]: one["value"] for one in select["options"]}
    few, many = select.get("min_values", 1), select.get("max_values", 1)
    if not all(label in by_name for label in labels) or not few <= len(labels) <= many:
        return None
    return [by_name[label] for label in labels]


def _inputs(modal: Json) -> list[tuple[tuple[str, ...], Json]]:
    """Each input with the names a test may call it by."""
    found: list[tuple[tuple[str, ...], Json]] = []
    for outer in modal["components"]:
        for part in interactive([outer]):
            label = outer.get("label") or part.get("label") or ""
            found.append(((label, part["custom_id"]), part))
    return found


def _typed(part: Json, names: tuple[str, ...], texts: Mapping[str, str]) -> str:
    text = next((texts[name] for name in names if name in texts), part.get("value") or "")
    if not text and part.get("required", True):
        raise ValueError(f"{names[0]!r} must be filled in.")
    fewest, most = part.get("min_length") or 0, part.get("max_length") or 4000
    if text and not fewest <= len(text) <= most:
        raise ValueError(f"{names[0]!r} takes {fewest} to {most} characters.")
    return text


def _submitted(component: Json, filled: dict[str, str]) -> Json:
    kept: Json = {"type": component["type"], "id": component["id"]}
    if "components" in component:
        kept["components"] = [_submitted(one, filled) for one in component["components"]]
    elif "component" in component:
        kept["component"] = _submitted(component["component"], filled)
    elif "custom_id" in component:
        text = filled[component["custom_id"]]
        kept["custom_id"] = component["custom_id"]
        if component["type"] == STRING_SELECT:
            kept["values"] = [text] if text else []
        else:
            kept["value"] = text
    return kept
