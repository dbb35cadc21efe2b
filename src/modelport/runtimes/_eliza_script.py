"""What eliza listens for, and what it says: data only.

A pattern is words; ``*`` stands for any words (none, too), ``@group`` for one word of a group. Each star and each
group is a part, numbered from 1. A reply puts part 2, turned round (*my* becomes *your*), where it says ``{2}``.
The replies of a pattern are taken in turn. A reply ``=word`` goes on with the rules of that keyword.
"""

from typing import NamedTuple

__all__ = (
    "FAREWELLS",
    "GREETINGS",
    "GROUPS",
    "KEYWORDS",
    "MEMORIES",
    "NOTHING_FOUND",
    "PICTURES",
    "REFLECTIONS",
    "SILENCE",
    "SPELLINGS",
    "Keyword",
    "Rule",
)


class Rule(NamedTuple):
    """A shape that what was said may have, and the replies to it."""

    pattern: str
    replies: tuple[str, ...]


class Keyword(NamedTuple):
    """A word, how much it matters beside others in the same sentence, and what to look for around it."""

    word: str
    rank: int
    rules: tuple[Rule, ...]


GROUPS = {
    "feel": ("feel", "feeling", "felt"),
    "sad": ("sad", "unhappy", "depressed", "lonely", "miserable", "tired", "exhausted", "anxious", "worried", "stuck"),
    "glad": ("happy", "glad", "pleased", "excited", "proud", "relieved", "better", "calm"),
    "family": ("mother", "father", "mom", "dad", "sister", "brother", "wife", "husband", "son", "daughter", "parents"),
    "wish": ("want", "wish", "need", "hope", "crave"),
    "believe": ("think", "believe", "suppose", "guess", "suspect"),
    "everyone": ("everyone", "everybody", "nobody", "people"),
    "able": ("can't", "cannot", "couldn't"),
    "be": ("am", "is", "are", "was", "were"),
}

SPELLINGS = {
    "dont": "don't",
    "cant": "can't",
    "wont": "won't",
    "im": "i'm",
    "ive": "i've",
    "youre": "you're",
    "mum": "mom",
    "maybe": "perhaps",
    "certainly": "yes",
    "yeah": "yes",
    "yep": "yes",
    "nope": "no",
    "hi": "hello",
    "hey": "hello",
    "dreamed": "dreamt",
    "chatbot": "computer",
    "robot": "computer",
    "machine": "computer",
    "program": "computer",
    "ai": "computer",
    "llm": "computer",
    "i'm": "i am",
    "you're": "you are",
    "i've": "i have",
    "you've": "you have",
    "i'll": "i will",
    "i'd": "i would",
    "it's": "it is",
    "that's": "that is",
}

REFLECTIONS = {
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "am": "are",
    "was": "were",
    "you": "me",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
    "we": "you",
    "us": "you",
    "our": "your",
    "ours": "yours",
    "ourselves": "yourselves",
}

GREETINGS = (
    "Hello. What is on your mind today?",
    "Good to hear from you. Where would you like to begin?",
    "Hello again. What shall we talk about?",
)
FAREWELLS = (
    "Goodbye. Thank you for talking with me.",
    "Until next time. I hope something here was of use.",
)
SILENCE = (
    "Take your time.",
    "You are quiet. What are you thinking of?",
)
NOTHING_FOUND = (
    "Please go on.",
    "Tell me more about that.",
    "I am not sure that I follow. Could you put it another way?",
    "What does that bring to mind?",
    "And how does that sit with you?",
    "What would you say is at the bottom of it?",
)
MEMORIES = (
    "Earlier you told me this: your {1}. Does it have to do with that?",
    "Let us go back to something: your {1}. What more is there to say?",
    "I am still thinking of what you said before: your {1}.",
    "Your {1}, you said. Could this go back to that?",
)
PICTURES = (
    "I see a picture of {1}. I cannot make out what it shows; what do you see in it?",
    "Another picture: {1}. What should I know about it?",
    "This one is {1}. Why did you choose it?",
)

