"""Discord: mention the bot, reply to it or write to it directly, and the persona answers.

Knows Discord's rules (2,000 characters, edits, typing, commands); what an answer says, who
speaks and who may ask how often is the conversation's.

    running       start, stop, and one sentence for what prevents it
    endpoints     the one place where discord.py is pointed at another server
    client        which events there are, and whom they go to
    listening     which messages are meant for the bot, and what they say
    answering     the answers under way
    changes       edited and deleted messages, in memory too
    buttons       what hangs under an answer
    pressing      what a press there does: stop, again, retry, back and forth
    judging       👍 and 👎, with the server's consent
    telling       what only who pressed is told
    reply         one answer: typing, a message that grows by edits, its tail in further ones
    splitting     where a long text is cut
    delivery      sends and edits that survive lost answers and bad moments
    commands/     slash commands
    inviting      the link that adds the bot to a server
    logs          discord.py's log, calmer
    errors        what can go wrong here only
"""

from .running import run

__all__ = ["run"]
