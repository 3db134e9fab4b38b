"""Discord: mention the bot, reply to it or write to it directly, and the persona answers.

Knows Discord's rules (2,000 characters, edits, typing, commands); what an answer says, who
speaks and who may ask how often is the conversation's.

    running       start, stop, and one sentence for what prevents it
    endpoints     the one place where discord.py is pointed at another server
    client        which events there are, and whom they go to
    hearing       every message heard: is it meant for the bot, what is kept of the others
    listening     what a message says and to whom, in plain words
    overheard     the last lines of channels, in this process only
    surroundings  what a person sees around a message: those lines, the chain of replies
    files         what comes with messages: texts are read, pictures shown to models that see
    answering     the answers under way
    changes       edited and deleted messages, in memory too
    reply         one answer: typing, a message that grows by edits, its tail in further ones
    splitting     where a long text is cut
    delivery      sends and edits that survive lost answers and bad moments
    whispering    an answer that only the person who asked sees
    commands/     slash commands and the message menu
    inviting      the link that adds the bot to a server
    logs          discord.py's log, calmer
    errors        what can go wrong here only
"""

from .running import run

__all__ = ["run"]
