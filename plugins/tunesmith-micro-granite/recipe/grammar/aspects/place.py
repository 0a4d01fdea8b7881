"""Phrases of customers about hygiene, equipment and atmosphere."""

from __future__ import annotations

PHRASES = """
@ cleanliness
+ the {place} was {very} clean
+ everything was spotless
+ you could eat off the floor
+ the {place} smells fresh and clean
+ they disinfect everything between customers
+ the tools are always sterilized
+ the restrooms were spotless
+ not a speck of dust anywhere
+ clean towels, clean floors, clean everything
+ hygiene is taken seriously here
+ they tidied up after themselves
+ they left everything cleaner than they found it
+ it never smells bad in there
+ {object} smelled wonderful afterwards
+ I have never seen such a clean {place}
+ they sweep after every customer
- the {place} was {very} dirty
- everything was filthy
- the floor was sticky
- the {place} smells like mold
- it smelled awful in there
- the smell of sweat hit me at the door
- the smell of urine was unbearable
- the tools were not clean
- the restrooms were disgusting
- there was dust and hair all over the floor
- dirty towels, dirty floors, dirty everything
- hygiene is a foreign word here
- they left a mess behind
- they left mud on the carpet
- it wasn't clean
- I would not call it clean
- I saw a cockroach in the corner
- there were flies everywhere
- there was mold on the walls
- {object} stank afterwards
- {object} came back dirtier than before
- I had to wash {object} again at home
- I found somebody's used bandage on the floor
- the trash had not been emptied for days
- the place could be cleaner
- they should clean more often
- somebody call the health inspector
- stains on every surface
- do they ever clean?
+m the {place} was clean
+m it was tidy
+m everything looked clean
-m the windows could use a wipe
-m the restroom was a bit untidy
-m there was a faint smell of paint
-m the floor could have been cleaner
+f very clean
+f spotless
+f clean and tidy
+f clean {place}
+f fresh and clean
+f smells great
+f impeccable hygiene
+f squeaky clean
-f very dirty
-f filthy
-f not clean
-f dirty {place}
-f dirty and smelly
-f bad smell
-f smells awful
-f smells terrible
-f unhygienic
-f poor hygiene
-f disgusting restrooms
-f could be cleaner
-f should be cleaner
-f clean the place
-f gross
-f mold everywhere

@ facilities
+ the equipment is modern and well maintained
+ the chairs are comfortable
+ there are free drinks in the waiting area
+ they have a play corner for the kids
+ everything works and nothing is worn
+ they have renovated and it looks {good}
+ the {place} is {lovely} and {lovely}
+ the air conditioning was a blessing
+ plenty of room for a stroller
+ the building is well looked after
+ they have top-of-the-line tools
+ a leaking pipe was fixed within the hour
+ they repaired the elevator overnight
- the equipment is old and broken
- the chairs are falling apart
- there is nowhere to sit while you wait
- half of the machines were out of order
- nothing works and everything is worn
- the {place} has not been renovated for decades
- the heating was broken and we froze
- the air conditioning was broken and it was like an oven
- the ceiling was leaking
- the elevator has been out of order for {days}
- the toilet was blocked
- no hot water, no soap, no towels
- the paint is peeling off the walls
- the lights flicker and the door jams
- the waiting room is a shoebox
- they should renovate
- they need new equipment
- better seats would help
- the {place} needs a makeover
- I reported the broken lock and nobody fixed it
- the lock on the changing room was broken
+m the equipment looked modern
+m the chairs were comfortable
+m the building is nice
+m there was free coffee
-m the furniture is a bit dated
-m the {place} is a little small
-m the waiting area is small
-m the chairs could be softer
-m there was no coffee
-m the decor is nothing special
+f modern equipment
+f comfortable seats
+f {lovely} {place}
+f well maintained
+f great facilities
+f newly renovated
+f everything works
-f broken equipment
-f old equipment
-f {grim} {place}
-f badly maintained
-f poor facilities
-f out of order again
-f nothing works
-f needs renovation
-f nowhere to sit
-f too small and cramped
-f fix the heating

@ atmosphere
+ the {place} is {lovely} and {lovely}
+ the atmosphere is {lovely}
+ I love the {lovely} atmosphere
+ it is a calm environment with soft music
+ it feels like a second home
+ you feel relaxed as soon as you step in
+ the vibe is {lovely}
+ not noisy or hectic at all
+ quiet enough to hear yourself think
+ a haven of peace
+ there's always laughter in the air
+ such a warm and {lovely} {place}
+ it never feels crowded
- the {place} is {grim} and {grim}
- the atmosphere is {grim}
- I hated the {grim} atmosphere
- the music was so loud that we could not talk
- it was so noisy that {client} got a headache
- it felt like a prison
- you feel tense as soon as you step in
- the vibe is {grim}
- it wasn't {lovely} at all
- not exactly {lovely}
- there was shouting from the back room
- constant noise, phones ringing, doors slamming
- it was far too crowded
- we were packed in like sardines
- everybody was stressed and it rubbed off on {client}
- a bit less noise would be welcome
- turn the music down
+m the atmosphere was pleasant
+m the music was nice
+m it was quiet
-m it was a bit noisy
-m the music was a little loud
-m it gets crowded
-m it was rather warm inside
+f {lovely} atmosphere
+f calm and {lovely}
+f relaxing and {lovely}
+f peaceful {place}
+f great vibe
+f home away from home
+f good mood guaranteed
-f {grim} atmosphere
-f loud and {grim}
-f stressful and {grim}
-f {grim} and {grim}
-f bad vibe
-f too noisy
-f too loud
-f too crowded
-f overcrowded and hectic
"""
