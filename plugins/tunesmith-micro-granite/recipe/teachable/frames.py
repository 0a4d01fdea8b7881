"""Sentences around things, sentences about nothing, names of fields, and words for labels."""

from __future__ import annotations

__all__ = [
    "CLOSINGS", "FIELDS", "FRAMES", "GREETINGS", "LABEL_WORDS", "NAMES", "NEUTRAL",
    "SHORT_LABELS", "TARGETS",
]  # fmt: skip

FRAMES = (
    "I was thinking about {x}.", "she told me about {x} yesterday", "Do you have {x}?",
    "There is a note here about {x} and {y}.", "We talked about {x} for an hour.",
    "they asked me for {x}", "My uncle knows everything about {x}.", "Is this {x} or {y}?",
    "The report mentions {x}, {y} and {z}.", "I saw {x} on the way to work.",
    "please tell us more about {x}", "What do you know about {x}?", "He wrote a page on {x}.",
    "It was the first time that we needed {x}.", "one of them has to do with {x}",
    "{x} and {y}, that was all she said.", "Nothing but {x} everywhere!", "A question about {x}.",
    "They could not find {x} anywhere.", "I remember {x} from my youth.", "without {x} it is hard",
    "The second picture shows {x}.", "Between {x} and {y} there is a difference.",
    "Have you ever heard of {x}?", "In the end it was all about {x}.", "the talk is about {x}",
    "Someone mentioned {x} at the table.", "This week: {x}, {y}.", "news of {x}",
    "I need {x} by tomorrow.", "My brother cannot live without {x}.", "a story with {x} and {y}",
    "For {x} you must go upstairs.", "He is writing about {x} again.", "you can see {x} there",
    "The children were drawing {x}.", "Where would I put {x}?", "{x} is what I mean.",
    "some {x}, some {y}", "Could anybody help me with {x}?", "We have too much {x} already.",
)  # fmt: skip
NEUTRAL = (
    "It was a long day.", "I hope this helps.", "We will see.", "That is what he said.",
    "I am not sure.", "My number is 5 5 0 1.", "See you soon.", "As I said before.",
    "There were five of us.", "That was last year.", "You know how it is.", "Let me know.",
    "I write from my office.", "it happened twice", "My sister was with me.", "Just so you know.",
    "I waited a moment.", "We came at noon.", "Nobody else was there.", "I will call again.",
    "It does not matter now.", "It was about three o'clock.", "We live nearby.", "Anyway.",
)  # fmt: skip
GREETINGS = ("Hello,", "Hi,", "Good morning.", "Dear team,", "hi there", "To whom it may concern:")
CLOSINGS = (
    "Thanks.",
    "Thank you!",
    "Regards, Tom",
    "Best wishes, Anna",
    "please answer soon",
    "Bye",
)
NAMES = ("Anna", "Tom", "Maria", "Ben", "Sofia", "Peter", "Lucy", "David", "Emma", "Paul")
FIELDS = (
    "Message", "Text", "Input", "Comment", "Sentence", "Note", "Request", "Question", "Item",
    "Mail", "Description", "Entry", "Content", "Statement", "Query", "message", "text", "input",
)  # fmt: skip
TARGETS = (
    "Label", "Answer", "Class", "Category", "Output", "Topic", "Kind", "Group", "Department",
    "Team", "Result", "Type", "Tag", "Box", "Code", "label", "answer", "category", "output",
)  # fmt: skip
LABEL_WORDS = (
    "red", "blue", "green", "white", "black", "north", "south", "east", "west", "alpha", "beta",
    "gamma", "delta", "one", "two", "three", "first", "second", "third", "left", "right", "up",
    "down", "A", "B", "C", "D", "E", "F", "X", "Y", "Z", "P", "Q", "a", "b", "c", "d", "0", "1",
    "2", "3", "4", "5", "6", "7", "8", "9", "yes", "no", "true", "false", "on", "off", "keep",
    "stone", "river", "moon", "oak", "iron", "amber", "jade", "Smith", "Jones", "Miller", "floor 1",
    "floor 2", "floor 3", "desk 4", "desk 5", "room 7", "room 8", "group A", "group B", "team one",
    "team two", "Anna", "Tom", "Maria", "Ben", "drop", "check", "forward", "archive", "high", "low",
)  # fmt: skip
SHORT_LABELS = tuple(word for word in LABEL_WORDS if " " not in word)
