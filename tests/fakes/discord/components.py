"""What Discord checks in components: rows of buttons and string selects, and modals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.fakes.discord.errors import ApiError, Json, invalid_field

ROW, BUTTON, STRING_SELECT, TEXT_INPUT, TEXT_DISPLAY, LABEL = 1, 2, 3, 4, 10, 18
LINK = 5
MAX_ROWS = MAX_BUTTONS = 5
MAX_OPTIONS = 25


def interactive(components: Iterable[Json]) -> Iterator[Json]:
    """The parts a person can touch, whatever they are wrapped in."""
    for one in components:
        if one["type"] in (BUTTON, STRING_SELECT, TEXT_INPUT):
            yield one
        yield from interactive(one.get("components") or [])
        if "component" in one:
            yield from interactive([one["component"]])


def numbered(components: list[Json], start: int = 1) -> list[Json]:
    """As Discord keeps them: every part has an id, in sequence where none was given."""
    taken = {one.get("id") for one in _all(components)}
    free = (number for number in range(start, 1000) if number not in taken)
    return [_with_id(one, free) for one in components]


def _with_id(component: Json, free: Iterator[int]) -> Json:
    kept = component | {"id": component.get("id") or next(free)}
    if "components" in kept:
        kept["components"] = [_with_id(one, free) for one in kept["components"]]
    if "component" in kept:
        kept["component"] = _with_id(kept["component"], free)
    return kept


def _all(components: Iterable[Json]) -> Iterator[Json]:
    for one in components:
        yield one
        yield from _all(one.get("components") or [])
        if "component" in one:
            yield from _all([one["component"]])


# -- messages ---------------------------------------------------------------------------------


def check_rows(rows: object, path: str = "components") -> None:
    """Raises ApiError 50035 for what Discord refuses under a message."""
    if rows is None:
        return
    if not isinstance(rows, list) or len(rows) > MAX_ROWS:
        raise _bad_length(path, "5 or fewer")
    for position, row in enumerate(rows):
        where = f"{path}.{position}"
        if row.get("type") != ROW:
            raise invalid_field(
                f"{where}.type", "UNION_TYPE_CHOICES", "Value of field must be one of (1,)."
            )
        _check_row(row.get("components") or [], f"{where}.components")
    _check_unique(rows, path)


def _check_row(parts: list[Json], path: str) -> None:
    if not 1 <= len(parts) <= MAX_BUTTONS:
        raise _bad_length(path, "between 1 and 5")
    for position, part in enumerate(parts):
        where = f"{path}.{position}"
        match part.get("type"):
            case 2:
                _check_button(part, where)
            case 3 if len(parts) == 1:
                _check_select(part, where)
            case _:
                raise invalid_field(
                    f"{where}.type",
                    "COMPONENT_TYPE_INVALID",
                    "A row takes up to five buttons or one select menu.",
                )


def _check_button(button: Json, path: str) -> None:
    style, label = button.get("style"), button.get("label")
    if style not in (1, 2, 3, 4, LINK):
        raise invalid_field(f"{path}.style", "BASE_TYPE_CHOICES", "Must be one of (1..5).")
    if label is not None and len(label) > 80:
        raise _bad_length(f"{path}.label", "80 or fewer")
    if not label and not button.get("emoji"):
        raise invalid_field(
            path, "BUTTON_COMPONENT_MISSING_LABEL", "A button needs a label or an emoji."
        )
    if style != LINK:
        check_custom_id(button, path)
        if "url" in button:
            raise invalid_field(
                path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "Not both."
            )
    elif "custom_id" in button or not 1 <= len(button.get("url") or "") <= 512:
        raise invalid_field(f"{path}.url", "BASE_TYPE_REQUIRED", "A link needs a url only.")


def _check_select(select: Json, path: str) -> None:
    check_custom_id(select, path)
    options = select.get("options") or []
    if not 1 <= len(options) <= MAX_OPTIONS:
        raise _bad_length(f"{path}.options", "between 1 and 25")
    for position, option in enumerate(options):
        for name in ("label", "value"):
            if not 1 <= len(option.get(name) or "") <= 100:
                raise _bad_length(f"{path}.options.{position}.{name}", "between 1 and 100")
    values = [option["value"] for option in options]
    if len(set(values)) < len(values):
        raise invalid_field(
            f"{path}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "Values are unique."
        )
    if len(select.get("placeholder") or "") > 150:
        raise _bad_length(f"{path}.placeholder", "150 or fewer")
    fewest, most = select.get("min_values", 1), select.get("max_values", 1)
    if not 0 <= fewest <= most <= MAX_OPTIONS or most < 1:
        raise invalid_field(f"{path}.max_values", "NUMBER_TYPE_MAX", "Between 1 and 25.")


# -- modals -----------------------------------------------------------------------------------


def check_modal(modal: Json) -> None:
    """Raises ApiError 50035 for a modal Discord refuses."""
    check_custom_id(modal, "data")
    if not 1 <= len(modal.get("title") or "") <= 45:
        raise _bad_length("data.title", "between 1 and 45")
    parts = modal.get("components") or []
    if not 1 <= len(parts) <= MAX_ROWS:
        raise _bad_length("data.components", "between 1 and 5")
    for position, part in enumerate(parts):
        _check_in_modal(part, f"data.components.{position}")
    _check_unique(parts, "data.components")


def _check_in_modal(part: Json, path: str) -> None:
    match part.get("type"):
        case 1 if len(part.get("components") or []) == 1:
            (inner,) = part["components"]
            _check_label(inner, f"{path}.components.0")
        case 18:
            _check_label(part, path)
            inner = part.get("component") or {}
        case 10:
            return
        case _:
            raise invalid_field(f"{path}.type", "UNION_TYPE_CHOICES", "Not in a modal.")
    match inner.get("type"):
        case 4:
            _check_text_input(inner, path)
        case 3 if "disabled" not in inner or not inner["disabled"]:
            _check_select(inner, path)
        case _:
            raise invalid_field(path, "COMPONENT_TYPE_INVALID", "Not in a modal.")


def _check_label(part: Json, path: str) -> None:
    if not 1 <= len(part.get("label") or "") <= 45:
        raise _bad_length(f"{path}.label", "between 1 and 45")


def _check_text_input(text: Json, path: str) -> None:
    check_custom_id(text, path)
    if text.get("style") not in (1, 2):
        raise invalid_field(f"{path}.style", "BASE_TYPE_CHOICES", "Must be one of (1, 2).")
    if len(text.get("placeholder") or "") > 100:
        raise _bad_length(f"{path}.placeholder", "100 or fewer")
    fewest, most = text.get("min_length") or 0, text.get("max_length") or 4000
    if not 0 <= fewest <= most <= 4000:
        raise invalid_field(f"{path}.max_length", "NUMBER_TYPE_MAX", "Between 1 and 4000.")


# -- both -------------------------------------------------------------------------------------


def check_custom_id(part: Json, path: str) -> None:
    if not 1 <= len(str(part.get("custom_id") or "")) <= 100:
        raise _bad_length(f"{path}.custom_id", "between 1 and 100")


def _check_unique(parts: list[Json], path: str) -> None:
    ids = [one["custom_id"] for one in interactive(parts) if "custom_id" in one]
    if len(set(ids)) < len(ids):
        raise invalid_field(
            path, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )


def _bad_length(path: str, how_long: str) -> ApiError:
    return invalid_field(path, "BASE_TYPE_BAD_LENGTH", f"Must be {how_long} in length.")
