"""The words WhatsApp itself writes into exports: media, deletions, edits, system lines.

A check list gathered from many app versions and languages; where a language is missing, the
line is kept as if a person had written it. Texts are compared without direction marks.
"""

from __future__ import annotations

import re

LRM = "\u200e"
"""What iOS puts before words that are its own."""


def _any(*phrases: str) -> str:
    return "|".join(re.escape(phrase) for phrase in phrases)


DELETIONS = (
    "This message was deleted",
    "You deleted this message",
    "Diese Nachricht wurde gelöscht",
    "Du hast diese Nachricht gelöscht",
    "Se eliminó este mensaje",
    "Este mensaje fue eliminado",
    "Eliminaste este mensaje",
    "Mensagem apagada",
    "Essa mensagem foi apagada",
    "Esta mensagem foi apagada",
    "Você apagou esta mensagem",
    "Apagou esta mensagem",
    "Esta mensagem foi eliminada",
    "Eliminou esta mensagem",
    "Ce message a été supprimé",
    "Vous avez supprimé ce message",
    "Questo messaggio è stato eliminato",
    "Hai eliminato questo messaggio",
    "Dit bericht is verwijderd",
    "U heeft dit bericht verwijderd",
    "Bu mesaj silindi",
    "Данное сообщение удалено",
    "Вы удалили данное сообщение",
    "Це повідомлення було видалено",
    "Ви видалили це повідомлення",
    "Tato zpráva byla smazána",
    "Tuto zprávu jste smazal/a",
    "تم حذف هذه الرسالة",
    "הודעה זו נמחקה",
    "این پیام حذف شد",
    "این پیام حذف شده است",
    "यह मैसेज मिटाया गया",
    "यह संदेश मिटाया गया",
    "यह मैसेज डिलीट कर दिया गया है",
    "Pesan ini dihapus",
    "Pesan ini telah dihapus",
    "消息已删除",
    "信息已删除",
    "这条消息已被删除",
)
DELETED = re.compile(
    f"(?:{_any(*DELETIONS)}"
    r")(?: by (?:an )?admin\b[^\n]*)?\.?|Diese Nachricht wurde von Admin [^\n]* gelöscht\.?"
)

EDITED = re.compile(
    r"<(?:"
    + _any(
        "This message was edited",
        "Esta mensagem foi editada",
        "Mensagem editada",
        "Se editó este mensaje",
        "Ce message a été modifié",
        "Diese Nachricht wurde bearbeitet",
        "Questo messaggio è stato modificato",
        "Dit bericht is bewerkt",
        "Bu mesaj düzenlendi",
    )
    + r")\.?>\Z"
)

OMITTED = re.compile(
    r"null|<[^<>\n]{1,40} omitted>|<(?:"
    + _any(
        "Multimedia omitido",
        "Multimédia omitido",
        "Mídia oculta",
        "Médias omis",
        "Medien ausgeschlossen",
        "Media omessi",
        "Media weggelaten",
        "Medya dahil edilmedi",
        "ficheiro não revelado",
        "arquivo não revelado",
        "archivo no revelado",
    )
    + ")>"
)
"""A whole message that stands for a medium left out (Android; a view-once picture is "null")."""

OMISSIONS_IOS = (
    *("image omitted", "video omitted", "audio omitted", "sticker omitted", "GIF omitted"),
    *("document omitted", "Contact card omitted", "video note omitted", "voice message omitted"),
    *("Bild weggelassen", "Video weggelassen", "Audio weggelassen", "Sticker weggelassen"),
    *("GIF weggelassen", "Dokument weggelassen", "Kontaktkarte ausgelassen"),
    *("imagen omitida", "Video omitido", "audio omitido", "sticker omitido", "GIF omitido"),
    *("documento omitido", "Tarjeta de contacto omitida"),
    *("imagem não revelada", "vídeo não revelado", "ficheiro de áudio não revelado"),
    *("sticker não revelado", "GIF não revelada", "documento não revelado"),
    *("Contacto não revelado", "imagem ocultada", "vídeo ocultado", "áudio ocultado"),
    "figurinha omitida",
    *("image absente", "vidéo absente", "audio omis", "sticker omis", "GIF retiré"),
    *("document manquant", "Fiche contact manquante"),
    *("immagine omessa", "video omesso", "audio omesso", "sticker non incluso"),
    *("GIF esclusa", "documento omesso", "Scheda contatto omessa"),
    *("изображение отсутствует", "видео отсутствует", "аудио отсутствует"),
    *("стикер не добавлен", "GIF отсутствует", "документ отсутствует"),
    "карточка контакта отсутствует",
    *("зображення відсутнє", "відео відсутнє", "аудіо відсутнє", "Наклейку не додано"),
    *("GIF-анімацію пропущено", "документ пропущено", "Картка контакту відсутня"),
    *("obrázek vynechán", "video vynecháno", "nálepka vynechána", "GIF vynechán"),
    *("dokument vynechán", "Vizitka vynechána"),
    *("لم يتم إدراج الصورة", "لم يتم إدراج الفيديوهات", "لم يتم إدراج المقاطع الصوتية"),
    *("تم حذف الملصقات", "لم يتم إدراج صورة GIF", "لم يتم إدراج المستند"),
    "لم يتم إدراج بطاقة جهة اتصال",
)
OMITTED_IOS = re.compile(rf"(?:{_any(*OMISSIONS_IOS)})\.?\s*\Z")
"""What iOS writes at the end of a message instead of a medium, after its mark or alone."""

