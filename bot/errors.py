"""What can go wrong where a person waits, each with the sentence that person reads.

Errors of one part only, such as a scene's, stand beside that part.

    UnderstudyError
    ├── CannotStart                 a part can't start: the owner reads it, the process ends
    │   ├── NoPlatform
    │   ├── WrongSettings
    │   └── RedisWillNotStart
    ├── MemoryGone                  Redis is away
    │   ├── MemoryFull              it has no room: disk or maxmemory
    │   └── MemoryLocked            it refuses the password
    ├── NotRemembered               what is to be answered anew was forgotten
    ├── AnsweringAlready            … or is just being answered
    ├── Stopped                     somebody stopped the answer
    ├── StoppingNow                 the process is on its way out
    ├── UnknownPersona
    ├── UnknownVersion
    ├── OverLimit                   for those who asked by a command and are told so
    ├── SwitchedOff                 an administrator wants no answers in this place
    ├── UnfitSetting                what somebody chose for a place is out of range
    ├── ListFull                    a list that somebody chose has no room
    ├── NotWelcome                  somebody, or a channel, is not to be answered
    ├── NotOperator                 somebody may not change what all servers share
    ├── BadCharacterCard            a file is no character card, or not one to take
    ├── NoPersonas
    ├── PersonasRefused             the inference server refuses the key for its persona list
    ├── ModelError
    │   ├── ModelGone               nothing listens
    │   ├── ModelBusy               429, 503
    │   ├── ModelSlow               no first token in time, or a pause that is too long
    │   ├── ModelBroke              the stream broke in the middle, or made no sense
    │   ├── ModelFailed             5xx
    │   ├── ModelMissing            404: nobody of that name is loaded
    │   ├── ModelLocked             401, 403: wrong key
    │   ├── ModelRefused            any other 4xx
    │   └── ModelSpeechless         an answer without a word
    └── AdminError
        ├── AdminLocked             no admin key, or the wrong one
        ├── NoAdmin                 the server is not ours: it has no such routes
        ├── AdminGone               the server can't be reached, or took too long
        ├── RolloutBusy             409: another rollout of that persona runs
        └── RolloutFailed           the step and the reason

`spoken` is for the person; `str(error)` is the detail for the log. Neither ever holds a secret.
"""

from __future__ import annotations

from collections.abc import Iterable


class UnderstudyError(Exception):
    """Something a person must be told; `detail` is for the log."""

    spoken = "Something broke on my side."
    retry_helps = True
    """Of a failure in an answer's place: whether the same question may be answered in a while
    although nobody changes anything."""

    def __init__(self, detail: str = "", *, spoken: str | None = None) -> None:
        super().__init__(detail or spoken or self.spoken)
        if spoken is not None:
            self.spoken = spoken


class CannotStart(UnderstudyError):
    """A part can't start; the entry point prints `spoken` and exits with 1."""

    spoken = "This part can't start."
    retry_helps = False


class NoPlatform(CannotStart):
    spoken = (
        "There is no platform to run: set DISCORD_TOKEN (in .env) for Discord,"
        " or talk in the terminal with `understudy chat`."
    )


class WrongSettings(CannotStart):
    def __init__(self, problems: str) -> None:
        super().__init__(spoken=f"The settings (environment or .env) need a correction: {problems}")


class RedisWillNotStart(CannotStart):
    def __init__(self, reason: str) -> None:
        super().__init__(
            spoken=f"The embedded Redis did not start: {reason.rstrip('.')};"
            " or set REDIS_URL to use another Redis."
        )


class MemoryGone(UnderstudyError):
    spoken = "I can't reach my memory right now. Ask me again in a moment."


class MemoryFull(MemoryGone):
    spoken = "My memory is full. The owner should make room on its disk; then ask me again."


class MemoryLocked(MemoryGone):
    spoken = "My memory refuses my password. The owner should check REDIS_URL."
    retry_helps = False


class NotRemembered(UnderstudyError):
    spoken = "I don't remember that any more, so I can't go back to it. Ask me anew."
    retry_helps = False


class AnsweringAlready(UnderstudyError):
    spoken = "I am at it already. One moment, please."
    retry_helps = False


class OverLimit(UnderstudyError):
    """`spoken` says when there will be more."""

    retry_helps = False


