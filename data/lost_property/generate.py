"""Writes train.json and test.json: notes of a lost property office, by the shelf of its house rule.

    python data/lost_property/generate.py

Each kind of thing has two lists: things of the training rows, and things of the test rows. No
content word is in both. The sentences of the two files differ too.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

SEED = 20261129
SHELVES = {
    "clothing": "north", "tools": "north",
    "electronics": "east", "food": "east",
    "paper": "south", "jewelry": "south",
    "games": "west", "instruments": "west",
}  # fmt: skip
# kind: (things of the training rows, things of the test rows)
THINGS = {
    "clothing": (
        "scarf, sweater, raincoat, cap, jeans, blouse, wool socks, mittens, leather belt, "
        "sandals, pajamas, skirt, necktie, fleece, leggings, swimsuit, bonnet, tracksuit, "
        "cardigan, pullover, jacket, shirt, trousers, dress, gloves, hat, boots, coat, "
        "sneakers, hoodie, shoes, vest, shorts, slippers, beanie, suit, stockings, apron, robe, "
        "underwear",
        "poncho, bathrobe, turtleneck, kimono, overalls, parka, windbreaker, tuxedo, "
        "suspenders, earmuffs, shawl, sarong, kilt, tights, blazer, jersey, nightgown, "
        "moccasins, veil, turban",
    ),
    "tools": (
        "hammer, screwdriver, pliers, chisel, tape measure, paint roller, axe, spade, clamp, "
        "rake, sandpaper, crowbar, spirit level, soldering iron, trowel, hedge shears, wire "
        "cutter, workbench, hacksaw, sledge, drill, wrench, saw, ladder, toolbox, shovel, "
        "nails, screws, bolts, paintbrush, pickaxe, mallet, file, welding mask, hoe, pump, "
        "rivets, garden fork, hose, wheelbarrow",
        "anvil, pitchfork, sickle, scythe, tweezers, awl, plunger, grinder, vise, jackhammer, "
        "sander, lathe, stapler, tongs, hatchet, machete, caulking gun, planer, winch, pulley",
    ),
    "electronics": (
        "laptop, headphones, charger, tablet, e-reader, power bank, digital camera, mouse, "
        "flash drive, calculator, hair dryer, radio, shaver, gaming console, smartwatch, "
        "router, hearing aid, microphone, walkie-talkie, dictaphone, phone, keyboard, computer, "
        "cable, battery, flashlight, earbuds, monitor, printer, loudspeaker, projector, "
        "television, adapter, modem, hard disk, remote control, webcam, lamp, scanner, electric "
        "fan",
        "amplifier, joystick, drone, headset, motherboard, transistor, antenna, thermostat, "
        "stereo, microwave, toaster, blender, camcorder, pager, megaphone, voltmeter, "
        "touchscreen, server, laser pointer, hotplate",
    ),
    "food": (
        "sandwich, apples, thermos of coffee, chocolate, cheese, yogurt, honey, sausage, pasta, "
        "birthday cake, olives, orange juice, cereal, nuts, tomatoes, wine, noodles, pickles, "
        "muffins, mustard, bread, bananas, bottle of milk, cookies, rice, eggs, butter, salad, "
        "lemonade, soup, meat, jam, grapes, beer, candy, sugar, fish, potatoes, tea, pie",
        "bacon, carrots, strawberries, pancakes, pizza, onions, ham, mushrooms, lettuce, "
        "waffles, spaghetti, cucumber, pears, popcorn, garlic, lentils, shrimp, ketchup, "
        "oatmeal, pudding",
    ),
    "paper": (
        "novel, passport, envelope, notebook, train ticket, newspaper, sketchbook, map, "
        "diploma, bank statement, atlas, postcards, certificate, folder, comic, cookbook, "
        "prescription, address list, stamps, thesis, book, letter, magazine, diary, contract, "
        "dictionary, documents, calendar, brochure, textbook, receipt, invoice, poem, photo "
        "album, manuscript, driving license, pamphlet, homework, essay, file cards",
        "leaflet, newsletter, catalog, biography, encyclopedia, script, journal, checklist, "
        "questionnaire, permit, blueprint, timetable, report, visa, bible, paperback, memoir, "
        "handbook, gazette, application form",
    ),
    "jewelry": (
        "ring, pearl earrings, bracelet, brooch, pocket watch, locket, cufflinks, tiara, "
        "anklet, ruby, amulet, hair clip of silver, engagement band, charm, cameo, wristwatch, "
        "opal, medallion, beads, tie pin, necklace, gold chain, diamond, pendant, crown, "
        "emerald, gemstone, sapphire, jewel, platinum bangle, amber, crystal, jade, rosary, "
        "turquoise, coin of gold, crucifix, badge, medal, ornament",
        "topaz, garnet, choker, signet, rhinestones, amethyst, coral, ivory, hairpin, scepter, "
        "diadem, trinket, heirloom, sequins, agate, aquamarine, quartz, onyx, nose stud, "
        "talisman",
    ),
    "games": (
        "teddy bear, jigsaw, chess set, tennis racket, kite, dice, football, skateboard, "
        "baseball bat, dominoes, water pistol, frisbee, yo-yo, rubber duck, skipping rope, "
        "marbles, model train, hockey stick, golf balls, stuffed rabbit, doll, puzzle, "
        "basketball, playing cards, balloon, backgammon, skates, surfboard, lego, volleyball, "
        "building blocks, dollhouse, trampoline, snowboard, puppets, sled, boxing pads, "
        "dartboard, tin soldiers, inline blades",
        "scrabble, checkers, pinball, sandbox, rollerblades, hula hoop, badminton net, ping "
        "pong paddle, seesaw, spinning top, slingshot, pogo, boomerang, action figure, rattle, "
        "rocking horse, tricycle, monopoly, poker chips, marionette",
    ),
    "instruments": (
        "violin, trumpet, flute, drumsticks, accordion, harmonica, tambourine, cello, banjo, "
        "oboe, triangle, bagpipes, mandolin, recorder, metronome, double bass, xylophone, horn, "
        "bongos, violin bow, guitar, piano, clarinet, saxophone, harp, trombone, drum, ukulele, "
        "lute, cymbals, tuba, viola, organ pipe, bell, keyboard stand, music box, whistle, "
        "gong, zither, bassoon",
        "synthesizer, piccolo, bugle, maracas, castanets, glockenspiel, sitar, lyre, fiddle, "
        "dulcimer, cornet, timpani, ocarina, panpipes, vibraphone, fife, snare, kazoo, marimba, "
        "gramophone",
    ),
}
FRAMES = {
    "train": (
        "I left my {x} on the night bus.", "Found on platform 2: {x}.", "has anyone seen my {x}?",
        "My son lost his {x} in the waiting room.", "{x}, under seat 14",
        "Somebody forgot {x} here.", "Line 7, last stop: {x}", "I am missing {x} since Monday.",
        "handed in by a driver: {x}",
        "Please look for {x}, it was in a plastic bag.", "I think my {x} is still in coach 3.",
        "A student asks for {x}.", "Was {x} found yesterday?", "the cleaner brought {x} at six",
        "We forgot our {x} on the ferry.", "On the stairs there was {x}.",
    ),
    "test": (
        "My {x} must be somewhere on the tram.", "A lady brought us {x} this morning.",
        "{x} (next to the vending machine)", "Did you get {x} from the airport bus?",
        "hello, i lost my {x} on friday", "In locker 9 we found {x}.", "Owner wanted: {x}",
        "My grandmother is looking for her {x}.", "it is about {x} that I left in row 20",
        "The guard picked up {x}.", "Where can I ask for my {x}?", "{x}, no name on it",
        "We believe {x} was left in the buffet car.", "someone took my {x} by mistake",
        "A tourist dropped {x} at the gate.", "Bus 31, upper deck, {x}",
    ),
}  # fmt: skip
TEXTS_PER_THING = {"train": 1, "test": 2}


def rows(part: str) -> list[dict[str, str]]:
    """Return the rows of one file, shuffled."""
    rng = random.Random(f"{SEED}/{part}")
    found = [
        {"input": f"Note: {text}\nShelf:\n", "output": SHELVES[kind]}
        for kind, lists in THINGS.items()
        for thing in lists[part == "test"].split(", ")
        for text in _texts(rng, part, thing)
    ]
    rng.shuffle(found)
    return found


def _texts(rng: random.Random, part: str, thing: str) -> list[str]:
    frames = rng.sample(FRAMES[part], TEXTS_PER_THING[part])
    return [frame.format(x=thing) for frame in frames]


def main() -> None:
    """Write both files beside this one."""
    for part in ("train", "test"):
        text = json.dumps(rows(part), indent=2, ensure_ascii=False)
        (Path(__file__).parent / f"{part}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