KEYWORDS = (
    Keyword("sorry", 1, (Rule("*", ("There is nothing to be sorry for.", "No harm done. Go on.")),)),
    Keyword(
        "remember",
        5,
        (
            Rule(
                "* i remember *",
                (
                    "What else comes back when you think of {2}?",
                    "Why does {2} come to mind just now?",
                    "Do you often think of {2}?",
                ),
            ),
            Rule("* do you remember *", ("Why should I have forgotten {2}?", "What about {2}?")),
        ),
    ),
    Keyword(
        "if",
        3,
        (
            Rule(
                "* if *",
                (
                    "How likely is it, do you think, that {2}?",
                    "Suppose that {2}. What then?",
                    "Do you hope that {2}?",
                ),
            ),
        ),
    ),
    Keyword(
        "dreamt",
        4,
        (
            Rule("* i dreamt about *", ("What does {2} mean to you by day?", "=dream")),
            Rule(
                "* i dreamt *",
                ("Had you ever imagined {2} while awake?", "How did you feel on waking from {2}?", "=dream"),
            ),
        ),
    ),
    Keyword(
        "dream",
        3,
        (
            Rule(
                "*",
                (
                    "What does that dream say to you?",
                    "Do you dream often?",
                    "Who else appears in your dreams?",
                ),
            ),
        ),
    ),
    Keyword("perhaps", 0, (Rule("*", ("You sound unsure.", "What would make you certain?", "Perhaps. And if not?")),)),
    Keyword(
        "computer",
        50,
        (
            Rule(
                "* are you * computer *",
                (
                    "Yes: a few dozen patterns and some patience, nothing more. Does that change what you want to say?",
                    "I am a program with a list of keywords. What made you ask?",
                ),
            ),
            Rule("* you are * computer *", ("So I am. What would be different if I were not?",)),
            Rule(
                "*",
                (
                    "What about computers concerns you?",
                    "Do you trust them with your thoughts?",
                    "What would you have a computer do for you?",
                ),
            ),
        ),
    ),
    Keyword(
        "name",
        15,
        (
            Rule("* your name *", ("I am called eliza, after the program of 1966. What shall I call you?",)),
            Rule("* my name is *", ("Pleased to meet you, {2}. What brings you here?",)),
            Rule("*", ("Names matter less to me than what is behind them. Go on.",)),
        ),
    ),
    Keyword(
        "am",
        0,
        (
            Rule("* am i *", ("Do you believe you are {2}?", "Would you like to be {2}?", "What if you were {2}?")),
            Rule(
                "* i am * @sad *",
                (
                    "I am sorry to hear that you are {3}. How long has it been so?",
                    "What happened before you became {3}?",
                    "Do you think that talking helps when one is {3}?",
                ),
            ),
            Rule(
                "* i am * @glad *",
                (
                    "What made you {3}?",
                    "It is good that you are {3}. What comes of it?",
                    "Were you {3} before you came here?",
                ),
            ),
            Rule(
                "* i am *",
                (
                    "How long have you been {2}?",
                    "What is it like to be {2}?",
                    "Do you think it is usual to be {2}?",
                    "Would you rather not be {2}?",
                ),
            ),
            Rule("*", ("Why do you put it that way?", "How did you come to see it so?")),
        ),
    ),
    Keyword(
        "are",
        0,
        (
            Rule(
                "* are you *",
                (
                    "Why does it matter to you whether I am {2}?",
                    "Would you prefer me not to be {2}?",
                    "Perhaps I am {2} only in your mind.",
                ),
            ),
            Rule(
                "* you are *",
                (
                    "What makes you say that I am {2}?",
                    "Does it please you to think of me as {2}?",
                    "Do you sometimes wish you were {2}?",
                ),
            ),
            Rule("* are *", ("Did you think they might not be {2}?", "What if they were not {2}?")),
        ),
    ),
    Keyword(
        "your",
        0,
        (Rule("* your *", ("Why do you ask about my {2}?", "What about your own {2}?", "Does my {2} trouble you?")),),
    ),
    Keyword(
        "want",
        2,
        (
            Rule(
                "* i @wish *",
                (
                    "What would it mean to you if you got {3}?",
                    "Suppose you had {3} tomorrow. What would change?",
                    "What has kept you from {3} so far?",
                ),
            ),
        ),
    ),
    Keyword("need", 2, (Rule("*", ("=want",)),)),
    Keyword("wish", 2, (Rule("*", ("=want",)),)),
    Keyword("hope", 2, (Rule("*", ("=want",)),)),
    Keyword(
        "feel",
        3,
        (
            Rule(
                "* i @feel *",
                (
                    "Tell me more about feeling {3}.",
                    "When do you most often feel {3}?",
                    "What else do you feel when you feel {3}?",
                ),
            ),
        ),
    ),
    Keyword("feeling", 3, (Rule("*", ("=feel",)),)),
    Keyword("felt", 3, (Rule("*", ("=feel",)),)),
    Keyword(
        "think",
        1,
        (
            Rule("* do you think *", ("I am more curious about what you think.", "What answer would help you most?")),
            Rule(
                "* i @believe *",
                ("Do you doubt that {3}?", "What leads you to think {3}?", "And if it turned out otherwise?"),
            ),
        ),
    ),
    Keyword("believe", 1, (Rule("*", ("=think",)),)),
    Keyword(
        "can't",
        2,
        (
            Rule(
                "* i @able *",
                (
                    "What would happen if you could {3}?",
                    "Have you tried to {3}?",
                    "What do you think stands in the way when you try to {3}?",
                ),
            ),
            Rule("* you @able *", ("What makes you think that I cannot {3}?", "Would you like me to {3}?")),
        ),
    ),
    Keyword("cannot", 2, (Rule("*", ("=can't",)),)),
    Keyword(
        "don't",
        1,
        (
            Rule("* i don't know *", ("What would you guess?", "And if you did know?", "Who might know {2}?")),
            Rule("* i don't *", ("Why don't you {2}?", "Do you wish that you did {2}?", "Does it trouble you?")),
            Rule("* why don't you *", ("Do you think that I should {2}?", "What would follow if I did {2}?")),
        ),
    ),
    Keyword(
        "my",
        2,
        (
            Rule(
                "* my * @family *",
                (
                    "Tell me more about your family.",
                    "What comes to mind when you think of your {3}?",
                    "Who else in your family {4}?",
                ),
            ),
            Rule(
                "* my *",
                (
                    "Your {2}. Go on.",
                    "Why do you say your {2}?",
                    "Does it matter to you that it is your {2}?",
                ),
            ),
        ),
    ),
    Keyword(
        "because",
        1,
        (
            Rule(
                "*",
                ("Is that the whole reason?", "What other reasons might there be?", "Does that explain anything else?"),
            ),
        ),
    ),
    Keyword(
        "why",
        1,
        (
            Rule(
                "* why can't i *",
                ("Do you think that you should be able to {2}?", "What have you tried in order to {2}?"),
            ),
            Rule("*", ("What answer would you give yourself?", "What do you suspect?", "=what")),
        ),
    ),
    Keyword(
        "what",
        0,
        (
            Rule(
                "*",
                (
                    "What makes you ask?",
                    "What answer would please you most?",
                    "Have you put that question to anyone else?",
                    "What comes to your mind when you ask that?",
                ),
            ),
        ),
    ),
    Keyword("how", 0, (Rule("*", ("=what",)),)),
    Keyword("who", 0, (Rule("*", ("=what",)),)),
    Keyword("when", 0, (Rule("* when *", ("=what",)),)),
    Keyword(
        "everyone",
        2,
        (Rule("* @everyone *", ("Surely not {2}?", "Whom do you have in mind?", "Who is the exception?")),),
    ),
    Keyword("everybody", 2, (Rule("*", ("=everyone",)),)),
    Keyword("nobody", 2, (Rule("*", ("=everyone",)),)),
    Keyword("people", 1, (Rule("*", ("Which people?", "Are you one of them?")),)),
    Keyword(
        "always",
        1,
        (Rule("*", ("Can you give me an example?", "Always? When was the last time?", "What if it were only often?")),),
    ),
    Keyword("never", 1, (Rule("*", ("Never? Not even once?", "What would the first time look like?")),)),
    Keyword(
        "work",
        1,
        (Rule("*", ("What part of your work takes most out of you?", "Who sees the work that you do?")),),
    ),
    Keyword(
        "like",
        1,
        (Rule("* @be * like *", ("In what way?", "What do the two have in common?", "Could the likeness be chance?")),),
    ),
    Keyword("yes", 0, (Rule("*", ("You seem sure.", "I see. Go on.", "What makes you so certain?")),)),
    Keyword("no", 0, (Rule("*", ("Why not?", "You say no. What would a yes change?", "Are you saying no to me?")),)),
    Keyword("thanks", 1, (Rule("*", ("You are welcome. What else is there?",)),)),
    Keyword("thank", 1, (Rule("*", ("=thanks",)),)),
    Keyword("hello", 0, (Rule("hello", GREETINGS), Rule("hello eliza", GREETINGS), Rule("hello there", GREETINGS))),
    Keyword("goodbye", 60, (Rule("*", FAREWELLS),)),
    Keyword("bye", 60, (Rule("*", FAREWELLS),)),
)