class Stopped(UnderstudyError):
    spoken = "Stopped."
    retry_helps = False


class StoppingNow(UnderstudyError):
    spoken = "I am being switched off right now. Ask me again when I am back."


class UnknownPersona(UnderstudyError):
    retry_helps = False

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = ", ".join(known)
        shown = name if len(name) <= 40 else name[:40] + "…"
        spoken = f"I know nobody called “{shown}”. I can be: {names or 'nobody yet'}."
        super().__init__(spoken=spoken)


class UnknownVersion(UnderstudyError):
    retry_helps = False

    def __init__(self, name: str, version: int, known: Iterable[int]) -> None:
        there = ", ".join(map(str, known))
        spoken = f"{name} has no version {version}. There are: {there or 'none'}."
        super().__init__(spoken=spoken)


class SwitchedOff(UnderstudyError):
    spoken = "An administrator has switched me off in this channel."
    retry_helps = False


class UnfitSetting(UnderstudyError):
    retry_helps = False

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        """Pairs of a setting's name and what it "should be"."""
        said = "; ".join(f"{name.replace('_', ' ')} {should}" for name, should in problems)
        super().__init__(spoken=f"That can't be set: {said}.")


class ListFull(UnderstudyError):
    def __init__(self, room: int) -> None:
        super().__init__(
            spoken=f"That list is full: it holds {room} entries. Take somebody off it first, or"
            " use roles."
        )


class NotWelcome(UnderstudyError):
    spoken = "I may not answer you here."
    retry_helps = False


class NotOperator(UnderstudyError):
    spoken = "Personas are shared by all servers: only the operators of this bot change them."


class BadCharacterCard(UnderstudyError):
    spoken = "That is no character card."


class NoPersonas(UnderstudyError):
    spoken = "There is no persona yet. Publish one first: `understudy publish NAME`."
    retry_helps = False


class PersonasRefused(UnderstudyError):
    spoken = "My voice refuses my key. The owner should check INFERENCE_API_KEY."
    retry_helps = False


class ModelError(UnderstudyError):
    """The model's answer failed; `retryable` says that asking once more at once makes sense.

    `retry_after_s` is when the server itself says that it will have room.
    """

    spoken = "I lost my voice for a moment."
    retryable = False
    retry_after_s: float | None = None


class ModelGone(ModelError):
    spoken = "My voice is away right now: the model can't be reached. Try again in a minute."
    retryable = True


class ModelBusy(ModelError):
    spoken = "Too many people at once. Ask me again in a minute."
    retryable = True


class ModelSlow(ModelError):
    spoken = "I am thinking too slowly right now. Ask me again in a minute."


class ModelBroke(ModelError):
    spoken = "I lost the thread in the middle of that. Ask me again."
    retryable = True


class ModelFailed(ModelError):
    spoken = "The model stumbled over that. Ask me again in a moment."
    retryable = True


class ModelMissing(ModelError):
    spoken = "Nobody of that name is loaded on the server. The owner should publish a version."
    retry_helps = False


class ModelLocked(ModelError):
    spoken = "My voice refuses my key. The owner should check INFERENCE_API_KEY."
    retry_helps = False


class ModelRefused(ModelError):
    spoken = "The model would not take that message. Say it shorter, or differently."
    retry_helps = False


class ModelSpeechless(ModelError):
    spoken = "I have no words for that. Say it differently?"
    retryable = True


class AdminError(UnderstudyError):
    spoken = "The inference server refused that."
    retry_helps = False


class AdminLocked(AdminError):
    spoken = "The inference server refuses the admin key. Set ADMIN_API_KEY to the server's own."


class NoAdmin(AdminError):
    spoken = "The inference server is not Understudy's own: it has no routes to manage personas."


class AdminGone(AdminError):
    spoken = "The inference server can't be reached right now. Nothing was changed."


class RolloutBusy(AdminError):
    def __init__(self, name: str) -> None:
        super().__init__(spoken=f"Another rollout of {name} is running. Wait until it is done.")


class RolloutFailed(AdminError):
    def __init__(self, name: str, step: str, reason: str) -> None:
        super().__init__(spoken=f"{name} stays as before: the rollout failed at “{step}”: {reason}")
        self.step = step
        self.reason = reason