ATTACHED = re.compile(
    r"<\s*(?:attached|anexado|adjunto|pièce jointe|Anhang|allegato|bijlage|ek|załącznik|вложение"
    r"|вкладення)\s?:\s*+[^<>\n]+>"
)
"""A medium that was exported along (iOS); what else the message holds is its caption."""

ATTACHED_FILE = re.compile(
    r"\.\w{0,5} (?:<attached>|\((?:"
    + _any(
        "file attached",
        "ficheiro anexado",
        "arquivo anexado",
        "archivo adjunto",
        "fichier joint",
        "Datei angehängt",
        "file allegato",
        "bestand bijgevoegd",
        "dosya ekli",
        "plik załączony",
        "файл прикреплен",
        "файл прикріплено",
    )
    + r")\))"
)
"""The end of a line that names such a file (Android)."""

POLLS = ("POLL", "SONDAGEM", "ENQUETE", "ENCUESTA", "SONDAGE", "UMFRAGE", "SONDAGGIO", "PEILING",
         "ANKET")  # fmt: skip
PLACES = ("Location", "location", "Ubicación", "Standort", "Localização", "Localisation",
          "Posizione")  # fmt: skip
OTHER_MEDIA = re.compile(
    rf"(?:{_any(*POLLS)}):\s*(?:\n|\Z)|(?:{_any(*PLACES)}):\s*https?://\S+\s*\Z"
    r"|[Ll]ive location shared\s*\Z"
)

ENCRYPTION = re.compile(
    r"Messages (?:and calls|to this (?:chat|group)|you send to this (?:chat|group))[^\n]*"
    r"end-to-end|(?:[^\n]*(?:Ende-zu-Ende|extremo a extremo|ponta a ponta|bout en bout"
    r"|crittografia end-to-end|eind-tot-eind|uçtan uca|сквозн|наскрізн|端到端|端對端"
    r"|エンドツーエンド|종단간|तक एन्क्रिप्ट|تام بين الطرفين))"
)

SYSTEM = re.compile(
    r"(?:Missed|Silenced) (?:voice|video|group)[^\n]{0,20} call|(?:Voice|Video) call\b"
    r"|Your security code with|Waiting for this message|This business|You (?:created|blocked"
    r"|unblocked|added|removed|left|changed|joined|turned|updated|pinned|were added)\b"
    r"|[^\n]{0,80}\b(?:created (?:this )?group|created this community|joined (?:using|from)"
    r"|added (?:you|[^\n]{1,60})\Z|was added\b|left\Z|removed [^\n]{1,60}\Z|changed (?:the|this"
    r"|their|to)\b|pinned a message|turned (?:on|off) disappearing|requested to join"
    r"|is a contact|you're now an admin|now an admin)"
)
"""What iOS says in somebody's name, in English, after its mark."""


NOTICED = 5
BEGINNINGS = frozenset(
    words[:NOTICED]
    for words in (
        *DELETIONS, *OMISSIONS_IOS, *PLACES, *(f"{poll}:" for poll in POLLS),
        "Messages ", "null", "Live location", "live location",
    )
)  # fmt: skip
"""How everything above begins that needs neither a mark nor ">" nor " (": the rest is plain."""


def is_system(words: str, speaker: str, groups: set[str]) -> bool:
    """Whether words under a speaker's name are the app's own. `words` still has its marks."""
    bare = words.lstrip(LRM)
    if bare == words:
        return words.startswith("Messages ") and bool(ENCRYPTION.match(words))
    if ENCRYPTION.match(bare):
        return True
    subject = bare.removeprefix("~").strip("\u202f\u00a0 ")
    return speaker in groups or subject.startswith(f"{speaker} ") or bool(SYSTEM.match(bare))
