"""Discord: mention the bot, reply to it or write to it directly, and the persona answers.

Knows Discord's rules (2,000 characters, edits, typing, commands); what an answer says, who
speaks and who may ask how often is the conversation's.

    running       start, stop, and one sentence for what prevents it
    assembling    everything put together for one run
    endpoints     the one place where discord.py is pointed at another server
    client        which events there are, and whom they go to
    shards        this process's connections: which, how they begin, which of them are there
    throttle      the limit for the whole bot
    catching_up   what was said while the bot was away
    hearing       every message heard: is it meant for the bot, what is kept of the others
    listening     what a message says and to whom, in plain words
    overheard     the last lines of channels, in this process only
    surroundings  what a person sees around a message: those lines, the chain of replies
    files         what comes with messages: texts are read, pictures shown to models that see
    answering     the answers under way
    changes       edited and deleted messages, in memory too
    buttons       what hangs under an answer
    pressing      what a press there does: stop, again, retry, back and forth
    judging       👍 and 👎, with the server's consent
    telling       what only who used a command or a button is told
    reply         one answer: typing, a message that grows by edits, its tail in further ones
    splitting     where a long text is cut
    bursts        which parts of an answer are messages of their own
    delivery      sends and edits that survive lost answers and bad moments
    faces         the webhooks by which personas have a name and a picture of their own
    faced         sends and edits with such a face, or as the bot itself
    jumping       the lines above an answer: whom it answers, what was asked
    whispering    an answer that only the person who asked sees
    board         two answers side by side, for a comparison
    staging       a channel as the stage of a scene
    commands/     slash commands and the message menu
    inviting      the link that adds the bot to a server
    logs          discord.py's log, calmer
    errors        what can go wrong here only
"""

from .running import run

__all__ = ["run"]
